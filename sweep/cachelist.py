"""What the `cache` commands print."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from features.pruning import Pruned
from features.stored import Stored
from results.render import Cell, Table
from sweep.cachestore import folder_of
from sweep.errors import ExperimentError
from sweep.plan import default_cache

STATES = {"ok": "ok", "old": "old rules", "damaged": "damaged"}


def cache_folder(given: Path | None) -> Path:
    """The cache folder asked for, or the default one, which may not be there yet.

    Raises:
        ExperimentError: the folder asked for is none, or lies in a store.
    """
    if given is not None and not given.is_dir():
        raise ExperimentError(f"--cache {given}: no such folder")
    return folder_of(given or default_cache())


def kept(unused: int | None, everything: bool) -> Callable[[Stored], bool]:
    """Which entries in good state stay.

    Args:
        unused: days without use after which one goes, or None for never.
        everything: whether all of them go.

    Raises:
        ExperimentError: what is asked for contradicts itself.
    """
    if everything and unused is not None:
        raise ExperimentError("--unused, --all: expected one of them")
    if unused is None:
        return lambda entry: not everything
    if unused < 0:
        raise ExperimentError(f"--unused {unused}: expected a number of days, 0 or more")
    now = datetime.now(UTC)
    return lambda entry: (now - entry.used).total_seconds() < unused * 86_400


def cache_table(entries: Sequence[Stored], title: str) -> Table:
    """A row for each entry."""
    columns = ("key", "kind", "corpus or text", "language", "d + v", "words", "MiB", "built",
               "last used", "state")  # fmt: skip
    total = sum(entry.bytes for entry in entries)
    return Table(
        "cache",
        title,
        columns,
        tuple(_row(entry) for entry in entries),
        notes=(
            f"{_count(len(entries), 'entry', 'entries')}, {_mib(total):.1f} MiB",
            "state: by sizes and rules; checksums are compared whenever features are asked for",
        ),
    )


def _row(entry: Stored) -> tuple[Cell, ...]:
    columns = [str(columns) for columns in (entry.d, entry.v) if columns is not None]
    return (
        entry.folder.name.removeprefix("vectors-")[:12],
        "vectors" if entry.vectors else "features",
        entry.subject,
        entry.language,
        " + ".join(columns),
        entry.words,
        round(_mib(entry.bytes), 1),
        _minute(entry.built) if entry.built else "",
        _minute(entry.used),
        STATES[entry.state],
    )


def pruned_line(pruned: Pruned, folder: Path, dry_run: bool) -> str:
    """What was removed, or would be, in a line."""
    parts = [
        _count(number, one, several)
        for number, one, several in (
            (len(pruned.entries), "entry", "entries"),
            (pruned.leftovers, "half-built entry", "half-built entries"),
            (pruned.locks, "lock file of nothing", "lock files of nothing"),
        )
        if number
    ]
    done = "to remove" if dry_run else "removed"
    line = f"{done} from {folder}: {', '.join(parts) or 'nothing'}, {_mib(pruned.bytes):.1f} MiB"
    return f"{line}; {pruned.building} being built, left alone" if pruned.building else line


def _count(number: int, one: str, several: str) -> str:
    return f"{number} {one if number == 1 else several}"


def _mib(size: int) -> float:
    return size / 2**20


def _minute(time: datetime) -> str:
    return time.astimezone().strftime("%Y-%m-%d %H:%M")
