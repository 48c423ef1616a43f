"""`python -m benchmarks [NAME ...]`: run benchmarks and print a table each."""

import argparse
import os
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

# One core, as a trial has it; read when NumPy and torch load.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from benchmarks.measure import Row
from results.render import Table, render

NAMES = ("training", "bootstrap", "memory", "features")


def table(name: str, rows: list[Row], title: str) -> Table:
    """Measured rows as a table."""
    columns = ("case", "ours", "peer", "unit", "ratio", "note")
    cells = [
        (
            row.case,
            f"{row.ours:.3g}",
            "" if row.peer is None else f"{row.peer:.3g}",
            row.unit,
            "" if row.ratio is None else f"{row.ratio:.1f}",
            row.note,
        )
        for row in rows
    ]
    return Table(name, title, columns, tuple(cells))


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--quick", action="store_true", help="smaller, within 50 s")
    parser.add_argument("--format", default="table", choices=["table", "markdown", "json", "csv"])
    parser.add_argument("--data", type=Path, help="the real data, for `features`")
    parser.add_argument("--cache", type=Path, help="feature cache that holds trained vectors")
    given = parser.parse_args()
    for name in given.names or [n for n in NAMES if n != "features" or given.data]:
        if name not in NAMES:
            parser.error(f"unknown benchmark {name}; known: {', '.join(NAMES)}")
        if name == "features" and given.data is None:
            parser.error("features needs --data DIR")
        module = import_module(f"benchmarks.{name}")
        places = {"data": given.data, "cache": given.cache} if name == "features" else {}
        rows: Iterator[Row] = module.rows(given.quick, **places)
        print(render(table(name, list(rows), module.TITLE), given.format), flush=True)


if __name__ == "__main__":
    main()
