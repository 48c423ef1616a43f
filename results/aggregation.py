"""From records to `<run>/tables/`: scores and the paper's tables, in every format."""

import io
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import csv

from results.findings import Findings
from results.parts import whole_file
from results.render import Table, records, render
from results.run import Run
from results.scorefile import write_scores
from results.tables import all_tables

SUFFIXES = {"markdown": ".md", "latex": ".tex", "csv": ".csv"}
"""File suffix of each rendering that is written."""


def aggregate(run: str | Path) -> list[Table]:
    """Score a run and write `<run>/tables/`, each file whole or not at all.

    Args:
        run: the run folder.

    Returns:
        The tables, headlines first; those with `headline` are for the command line to print.

    Raises:
        RecordError: the folder is missing or empty, records are damaged or of other features than
            the examples, or the tables cannot be written.
    """
    opened = Run(run)
    scores = write_scores(opened)
    folder = opened.path / "tables"
    _write(folder / "scores.csv", _csv(scores))
    tables = sorted(all_tables(Findings(opened, scores)), key=lambda table: not table.headline)
    for table in tables:
        for form, suffix in SUFFIXES.items():
            _write(folder / f"{table.name}{suffix}", render(table, form).encode())
        _write(folder / f"{table.name}.parquet", _parquet(pa.Table.from_pylist(records(table))))
    return tables


def _write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    with whole_file(path) as file:
        file.write(content)


def _parquet(table: pa.Table) -> bytes:
    """A table as the bytes of a Parquet file."""
    out = io.BytesIO()
    pq.write_table(table, out, compression="zstd")
    return out.getvalue()


def _csv(table: pa.Table) -> bytes:
    """A table as CSV; lists of names become "a, b"."""
    for at, field in enumerate(table.schema):
        if pa.types.is_list(field.type):
            joined = pc.binary_join(table[field.name], ", ")
            table = table.set_column(at, field.name, joined)
    out = io.BytesIO()
    csv.write_csv(table, out)
    return out.getvalue()
