"""Locks between processes that share a disk: files, whose sentence is that of any other file."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from results.remedies import unwritable


@contextmanager
def locked(run: Path) -> Iterator[None]:
    """Hold the run's lock, waiting for whoever has it.

    Raises:
        RecordError: it cannot be made.
    """
    with locked_file(run / ".lock"):
        yield


@contextmanager
def locked_file(path: Path) -> Iterator[None]:
    """Hold the lock that is a file, waiting for whoever has it.

    Raises:
        RecordError: it cannot be made.
    """
    from filelock import FileLock

    lock = FileLock(path)
    try:
        lock.acquire()
    except OSError as error:
        raise unwritable(path, error) from error
    try:
        yield
    finally:
        lock.release()
