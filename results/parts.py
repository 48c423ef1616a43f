"""Parts: Parquet files that are there whole or not at all.

A part is written under a temporary name (which begins with a dot, so that readers pass it by),
forced to disk and renamed. Many small parts are slow to read, so they are merged: the merged part
names those it replaces, and readers drop a replaced part that is still there. Hence a crash at any
point of a write or a merge loses nothing and doubles nothing.
"""

import errno
import hashlib
import json
import os
import secrets
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from results.errors import DamagedError, GoneError, RecordError, one_line
from results.ledger import enter, tear_up
from results.locks import locked
from results.remedies import remedy, unwritable
from results.schemas import KINDS, METADATA_KEY, facts_of

MERGED = "merged-"
"""Names of merged parts begin so; no trial's part may."""

_GROUP_ROWS = 100_000
"""Rows from which a row group of a merged part is large enough."""

_STALE = 24 * 3600.0
"""Age in seconds from which on a temporary file is nobody's: its writer was killed."""

_MAGIC = b"PAR1"
"""How a Parquet file ends that was not cut off."""

OF_TRIALS = ("arms", "epochs", "predictions")
"""The kinds of which each trial writes a part."""

Item = TypeVar("Item")

Aside = Mapping[Path, Collection[int]]
"""Damaged row groups by part, which readers pass by."""

EVERY = range(2**31)
"""All row groups of a part that is set aside as a whole."""

NOTHING: Aside = MappingProxyType({})
"""Nothing is known to be damaged."""


def write_part(run: Path, kind: str, name: str, table: pa.Table) -> Path:
    """Write one part, `<run>/<kind>/<name>.parquet`, whole or not at all.

    Args:
        run: the run folder; made where missing.
        kind: `arms`, `epochs`, `predictions` or `examples`.
        name: the part's name, without a suffix; a part of this name is replaced.
        table: its rows.

    Raises:
        RecordError: it cannot be written.
        ValueError: the name cannot be a part's.
    """
    if not name or name.startswith((".", MERGED)) or "/" in name:
        raise ValueError(f"{name!r} cannot name a part")
    path = part_path(run, kind, name)
    write_tables(path, table.schema, [table])
    return path


def part_path(run: Path, kind: str, name: str) -> Path:
    """Where a part lies."""
    return run / kind / f"{name}.parquet"


def write_tables(path: Path, schema: pa.Schema, tables: Iterable[pa.Table]) -> None:
    """Write tables as one Parquet file, a row group each, whole or not at all.

    Raises:
        RecordError: it cannot be written.
    """
    with (
        whole_file(path) as file,
        pq.ParquetWriter(file, schema, compression="zstd", write_page_checksum=True) as writer,
    ):
        for table in tables:
            # By default a group ends after 2^20 rows, be it in the middle of an arm's predictions.
            writer.write_table(table, row_group_size=max(len(table), 1))


@contextmanager
def whole_file(path: Path, *, lasting: bool = True) -> Iterator[BinaryIO]:
    """A file for writing that appears under its name only when it is complete.

    Args:
        path: its name.
        lasting: whether it is forced to disk before it appears, so that it outlives a crash of the
            machine; what can be made anew need not be, which spares most of the time of writing.

    Raises:
        RecordError: it cannot be written; what was recorded before is untouched.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")  # pids repeat across hosts
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            yield file
            if lasting:
                file.flush()
                os.fsync(file.fileno())
        temporary.replace(path)
        if lasting:
            _sync(path.parent)
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        with suppress(OSError):  # else it would hide why writing failed
            temporary.unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    """Force a folder's new names to disk, before anything they replace is removed."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def names_of(run: Path, kind: str, aside: Aside = NOTHING) -> list[str]:
    """Names of the parts to be read, sorted: all but temporaries, replaced and cut off ones."""
    there = present(run, kind, aside)
    return sorted(there - replaced(run, kind, there, aside))


def covered(run: Path, kind: str, aside: Aside = NOTHING) -> set[str]:
    """Names of all parts whose rows can be read, be it from a merged part."""
    there = present(run, kind, aside)
    return there | replaced(run, kind, there, aside)


def present(run: Path, kind: str, aside: Aside = NOTHING) -> set[str]:
    """Names of the part files that are there, whole, and not set aside altogether."""
    return {
        path.stem
        for path in part_files(run, kind)
        if aside.get(path) is not EVERY and _is_whole(path)
    }


def cut_off_parts(run: Path) -> list[DamagedError]:
    """What is wrong with the files that end too soon, say by a copy cut short."""
    files = (path for kind in KINDS for path in sorted(part_files(run, kind)))
    return [damaged(path, "cut off") for path in files if not _is_whole(path) and path.exists()]


def part_files(run: Path, kind: str) -> Iterator[Path]:
    """The files of a kind, be they whole or not."""
    return (run / kind).glob("[!.]*.parquet")


def _is_whole(path: Path) -> bool:
    """Whether a file is there and ends as Parquet does; one that may not be read counts as such."""
    try:
        with path.open("rb") as file:
            file.seek(-len(_MAGIC), os.SEEK_END)
            return file.read() == _MAGIC
    except PermissionError:
        return True  # reading it will say so
    except OSError:  # shorter than that, or gone since the folder was listed
        return False


def replaced(run: Path, kind: str, there: Iterable[str], aside: Aside = NOTHING) -> set[str]:
    """Names that the merged parts among `there` replace, as far as their rows can be read."""
    found: set[str] = set()
    for name in there:
        if name.startswith(MERGED):
            path = part_path(run, kind, name)
            found |= held(path, aside[path]) if path in aside else _replaces(path)
    return found


def _replaces(path: Path) -> set[str]:
    """Names that a merged part replaces."""
    return set(facts_of(part_schema(path))["replaces"])


def held(path: Path, without: Collection[int]) -> set[str]:
    """Names whose rows lie in the row groups of a merged part that are not damaged."""
    groups = part_groups(path, ("part",), without)
    return {name for group in groups for name in group["part"].unique().to_pylist()}


def part_schema(path: Path) -> pa.Schema:
    """A part's schema, from its footer.

    Raises:
        RecordError: the part is damaged.
    """
    return readable(path, lambda: pq.read_schema(path))


def readable(path: Path, read: Callable[[], Item], group: int | None = None) -> Item:
    """What `read` returns; an error in the file's bytes becomes a sentence that names it.

    Raises:
        DamagedError: its bytes are not what was written; `group` is the row group that was read.
        GoneError: it was there when the folder was listed.
        RecordError: it cannot be opened.
    """
    try:
        return read()
    except FileNotFoundError as error:
        raise GoneError(f"{path} went away while it was read (a merge?): ask again") from error
    except (pa.ArrowException, OSError, ValueError) as error:
        code = error.errno if isinstance(error, OSError) else None
        if code not in (None, errno.EIO):  # such as too many open files: the part may be sound
            raise RecordError(f"{path}: cannot be read ({one_line(error)})") from error
        raise damaged(path, one_line(error), group) from error


def damaged(path: Path, reason: str, group: int | None = None) -> DamagedError:
    """The error that says what is wrong with a part, and what that means."""
    if path.parent.name in KINDS:
        tear_up(path.parent.parent)  # which may call it sound: the next run reads everything
    return DamagedError(path, reason, remedy(path), group)


def read_groups(
    run: Path, kind: str, columns: Sequence[str] | None = None, aside: Aside = NOTHING
) -> Iterator[pa.Table]:
    """The rows of a kind, one table per row group, which holds whole trials and is never large.

    Args:
        run: the run folder.
        kind: which kind.
        columns: those to read, which come in the file's order; all by default.
        aside: what is passed by.

    Yields:
        Tables of one trial's rows, or of some small trials'.

    Raises:
        RecordError: a part is damaged.
    """
    for name in names_of(run, kind, aside):
        path = part_path(run, kind, name)
        yield from part_groups(path, columns, aside.get(path, ()))


def part_groups(
    path: Path, columns: Sequence[str] | None = None, without: Collection[int] = ()
) -> Iterator[pa.Table]:
    """The row groups of one part, checked against their checksums.

    Args:
        path: the part.
        columns: those to read; all by default.
        without: row groups that are passed by.

    Raises:
        RecordError: the part is damaged.
    """
    with readable(path, lambda: pq.ParquetFile(path, page_checksum_verification=True)) as file:
        for group in range(file.num_row_groups):
            if group in without:
                continue

            def read(group: int = group) -> pa.Table:
                return file.read_row_group(group, columns=columns)

            yield readable(path, read, group)


def merge_parts(run: Path, kind: str, at_least: int = 200) -> list[Path]:
    """Merge the parts of a kind into one, when there are many.

    The merged part is complete under its name, which says what it replaces, before any of those is
    removed. Parts of different schemas (corpora with other numbers of labels) are merged apart.
    Parts whose trial is not in `arms` (cut off, or about to be) stay as they are.

    One merge goes on at a time: two that saw different parts would each keep the rows they share.

    Args:
        run: the run folder.
        kind: `arms`, `epochs` or `predictions`.
        at_least: leave fewer parts than this alone.

    Returns:
        The merged parts written.

    Raises:
        RecordError: a part is damaged, or the merged part cannot be written; the parts are then
            all still there.
    """
    if not (run / kind).is_dir():
        return []
    with locked(run):
        names = _clean(run, kind)
        if len(names) < max(at_least, 2):
            return []
        by_schema: dict[pa.Schema, list[str]] = {}
        for name in names:
            schema = part_schema(part_path(run, kind, name))
            by_schema.setdefault(schema.remove_metadata(), []).append(name)
        return [
            _merge_group(run, kind, schema, group)
            for schema, group in by_schema.items()
            if len(group) > 1
        ]


def _clean(run: Path, kind: str) -> list[str]:
    """Remove what writers that were cut off left; names of the parts that can be merged."""
    there = present(run, kind)  # once: a part that a trial writes meanwhile is none of ours
    gone = there & replaced(run, kind, there)
    with suppress(OSError):  # left by a merge; those that stay are passed by
        for name in gone:
            part_path(run, kind, name).unlink(missing_ok=True)
    for temporary in (run / kind).glob(".*.parquet.*"):
        with suppress(OSError):  # finished meanwhile, or another user's
            if time.time() - temporary.stat().st_mtime > _STALE:
                temporary.unlink()
    trials = covered(run, "arms")
    return [name for name in sorted(there - gone) if name.startswith(MERGED) or name in trials]


def _coalesced(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """The same rows in fewer tables: small neighbours are joined."""
    held: list[pa.Table] = []
    rows = 0
    for table in tables:
        held.append(table)
        rows += len(table)
        if rows >= _GROUP_ROWS:
            yield pa.concat_tables(held)
            held, rows = [], 0
    if held:
        yield pa.concat_tables(held)


def _merge_group(run: Path, kind: str, schema: pa.Schema, names: Sequence[str]) -> Path:
    """Merge these parts, of one schema, into one and remove them."""
    replaces = sorted(set(names) | replaced(run, kind, names))
    facts = json.dumps({"replaces": replaces})
    digest = hashlib.sha256(facts.encode()).hexdigest()[:16]
    path = part_path(run, kind, MERGED + digest)
    groups = (group for name in names for group in part_groups(part_path(run, kind, name)))
    write_tables(path, schema.with_metadata({METADATA_KEY: facts}), _coalesced(groups))
    enter(run, [path])  # all that is in it was read just now
    with suppress(OSError):  # readers pass by those that stay
        for name in names:
            part_path(run, kind, name).unlink(missing_ok=True)
    return path
