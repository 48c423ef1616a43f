"""The ledger of a run: parts that were read to their end and found sound, so that each is once.

Reading every byte of a large run takes a minute, and parts never change. So the ledger keeps name,
size and time of those that were read; one that differs in any is read again. It is a note for this
machine, not a record: without it everything is read. Whoever finds damage in a part, which only a
failing disk can do to one that was sound, tears the ledger up, and the next run reads everything.
"""

import json
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path

LEDGER = ".checked"
"""Its name in a run folder: hidden, so that nothing takes it for a record or carries it along."""

Stamp = tuple[int, int]
"""Bytes of a file, and when it was written, in nanoseconds."""


def sound_parts(run: Path) -> Mapping[str, Stamp]:
    """The parts that were found sound, by their paths within the run; none if it cannot be read."""
    try:
        listed = json.loads((run / LEDGER).read_bytes())
        return {str(part): (int(size), int(when)) for part, (size, when) in listed.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def keep_ledger(run: Path, sound: Mapping[str, Stamp]) -> None:
    """Write the ledger, whole or not at all; whoever does holds the run's lock."""
    new = run / f"{LEDGER}.new"
    with suppress(OSError):  # without one, everything is read again
        new.write_text(json.dumps(sound), encoding="utf-8")
        new.replace(run / LEDGER)


def enter(run: Path, parts: Collection[Path]) -> None:
    """Add parts to the ledger; whoever does holds the run's lock."""
    stamps = {place(path): stamp for path in parts if (stamp := stamp_of(path))}
    keep_ledger(run, {**sound_parts(run), **stamps})


def tear_up(run: Path) -> None:
    """Remove the ledger: a part has turned out to be damaged."""
    with suppress(OSError):  # somebody else's folder, which cannot be written
        (run / LEDGER).unlink(missing_ok=True)


def place(path: Path) -> str:
    """A part's path within its run."""
    return f"{path.parent.name}/{path.name}"


def stamp_of(path: Path) -> Stamp | None:
    """Size and time of a file; None if it is gone."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns
