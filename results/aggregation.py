"""From records to `<run>/tables/`: what is derived, the tables and the figures, in every format."""

import io
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import csv

from results.derived import write_derived
from results.drawing import Drawing, rendered
from results.figures import all_figures
from results.parts import whole_file
from results.render import Table, records, render
from results.report import write_report
from results.run import Run
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
    findings, derived = write_derived(opened)
    folder = opened.path / "tables"
    for name, rows in derived.items():
        _write(folder / f"{name}.csv", _csv(rows))
    tables = sorted(all_tables(findings), key=lambda table: not table.headline)
    for table in tables:
        for form, suffix in SUFFIXES.items():
            _write(folder / f"{table.name}{suffix}", render(table, form).encode())
        _write(folder / f"{table.name}.parquet", _parquet(pa.Table.from_pylist(records(table))))
    write_report(findings)
    _write_figures(folder / "figures", all_figures(findings))
    return tables


def _write_figures(folder: Path, drawings: list[Drawing]) -> None:
    """Write figures, and a page of them with their captions."""
    page = []
    for drawing in drawings:
        for suffix, content in rendered(drawing).items():
            _write(folder / f"{drawing.name}{suffix}", content)
        page.append(f"![{drawing.name}]({drawing.name}.png)\n\n{drawing.caption}\n")
    if page:
        _write(folder / "figures.md", "\n".join(page).encode())


def _write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    with whole_file(path, lasting=False) as file:
        file.write(content)


def _parquet(table: pa.Table) -> bytes:
    """A table as the bytes of a Parquet file."""
    out = io.BytesIO()
    pq.write_table(table, out, compression="zstd")
    return out.getvalue()


def _csv(table: pa.Table) -> bytes:
    """A table as CSV; lists become "a, b"."""
    for at, field in enumerate(table.schema):
        if pa.types.is_list(field.type):
            joined = pc.binary_join(table[field.name].cast(pa.list_(pa.string())), ", ")
            table = table.set_column(at, field.name, joined)
    out = io.BytesIO()
    csv.write_csv(table, out)
    return out.getvalue()
