"""`python -m benchmarks [NAME ...]`: run benchmarks and print a table each."""

import argparse
import os
import shlex
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

# One core, as a trial has it; read when NumPy and torch load.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from benchmarks.measure import Row
from benchmarks.report import machine, section, with_section
from results.render import Cell, Table, render

NAMES = (
    "training",
    "stacks",
    "orchestration",
    "bootstrap",
    "scoring",
    "growth",
    "leaderboards",
    "resume",
    "slots",
    "memory",
    "skipgram",
    "features",
)

PLACES = {
    "skipgram": ("data", "full"),
    "features": ("data", "cache"),
    "slots": ("address",),
}
"""What benchmarks take of the command line beside `--quick`."""

ON_GPU = ("training", "stacks")
"""Benchmarks that measure more where there is a GPU; their tables say so where there is none."""


def table(name: str, rows: list[Row], title: str) -> Table:
    """Measured rows as a table."""
    columns = ("case", "ours", "peer", "unit", "ratio", "note")
    cells = [
        (row.case, _rounded(row.ours), _rounded(row.peer), row.unit, _rounded(row.ratio), row.note)
        for row in rows
    ]
    return Table(name, title, columns, tuple(cells))


def _rounded(value: float | None) -> Cell:
    """Three digits: more of them would not be the same next time."""
    return None if value is None else float(f"{value:.3g}")


def measured(name: str, quick: bool, places: dict[str, Any]) -> Table:
    """Run one benchmark."""
    module = import_module(f"benchmarks.{name}")
    rows: list[Row] = list(module.rows(quick, **places))
    if name in ON_GPU:
        import torch

        if not torch.cuda.is_available():
            rows.append(Row("on a GPU", None, None, "", None, "not measured (no GPU at hand)"))
    return table(name, rows, module.TITLE)


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--quick", action="store_true", help="smaller, within 50 s each")
    parser.add_argument("--format", default="table", choices=["table", "markdown", "json", "csv"])
    parser.add_argument("--data", type=Path, help="the real data, for `features` and `skipgram`")
    parser.add_argument("--full", action="store_true", help="memory of `skipgram` on all text")
    parser.add_argument("--address", help="a running Ray cluster, for `slots`")
    parser.add_argument("--cache", type=Path, help="feature cache that holds trained vectors")
    parser.add_argument(
        "--write", type=Path, metavar="FILE", help="put each table into its section of a document"
    )
    given = parser.parse_args()
    names = given.names or [n for n in NAMES if n != "features" or given.data]
    for name in names:
        if name not in NAMES:
            parser.error(f"unknown benchmark {name}; known: {', '.join(NAMES)}")
        if name == "features" and given.data is None:
            parser.error("features needs --data DIR")
    for name in names:
        places = {key: getattr(given, key) for key in PLACES.get(name, ())}
        found = measured(name, given.quick, places)
        sys.stdout.write(render(found, given.format))
        sys.stdout.flush()
        if given.write:  # at once: what is measured is kept if a later one fails
            command = ["python", "-m", "benchmarks", name]
            command += ["--quick"] if given.quick else []
            command += ["--data", "DIR"] if places.get("data") else []  # not where, but what
            command += ["--full"] if places.get("full") else []
            command += ["--address", "ADDRESS"] if places.get("address") else []
            text = section(name, shlex.join(command), machine(), render(found, "markdown"))
            before = given.write.read_text(encoding="utf-8") if given.write.exists() else ""
            given.write.write_text(with_section(before, name, text, NAMES), encoding="utf-8")


if __name__ == "__main__":
    main()
