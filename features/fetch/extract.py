"""Files out of a zip archive: those wanted, under names of our own, whole or not at all."""

import hashlib
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from features.errors import InputError
from features.fetch.catalogue import OfficialFile

_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    NotImplementedError,
    RuntimeError,
    ValueError,
)
"""What reading an archive raises where some of its bytes are others."""

LARGEST = 64 << 20
"""Bytes of the largest file that is taken out of an archive: corpora are small, bombs are not."""


def extract(archive: Path, wanted: Sequence[OfficialFile], folder: Path) -> list[OfficialFile]:
    """Extracts the wanted files into a folder, once all of them have been read and checked.

    Names inside the archive are only compared with those wanted; none becomes a path.

    Args:
        archive: A zip file.
        wanted: The files; where an archive holds several of a name, the one in the fewest folders
            is taken.
        folder: Where they are put, beside each other; files of their names are replaced.

    Returns:
        Those that were there, in the order wanted.

    Raises:
        InputError: When the archive is damaged, lacks a file or holds another one by its name. It
            does not say which archive: its path is not what the user knows it by.
        OSError: When a file cannot be written.
    """
    staged: dict[Path, OfficialFile] = {}
    try:
        for file, content in _read(archive, wanted):
            # Not yet by its name: a reader finds official names anywhere below its folder.
            part = folder / f"{file.name}.part"
            staged[part] = file
            part.write_bytes(content)
        for part, file in staged.items():
            part.replace(folder / file.name)
    finally:
        for part in staged:
            part.unlink(missing_ok=True)
    return list(staged.values())


def _read(archive: Path, wanted: Sequence[OfficialFile]) -> Iterator[tuple[OfficialFile, bytes]]:
    """Reads the wanted files, each checked; they are small enough for that."""
    for file in wanted:
        try:
            with zipfile.ZipFile(archive) as opened:
                member = _member(opened, file)
                if member:
                    _check_size(file, member)
                content = opened.read(member) if member else None
        except InputError:  # a ValueError, but of ours
            raise
        except _DAMAGED as error:
            raise InputError(f"the archive is damaged ({error})") from error
        if content is not None:
            _check(file, content)
            yield file, content
        elif not file.optional:
            raise InputError(f"the archive holds no {file.name}")


def _member(archive: zipfile.ZipFile, file: OfficialFile) -> zipfile.ZipInfo | None:
    """The wanted file in the archive; folders end in ``/`` and have no base name."""
    found = [
        member
        for member in archive.infolist()
        if member.filename.rsplit("/", 1)[-1].casefold() == file.name.casefold()
    ]
    return min(found, key=lambda member: member.filename.count("/"), default=None)


def _check_size(file: OfficialFile, member: zipfile.ZipInfo) -> None:
    # It can be trusted: no more bytes than these are ever unpacked.
    if member.file_size > LARGEST:
        raise InputError(
            f"{file.name} in the archive has {member.file_size} bytes; expected at most {LARGEST}"
        )


def _check(file: OfficialFile, content: bytes) -> None:
    found = hashlib.sha256(content).hexdigest()
    if file.sha256 not in (None, found):
        raise InputError(
            f"{file.name} in the archive has sha256 {found[:12]}...; expected {file.sha256[:12]}..."
        )
