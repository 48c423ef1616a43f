"""Object stores, and anything else with a URI that pyarrow knows: whole files in, whole files out.

Whatever may pass, such as a server that does not answer for a while, is tried again.
"""

import errno
import os
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from results.errors import RecordError, RecordWarning, one_line
from results.parts import whole_file
from results.places import masked, uri_of

if TYPE_CHECKING:
    from pyarrow.fs import FileSystem

PATIENCE = float(os.environ.get("SOFTSWEEP_STORE_PATIENCE", "300"))
"""Seconds for which what fails is tried again."""

_LONGEST_PAUSE = 5.0
"""Most seconds between two tries."""

_UNHEARD = 5.0
"""Seconds of failing from which on it is said."""

_ANSWER = 3.0
"""Seconds without a byte after which a request to S3 is given up; it is made twice, so that a call
ends long before others take over the claim to a run, which is kept by calls."""

_STREAMS = 8
"""Files that travel at a time."""

_BLOCK = 1 << 20
"""Bytes read at a time."""

_OPTIONS = {
    "s3://": "allow_delayed_open=true",  # a file that fits into one request is then one
    "gs://": "retry_limit_seconds=5",
}
"""What is added to URIs."""

_PLACE = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://")
"""How a URI begins."""

_PASSING = (errno.EIO, errno.ETIMEDOUT, errno.ECONNRESET, errno.EHOSTDOWN, errno.ESTALE)
"""Errors of a mounted disk that may pass; those of a server have no such number."""

_TO_DO = {
    "there is no such bucket: make it, or give another": r"NO_SUCH_BUCKET|NOT_FOUND",
    "see that this machine has credentials which may list, read, write and delete there "
    "(AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile or a role; those of Google Cloud)": (
        r"ACCESS_DENIED|ACCESS_KEY_ID|SIGNATURE|TOKEN|UNAUTHENTICATED|PERMISSION_DENIED"
        r"|HTTP STATUS 40[13]"
    ),
    "the server refuses that": r"HTTP STATUS 4(?!08|29)\d\d",
}
"""What to do about errors that do not pass."""

Item = TypeVar("Item")


@dataclass(frozen=True)
class Stored:
    """A file in a store.

    Attributes:
        size: in bytes.
        changed: when it was written, in nanoseconds, by the store's clock; some count whole seconds
            only.
    """

    size: int
    changed: int


class _FaultError(Exception):
    """The store failed, not the disk here."""


def is_uri(place: str) -> bool:
    """Whether a place is a store rather than a folder."""
    return _PLACE.match(place) is not None


def child(uri: str, name: str) -> str:
    """The URI of what lies below another; what follows its `?` stays at the end."""
    place, mark, options = uri.partition("?")
    return f"{place.rstrip('/')}/{name}{mark}{options}"


class Store:
    """A folder of a store.

    Attributes:
        uri: where it lies.
        shown: the same, as it may be shown.

    Args:
        uri: such as `s3://bucket/folder`, with options of pyarrow's behind a `?`.
        patience: seconds for which what fails is tried again; `PATIENCE` by default.
    """

    def __init__(self, uri: str, patience: float | None = None) -> None:
        self.uri = uri
        self.shown = masked(uri)
        self._patience = PATIENCE if patience is None else patience
        self._stopped = threading.Event()

    def list(self, below: str = "") -> dict[str, Stored]:
        """The files at any depth below a folder, by their names as seen from the store's folder.

        Raises:
            RecordError: the store cannot be read.
        """

        def ask() -> dict[str, Stored]:
            from pyarrow.fs import FileSelector, FileType

            files, folder = self._opened()
            below_folder = f"{folder}/{below}" if below else folder
            found = files.get_file_info(
                FileSelector(below_folder, allow_not_found=True, recursive=True)
            )
            if not found:
                self._check_bucket(files, folder)
            return {
                info.path.removeprefix(folder).lstrip("/"): Stored(info.size, info.mtime_ns)
                for info in found
                if info.type == FileType.File
            }

        return self._persist("cannot be listed", ask)

    def _check_bucket(self, files: "FileSystem", folder: str) -> None:
        """Tell an empty folder from a bucket that is not there."""
        from pyarrow.fs import FileType

        if files.type_name == "local":
            return
        bucket = folder.partition("/")[0]
        if files.get_file_info(bucket).type == FileType.NotFound:
            raise OSError(f"NO_SUCH_BUCKET {bucket}")

    def info(self, name: str) -> Stored | None:
        """Size and time of a file; None where there is none.

        Raises:
            RecordError: the store cannot be read.
        """

        def ask() -> Stored | None:
            from pyarrow.fs import FileType

            files, folder = self._opened()
            info = files.get_file_info(f"{folder}/{name}")
            return Stored(info.size, info.mtime_ns) if info.type == FileType.File else None

        return self._persist(f"{name} cannot be looked for", ask)

    def read(self, name: str) -> bytes | None:
        """A small file's bytes; None where there is none.

        Raises:
            RecordError: the store cannot be read.
        """
        return self._persist(f"{name} cannot be read", lambda: self._content(name))

    def _content(self, name: str) -> bytes | None:
        try:
            return b"".join(self._blocks(name))
        except FileNotFoundError:
            return None

    def get(self, name: str, path: Path) -> bool:
        """Copy a file here, whole or not at all.

        Returns:
            Whether there is one.

        Raises:
            RecordError: the store cannot be read, or the copy cannot be written.
        """

        def copy() -> bool:
            blocks = self._blocks(name)
            try:
                first = next(blocks, b"")
            except FileNotFoundError:
                return False
            with whole_file(path, lasting=False) as file:
                file.write(first)
                for block in blocks:
                    file.write(block)
            return True

        return self._persist(f"{name} cannot be read", copy)

    def _blocks(self, name: str) -> Iterator[bytes]:
        """A file in blocks; errors of the store are told apart from those of whoever writes them.

        Raises:
            FileNotFoundError: there is none.
        """
        with _faults():
            files, folder = self._opened()
            source = files.open_input_stream(f"{folder}/{name}")
        with source:
            while True:
                with _faults():
                    block: bytes = source.read(_BLOCK)
                if not block:
                    return
                yield block

    def put(self, name: str, path: Path) -> None:
        """Copy a file there, where it appears whole or not at all.

        Raises:
            RecordError: the store cannot be written, or the file cannot be read.
            FileNotFoundError: there is no file here.
        """
        import pyarrow as pa

        try:
            file = pa.memory_map(str(path))  # files of gigabytes travel several at a time
        except FileNotFoundError:
            raise
        except OSError as error:
            raise RecordError(f"{path}: cannot be read ({one_line(error)})") from error
        with file:
            self.write(name, file.read_buffer())

    def write(self, name: str, data: Any) -> None:
        """Write a file, which appears whole or not at all.

        Args:
            name: of the file.
            data: its bytes, or a buffer.

        Raises:
            RecordError: the store cannot be written.
        """

        def send() -> None:
            files, folder = self._opened()
            if files.type_name == "local":
                with whole_file(Path(folder, name)) as file:
                    file.write(data)
                return
            with files.open_output_stream(f"{folder}/{name}") as sink:
                sink.write(data)  # at once: what is cut off in between is never completed

        self._persist(f"{name} cannot be written", send)

    def delete(self, name: str) -> None:
        """Delete a file, if it is there.

        Raises:
            RecordError: the store cannot be written.
        """

        def remove() -> None:
            files, folder = self._opened()
            with suppress(FileNotFoundError):
                files.delete_file(f"{folder}/{name}")

        self._persist(f"{name} cannot be deleted", remove)

    def together(self, do: Callable[[str], object], names: Iterable[str]) -> None:
        """Do the same to several files, some at a time; after an error no more are begun.

        Raises:
            RecordError: as the first that fails.
        """
        from concurrent.futures import ThreadPoolExecutor

        pool = ThreadPoolExecutor(_STREAMS)
        try:
            for done in [pool.submit(do, name) for name in names]:
                done.result()
        except BaseException:
            self._stopped.set()  # those that wait to try again need not
            raise
        finally:
            pool.shutdown(cancel_futures=True)

    def _opened(self) -> "tuple[FileSystem, str]":
        return _filesystem(self.uri)

    def _persist(self, what: str, do: Callable[[], Item]) -> Item:
        """What `do` returns, which is tried again while what goes wrong may pass.

        Raises:
            RecordError: it does not pass.
        """
        began, pause, said = time.monotonic(), 0.1, False
        while True:
            try:
                with _faults():
                    return do()
            except _FaultError as fault:
                reason = _reason(fault, self.uri)
                failing = time.monotonic() - began
                if advice := _advice(fault.__cause__, reason):
                    raise RecordError(f"{self.shown}: {what} ({reason}); {advice}") from fault
                if failing >= self._patience or self._stopped.is_set():
                    raise RecordError(
                        f"{self.shown}: {what} (tried for {failing:.0f} s: {reason}); what was "
                        "recorded before is kept: see that the storage can be reached from this "
                        "machine, and run again"
                    ) from fault
                if failing >= _UNHEARD and not said:
                    _say(f"{self.shown}: {what} ({reason}); trying again")
                    said = True
            self._stopped.wait(min(pause, max(began + self._patience - time.monotonic(), 0.0)))
            pause = min(2 * pause, _LONGEST_PAUSE)


def store_of(folder: Path, patience: float | None = None) -> Store | None:
    """The store that a folder mirrors; None for an ordinary folder."""
    uri = uri_of(folder)
    return Store(uri, patience) if uri else None


@cache
def _filesystem(uri: str) -> "tuple[FileSystem, str]":
    """What pyarrow knows a URI as, with calls that end within seconds, and the path in it."""
    from pyarrow.fs import FileSystem

    for place, option in _OPTIONS.items():
        if uri.startswith(place):
            uri += f"{'&' if '?' in uri else '?'}{option}"
    files, folder = FileSystem.from_uri(uri)
    if files.type_name == "s3":
        from pyarrow.fs import AwsStandardS3RetryStrategy, S3FileSystem

        _, (settings,) = files.__reduce__()  # URIs take none of these
        settings |= {"connect_timeout": _ANSWER, "request_timeout": _ANSWER}
        files = S3FileSystem(**settings, retry_strategy=AwsStandardS3RetryStrategy(max_attempts=2))
    return files, folder.rstrip("/")


@contextmanager
def _faults() -> Iterator[None]:
    """Turn errors of a store into faults, but for a file that is not there."""
    import pyarrow as pa

    try:
        yield
    except FileNotFoundError:
        raise
    except (OSError, pa.ArrowException) as error:
        raise _FaultError(str(error)) from error


def _reason(fault: _FaultError, uri: str) -> str:
    """Why a store failed, without what only it understands, and without secrets."""
    text = one_line(fault).replace(uri, masked(uri))
    text = re.sub(r"^.*?(?=AWS Error )", "", text)
    text = re.sub(rf" \(Request ID: \S*\)|[&?]({'|'.join(_OPTIONS.values())})", "", text)
    return masked(text).removesuffix(".")


def _advice(error: BaseException | None, reason: str) -> str:
    """What to do about an error that does not pass by itself; empty for one that may."""
    import pyarrow as pa

    if isinstance(error, pa.ArrowInvalid):
        return "expected a folder, s3://BUCKET/FOLDER or gs://BUCKET/FOLDER"
    if isinstance(error, OSError) and error.errno not in (None, *_PASSING):
        return "see that it can be written"
    kind = reason.partition(" during ")[0].upper()  # behind it may stand any name
    return next((do for do, found in _TO_DO.items() if re.search(found, kind)), "")


def _say(sentence: str) -> None:
    """Tell the user, as of damaged records."""
    import warnings

    warnings.warn(sentence, RecordWarning, stacklevel=1)
