"""Removes from a cache what is of no more use, and nothing that anybody is building."""

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from features.content import lock_of, set_aside
from features.errors import InputError
from features.stored import ENTRY, Stored, describe, is_entry, size_of

_LEFTOVER = re.compile(rf"\.({ENTRY.pattern})-\w{{8}}")
_LOCK = re.compile(rf"({ENTRY.pattern})\.lock")


@dataclass
class Pruned:
    """What was removed, or would be.

    Attributes:
        entries: Whole entries.
        leftovers: How many folders of builders that were killed.
        locks: How many lock files that belong to no entry.
        bytes: What all of them took.
        building: How many keys were left alone because somebody is building them.
    """

    entries: list[Stored] = field(default_factory=list)
    leftovers: int = 0
    locks: int = 0
    bytes: int = 0
    building: int = 0


def prune(cache: Path, keep: Callable[[Stored], bool], dry_run: bool = False) -> Pruned:
    """Removes entries that can never be found again, those not to be kept, and their remains.

    Files of other names are left alone. Whoever has an entry open keeps it.

    Args:
        cache: The cache folder; one that does not exist is empty.
        keep: Says which of the entries in good state stay.
        dry_run: Whether to look only.

    Raises:
        InputError: When the cache cannot be read or written.
    """
    pruned = Pruned()
    if not cache.exists():
        return pruned
    try:
        for name in sorted({name for path in cache.iterdir() if (name := _entry_of(path))}):
            if _useless(cache / name, keep):
                _prune_one(cache / name, keep, dry_run, pruned)
    except OSError as error:
        raise InputError(f"{cache}: the cache cannot be pruned ({error})") from error
    return pruned


def _entry_of(path: Path) -> str:
    """Names the entry that a path is, is left of, or locks; empty for anything else."""
    if path.is_dir():
        found = _LEFTOVER.fullmatch(path.name)
        return found[1] if found else path.name if is_entry(path) else ""
    found = _LOCK.fullmatch(path.name)
    return found[1] if found else ""


def _useless(entry: Path, keep: Callable[[Stored], bool]) -> list[Path]:
    """Lists what to remove of one key: leftovers, the entry or, where it has none, its lock."""
    useless = [path for path in entry.parent.glob(f".{entry.name}-*") if _entry_of(path)]
    if is_entry(entry):
        stored = describe(entry)
        return useless if stored.state == "ok" and keep(stored) else [*useless, entry]
    lock = lock_of(entry)
    return [*useless, lock] if lock.exists() and not entry.exists() else useless


def _prune_one(entry: Path, keep: Callable[[Stored], bool], dry_run: bool, pruned: Pruned) -> None:
    """Removes what is useless of one key, under its lock, and adds it up."""
    lock = lock_of(entry)
    locks = lock.exists()
    with _held(entry, dry_run) as held:
        if not held:
            pruned.building += 1
            return
        for path in _useless(entry, keep):
            if path == lock:  # removed with the lock itself
                pruned.locks += locks
                continue
            pruned.bytes += size_of(path)
            if path == entry:
                pruned.entries.append(describe(entry))
            else:
                pruned.leftovers += 1
            if not dry_run:  # an entry goes at once, so that nobody opens half of it
                shutil.rmtree(set_aside(entry) if path == entry else path)


@contextmanager
def _held(entry: Path, dry_run: bool) -> Iterator[bool]:
    """Locks a key unless somebody builds it; without an entry, the lock's file goes at the end.

    It goes while it is locked: who has opened it already finds that it has no name any more, and
    opens a new one.
    """
    from filelock import FileLock, Timeout

    if dry_run and not lock_of(entry).exists():
        yield True  # nobody builds; and looking writes nothing
        return
    try:
        with FileLock(lock_of(entry), timeout=0):
            yield True
            if not dry_run and not entry.is_dir():
                lock_of(entry).unlink(missing_ok=True)
    except Timeout:
        yield False
