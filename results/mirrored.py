"""The files of a mirror: which of them travel, in what order, and what is known of each."""

import json
import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from results.errors import RecordError
from results.locks import locked_file
from results.parts import replaced, whole_file
from results.remedies import SET_ASIDE
from results.stores import Stored

_INDEX = ".store.index"
_LOCK = ".store.lock"

_ORDER = ("weights", "predictions", "epochs", "", "arms")
"""Folders whose files travel one after the other: an arm counts with its row in `arms`."""

_LASTING = ("weights", "predictions", "epochs", "arms")
"""Folders whose files are written once and never changed."""


@dataclass(frozen=True)
class Known:
    """A file as it was when the mirror and its store were last equal.

    Attributes:
        size: in bytes.
        there: its time in the store.
        here: its time in the mirror, and its place on the disk: clocks of disks tick slowly.
    """

    size: int
    there: int
    here: tuple[int, int]

    def is_at(self, name: str, item: Stored) -> bool:
        """Whether it still is what lies in the store."""
        same = lasting(name) or _same_time(self.there, item.changed)
        return same and self.size == item.size

    def is_here(self, found: "Found | None") -> bool:
        """Whether it still is what lies in the mirror."""
        return found == (self.size, self.here)


Found = tuple[int, tuple[int, int]]
"""Size of a file here, and `Known.here`."""


def _same_time(a: int, b: int) -> bool:
    """Whether two times of a store are one; some tell fractions of seconds in lists only."""
    second = 1_000_000_000
    return a == b or (a // second == b // second and 0 in (a % second, b % second))


def lasting(name: str) -> bool:
    """Whether a file never changes."""
    return name.partition("/")[0] in _LASTING


def on_demand(name: str) -> bool:
    """Whether a file is brought only when it is asked for."""
    return name.startswith("weights/")


def travels(name: str) -> bool:
    """Whether a file belongs to both sides: nothing hidden does, nor what would lie outside."""
    return not any(part == "" or part.startswith(".") for part in name.split("/"))


def travelling(folder: Path) -> Iterator[str]:
    """Names of the files of a mirror that travel.

    Raises:
        RecordError: a folder cannot be listed, so that its files would seem to be gone.
    """

    def refuse(error: OSError) -> None:
        raise RecordError(f"{error.filename}: cannot be listed ({error.strerror})") from error

    for place, folders, files in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if travels(name)]
        yield from (Path(place, n).relative_to(folder).as_posix() for n in files if travels(n))


def done_with(folder: Path, here: Collection[str]) -> set[str]:
    """Lasting files for which others are here: merged parts, or themselves set aside as damaged.

    Only these may be deleted in the store. That a file is not here proves nothing: it may be lost.

    Args:
        folder: a mirror.
        here: names of the files in it.

    Raises:
        RecordError: a merged part is damaged.
    """
    done = {name.removesuffix(SET_ASIDE) for name in here if name.endswith(SET_ASIDE)}
    for kind in _LASTING:
        parts = {Path(name).stem for name in here if re.fullmatch(rf"{kind}/.*\.parquet", name)}
        done |= {f"{kind}/{name}.parquet" for name in replaced(folder, kind, parts)}
    return done


def in_order(names: Iterable[str]) -> list[list[str]]:
    """Names in the groups in which they travel."""
    groups: Mapping[str, list[str]] = {folder: [] for folder in _ORDER}
    for name in sorted(names):
        groups.get(name.partition("/")[0], groups[""]).append(name)
    return list(groups.values())


def found_here(path: Path) -> Found | None:
    """What a file is here, if there is one.

    Raises:
        RecordError: that cannot be seen.
    """
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise RecordError(f"{path}: cannot be looked at ({error.strerror})") from error
    return found.st_size, (found.st_mtime_ns, found.st_ino)


def remove_here(path: Path) -> None:
    """Delete a file here, if there is one.

    Raises:
        RecordError: it cannot be deleted.
    """
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise RecordError(f"{path}: cannot be deleted ({error.strerror})") from error


def is_kept(folder: Path) -> bool:
    """Whether a mirror has been pulled or pushed as a whole, so that somebody reads it."""
    return (folder / _INDEX).exists()


@contextmanager
def index_of(folder: Path) -> Iterator[dict[str, Known]]:
    """What is known of a mirror's files, for one process at a time; kept also after an error.

    Raises:
        RecordError: the mirror cannot be written.
    """
    with locked_file(folder / _LOCK):
        index = _read_index(folder)
        before = dict(index)
        try:
            yield index
        finally:
            if index != before:
                rows = {name: [k.size, k.there, *k.here] for name, k in index.items()}
                with whole_file(folder / _INDEX, lasting=False) as file:
                    file.write(json.dumps(rows).encode())


def _read_index(folder: Path) -> dict[str, Known]:
    """What is known; nothing where that cannot be read: then files are compared or fetched."""
    try:
        rows = json.loads((folder / _INDEX).read_text(encoding="utf-8"))
        return {
            name: Known(int(size), int(there), (int(when), int(inode)))
            for name, (size, there, when, inode) in rows.items()
        }
    except (OSError, ValueError, TypeError, AttributeError):
        return {}
