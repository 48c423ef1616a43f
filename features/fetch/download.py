"""One file over HTTP, resumed where an earlier transfer stopped.

What is there so far lies beside the file as ``NAME.part``; ``NAME.part.json`` says which version
of the file that is, as the server names it (``ETag``, else ``Last-Modified``). The rest is asked
for by ``Range`` on condition of that version (``If-Range``, RFC 9110 section 13.1.5): a server
whose file has changed, or that knows no ranges, sends all of it, and the download begins anew.

Resuming is own code, as is the comparison of checksums: we know of no maintained library of this
size that resumes on condition of a version, and pooch, which downloads and checks, does not resume.
"""

import json
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

from features.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from requests import Response

CONNECT_SECONDS, SILENCE_SECONDS = 15, 60
"""How long to wait for a connection, and for the next bytes."""

BLOCK = 1 << 14
"""Bytes read and written at a time; of a transfer that breaks off, at most as many are lost."""

Received = Callable[[int, int | None], None]
"""Told the bytes there are and how many there will be, where the server says so."""


def download(url: str, path: Path, received: Received) -> Path:
    """Downloads a file, or the rest of it.

    Args:
        url: Where it is.
        path: Its name when it is whole; its folder is made if need be. This function leaves it at
            ``NAME.part``, and a later call finds it there: the caller checks it, then takes it and
            calls :func:`discard`.
        received: Told of progress.

    Returns:
        The whole file, ``NAME.part``.

    Raises:
        InputError: When it cannot be had; what came so far is kept.
        OSError: When it cannot be written; likewise.
    """
    part, note = _paths(path)
    known = _known(url, part, note)
    there = part.stat().st_size if known else 0
    if known and there == known["size"]:
        return part
    with _answer(url, there, known) as response:
        if response.status_code == HTTPStatus.PARTIAL_CONTENT:
            size = known["size"]
        else:
            there, size = 0, _size(response)
            part.parent.mkdir(parents=True, exist_ok=True)
            part.unlink(missing_ok=True)  # before the note: it must not vouch for other bytes
            note.write_text(
                json.dumps({"url": url, "version": _version(response), "size": size}),
                encoding="utf-8",
            )
        with part.open("ab") as file:
            received(there, size)
            for block in _blocks(url, response):
                file.write(block)
                there += len(block)
                received(there, size)
    return part


def discard(path: Path) -> None:
    """Removes what :func:`download` keeps for a file."""
    for kept in _paths(path):
        kept.unlink(missing_ok=True)


def _paths(path: Path) -> tuple[Path, Path]:
    return path.with_name(f"{path.name}.part"), path.with_name(f"{path.name}.part.json")


def _known(url: str, part: Path, note: Path) -> dict[str, Any]:
    """What is known of the file that the part is of; empty where it cannot be resumed."""
    try:
        known: dict[str, Any] = json.loads(note.read_text(encoding="utf-8"))
        usable = known["url"] == url and known["version"] and part.stat().st_size <= known["size"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return known if usable else {}


def _answer(url: str, there: int, known: dict[str, Any]) -> "Response":
    """The server's answer: the whole file, or what follows the bytes that are there."""
    import requests

    headers = {"Accept-Encoding": "identity"}  # ranges and sizes are then those of the file
    if there:
        headers |= {"Range": f"bytes={there}-", "If-Range": known["version"]}
    try:
        response = requests.get(
            url, headers=headers, stream=True, timeout=(CONNECT_SECONDS, SILENCE_SECONDS)
        )
    except requests.RequestException as error:
        raise InputError(f"{url}: no connection ({_reason(error)})") from error
    if response.status_code == HTTPStatus.OK:
        return response
    if there and response.status_code == HTTPStatus.PARTIAL_CONTENT:
        expected = f"bytes {there}-{known['size'] - 1}/{known['size']}"
        if response.headers.get("Content-Range") == expected:
            return response
    response.close()
    if there:  # the range that was asked for is not to be had
        return _answer(url, 0, {})
    raise InputError(f"{url}: the server answers {response.status_code} ({response.reason})")


def _blocks(url: str, response: "Response") -> "Iterator[bytes]":
    import requests

    try:
        yield from response.iter_content(BLOCK)
    except requests.RequestException as error:
        raise InputError(
            f"{url}: the transfer broke off; the same command goes on from there"
        ) from error


def _size(response: "Response") -> int | None:
    stated = response.headers.get("Content-Length", "")
    return int(stated) if stated.isdecimal() else None


def _version(response: "Response") -> str | None:
    """The server's name for this version; a weak ETag does not promise equal bytes."""
    tag = response.headers.get("ETag", "W/")
    return response.headers.get("Last-Modified") if tag.startswith("W/") else tag


def _reason(error: BaseException) -> str:
    """The operating system's words for it, from below the layers that wrap them."""
    told, cause = type(error).__name__, error.__context__
    while cause is not None:
        told = getattr(cause, "strerror", None) or told
        cause = cause.__context__
    return told
