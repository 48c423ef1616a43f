"""What a search tried, and what it chose.

Both kinds are derived from `arms` and `epochs`, so a part that is lost can be made again: nothing
trains again for it. A part is rewritten whole whenever there is more to say.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from results.errors import RecordError
from results.parts import NOTHING, Aside, names_of, part_groups, part_path, write_part
from results.schemas import table_of

TRIES = pa.schema(
    [
        pa.field("study", pa.string(), nullable=False),  # whose settings are compared
        pa.field("corpus", pa.string(), nullable=False),
        pa.field("language", pa.string(), nullable=False),
        pa.field("loss", pa.string(), nullable=False),
        pa.field("label", pa.string(), nullable=False),
        pa.field("batch_size", pa.int32(), nullable=False),
        pa.field("metric", pa.string(), nullable=False),  # that judges
        pa.field("part", pa.string(), nullable=False),  # of dev that judges: dev, dev/a, dev/b
        pa.field("number", pa.int32(), nullable=False),  # from 0, within the study
        pa.field("batch", pa.int32(), nullable=False),  # of tries asked for together, from 0
        pa.field("arm", pa.string(), nullable=False),
        pa.field("setting", pa.string(), nullable=False),  # JSON object: the values tried
        pa.field("value", pa.float64()),  # in [0, 1]; null where it is not known
        pa.field("status", pa.string(), nullable=False),  # one of schemas.STATUSES, or ASKED
        pa.field("epochs", pa.int32(), nullable=False),  # epochs that it was judged on
        pa.field("best", pa.bool_(), nullable=False),  # so far, within the study
    ]
)
"""One row for a setting that a study tried."""

CHOSEN = pa.schema(
    [
        pa.field("group", pa.string(), nullable=False),  # what is scored as one row
        pa.field("corpus", pa.string(), nullable=False),
        pa.field("language", pa.string(), nullable=False),
        pa.field("loss", pa.string(), nullable=False),
        pa.field("label", pa.string(), nullable=False),
        pa.field("batch_size", pa.int32(), nullable=False),
        pa.field("metric", pa.string(), nullable=False),  # that judged
        pa.field("part", pa.string(), nullable=False),  # of dev that judged
        pa.field("study", pa.string(), nullable=False),
        pa.field("cell", pa.string(), nullable=False),  # of the arms trained with the best setting
        pa.field("setting", pa.string(), nullable=False),  # JSON object: its values
        pa.field("current", pa.bool_(), nullable=False),  # false once more tries chose otherwise
    ]
)
"""A row for each part of dev that chose a setting for a group, and for what it chose before.

Arms of an earlier choice are recorded; they are no cells that an experiment asked for.
"""

ASKED = "asked"
"""Status of a try of which nothing is known yet."""


def write_tries(run: Path, study: str, rows: Sequence[dict[str, Any]]) -> Path:
    """Write all that a study tried so far, whole or not at all, in place of what was there.

    Args:
        run: the run folder; made where missing.
        study: its key.
        rows: of `TRIES`.

    Raises:
        RecordError: it cannot be written.
        ValueError: a row has unknown or missing columns.
    """
    return write_part(run, "tries", study, table_of(rows, TRIES))


def write_chosen(run: Path, group: str, rows: Sequence[dict[str, Any]]) -> Path:
    """Write what was chosen for a group, whole or not at all, in place of what was there.

    Args:
        run: the run folder; made where missing.
        group: its key.
        rows: of `CHOSEN`, a current one for each part of dev.

    Raises:
        RecordError: it cannot be written.
        ValueError: a row has unknown or missing columns.
    """
    return write_part(run, "chosen", group, table_of(rows, CHOSEN))


def read_tries(run: Path, aside: Aside = NOTHING) -> pa.Table:
    """Every setting tried, a table of `TRIES`; empty where nothing was searched.

    Args:
        run: the run folder.
        aside: what is known to be damaged, and passed by.

    Raises:
        RecordError: a part is damaged, or another version wrote it.
    """
    return _read(run, "tries", TRIES, aside)


def read_chosen(run: Path, aside: Aside = NOTHING) -> pa.Table:
    """Every choice, a table of `CHOSEN`; empty where nothing was searched.

    Args:
        run: the run folder.
        aside: what is known to be damaged, and passed by.

    Raises:
        RecordError: a part is damaged, or another version wrote it.
    """
    return _read(run, "chosen", CHOSEN, aside)


def _read(run: Path, kind: str, schema: pa.Schema, aside: Aside) -> pa.Table:
    """The rows of a kind, in the order of the names of its parts."""
    groups = [pa.Table.from_batches([], schema)]  # `empty_table` would load pandas
    for name in names_of(run, kind, aside):
        path = part_path(run, kind, name)
        for group in part_groups(path):
            if lacking := set(schema.names) - set(group.schema.names):
                raise RecordError(
                    f"{path} lacks {sorted(lacking)}: another version of softsweep wrote it; use "
                    "that version, or delete it and run again: nothing trains again"
                )
            groups.append(group.select(schema.names).cast(schema))
    return pa.concat_tables(groups)
