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
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from results.errors import RecordError, one_line
from results.schemas import METADATA_KEY, facts_of

MERGED = "merged-"
"""Names of merged parts begin so; no trial's part may."""

_GROUP_ROWS = 100_000
"""Rows from which a row group of a merged part is large enough."""

_STALE = 24 * 3600.0
"""Age in seconds from which on a temporary file is nobody's: its writer was killed."""

_REMEDIES = {
    "examples": "run again: it is written anew, nothing trains again",
    "tries": "run again: it is written anew, nothing trains again",
    "chosen": "run again: it is written anew, nothing trains again",
    "tables": "run `softsweep tables`, which writes it anew",
}
"""What to do after deleting a damaged file; parts of trials train again."""

Item = TypeVar("Item")


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
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file for writing that appears under its name only when it is complete and on disk.

    Raises:
        RecordError: it cannot be written; what was recorded before is untouched.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")  # pids repeat across hosts
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        _sync(path.parent)
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        with suppress(OSError):  # else it would hide why writing failed
            temporary.unlink(missing_ok=True)


def _unwritable(path: Path, error: OSError) -> RecordError:
    """Why a file cannot be written, in one sentence."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return RecordError(
            f"{path}: no space left to write it; what was recorded before is kept: "
            "make room and run again to go on"
        )
    reason = error.strerror or one_line(error)
    if isinstance(error.filename, str) and Path(error.filename).parent != path.parent:
        reason += f": {error.filename}"  # not the temporary beside it, but what is in the way
    return RecordError(
        f"{path}: cannot be written ({reason}); what was recorded before is kept: "
        "see that its folder can be written, or give another one with --out"
    )


def _sync(folder: Path) -> None:
    """Force a folder's new names to disk, before anything they replace is removed."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def names_of(run: Path, kind: str) -> list[str]:
    """Names of the parts to be read, sorted: all but temporaries and replaced ones."""
    there = present(run, kind)
    return sorted(there - replaced(run, kind, there))


def covered(run: Path, kind: str) -> set[str]:
    """Names of all parts whose rows can be read, be it from a merged part."""
    there = present(run, kind)
    return there | replaced(run, kind, there)


def present(run: Path, kind: str) -> set[str]:
    """Names of the part files that are there."""
    return {path.stem for path in (run / kind).glob("[!.]*.parquet")}


def replaced(run: Path, kind: str, there: Iterable[str]) -> set[str]:
    """Names that the merged parts among `there` replace."""
    merged = (name for name in there if name.startswith(MERGED))
    return {
        old
        for name in merged
        for old in facts_of(part_schema(part_path(run, kind, name)))["replaces"]
    }


def part_schema(path: Path) -> pa.Schema:
    """A part's schema, from its footer.

    Raises:
        RecordError: the part is damaged.
    """
    return readable(path, lambda: pq.read_schema(path))


def readable(path: Path, read: Callable[[], Item]) -> Item:
    """What `read` returns; an error in the file's bytes becomes a sentence that names it.

    Raises:
        RecordError: the part is damaged, or gone since the folder was listed.
    """
    try:
        return read()
    except FileNotFoundError as error:
        raise RecordError(f"{path} went away while it was read (a merge?): ask again") from error
    except (pa.ArrowException, OSError, ValueError) as error:
        remedy = _REMEDIES.get(path.parent.name, "run again: only the arms in it train again")
        raise RecordError(
            f"{path} is damaged ({one_line(error)}); delete it and {remedy}"
        ) from error


def read_groups(run: Path, kind: str, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
    """The rows of a kind, one table per row group, which holds whole trials and is never large.

    Args:
        run: the run folder.
        kind: which kind.
        columns: those to read, which come in the file's order; all by default.

    Yields:
        Tables of one trial's rows, or of some small trials'.

    Raises:
        RecordError: a part is damaged.
    """
    for name in names_of(run, kind):
        yield from part_groups(part_path(run, kind, name), columns)


def part_groups(path: Path, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
    """The row groups of one part, checked against their checksums.

    Raises:
        RecordError: the part is damaged.
    """
    with readable(path, lambda: pq.ParquetFile(path, page_checksum_verification=True)) as file:
        for group in range(file.num_row_groups):

            def read(group: int = group) -> pa.Table:
                return file.read_row_group(group, columns=columns)

            yield readable(path, read)


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
    with _locked(run):
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


@contextmanager
def _locked(run: Path) -> Iterator[None]:
    """Hold the run's lock, waiting for whoever has it.

    Raises:
        RecordError: it cannot be made.
    """
    from filelock import FileLock

    lock = FileLock(run / ".lock")
    try:
        lock.acquire()
    except OSError as error:
        raise _unwritable(run / ".lock", error) from error
    try:
        yield
    finally:
        lock.release()


def _clean(run: Path, kind: str) -> list[str]:
    """Remove what writers that were cut off left; names of the parts that can be merged."""
    there = present(run, kind)  # once: a part that a trial writes meanwhile is none of ours
    gone = there & replaced(run, kind, there)
    for name in gone:  # left by a merge
        part_path(run, kind, name).unlink(missing_ok=True)
    for temporary in (run / kind).glob(".*.parquet.*"):
        with suppress(FileNotFoundError):  # finished meanwhile
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
    for name in names:
        part_path(run, kind, name).unlink(missing_ok=True)
    return path
