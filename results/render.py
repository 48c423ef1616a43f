"""One neutral table, and its five renderings.

A cell is text, a number, nothing, or a `Figure`: a value with the half width of its interval.
Renderings for people show `54.85 ± 1.09*`; those for programs get three plain columns.
"""

import csv
import io
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa
    from rich.console import Group


@dataclass(frozen=True)
class Figure:
    """A value with its interval's half width, both in points.

    Attributes:
        value: the value.
        half_width: half the width of its interval.
        star: whether an asterisk goes with it.
        best: whether it is the best of its column (bold).
        partial: whether seeds are missing from it (a dagger).
    """

    value: float
    half_width: float
    star: bool = False
    best: bool = False
    partial: bool = False

    def __str__(self) -> str:
        marks = "*" * self.star + "†" * self.partial
        return f"{self.value:.2f} ± {self.half_width:.2f}{marks}"


_WIDEST = 100_000
"""Columns of a terminal wide enough for any table: files and pipes should not lose cells."""

Cell = str | float | int | bool | None | Figure


@dataclass(frozen=True)
class Table:
    """A table to be shown.

    Attributes:
        name: the stem of its files.
        title: what it shows; one line.
        columns: their headings, distinct.
        rows: one cell per column.
        notes: sentences below it.
        breaks: rows before which a line is drawn.
        figures: columns that hold figures, though some cells may say "diverged" instead.
        headline: whether the command line prints it.
    """

    name: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()
    breaks: frozenset[int] = frozenset()
    figures: frozenset[str] = frozenset()
    headline: bool = True


def from_arrow(table: "pa.Table", name: str = "query", title: str = "") -> Table:
    """An Arrow table as a table to be shown; nested values become JSON, a second `a` is `a_1`."""
    rows = zip(*(column.to_pylist() for column in table.columns), strict=True)
    return Table(
        name,
        title,
        _distinct(table.column_names),
        tuple(tuple(_plain(value) for value in row) for row in rows),
    )


def _distinct(names: Sequence[str]) -> tuple[str, ...]:
    """The names, with a number behind those that are there before."""
    found: list[str] = []
    for name in names:
        numbered, number = name, 0
        while numbered in found:
            number += 1
            numbered = f"{name}_{number}"
        found.append(numbered)
    return tuple(found)


def _plain(value: object) -> Cell:
    """A value from Arrow as a cell."""
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, list | dict | tuple):
        return json.dumps(_finite(value), ensure_ascii=False, default=str)
    return str(value)


def _finite(value: Any) -> Any:
    """The value with null for every number that JSON cannot hold: not a number, infinite."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value


def render(table: Table, form: str = "table") -> str:
    """Render a table.

    Args:
        table: the table.
        form: one of `FORMS`: table (for a terminal), csv, json, markdown or latex.

    Raises:
        ValueError: the form is unknown.
    """
    if form not in FORMS:
        raise ValueError(f"unknown format {form!r}: one of {', '.join(FORMS)}")
    return FORMS[form](table)


def _text(cell: Cell) -> str:
    """A cell for people."""
    if cell is None:
        return ""
    return f"{cell:.6g}" if isinstance(cell, float) else str(cell)


def _best(cell: Cell) -> bool:
    """Whether a cell is to be emphasised."""
    return isinstance(cell, Figure) and cell.best


def for_console(table: Table) -> "Group":
    """The table for a `rich` console, its title above and its notes below in full lines."""
    from rich.console import Group
    from rich.table import Table as RichTable
    from rich.text import Text

    grid = RichTable()
    for column in table.columns:
        numeric = column in table.figures or _all_numbers(table, column)
        # Fold, not cut: whoever reads half a path has to ask again.
        grid.add_column(Text(column), justify="right" if numeric else "left", overflow="fold")
    for index, row in enumerate(table.rows):
        if index in table.breaks:
            grid.add_section()
        grid.add_row(*(Text(_text(c), style="bold" if _best(c) else "") for c in row))
    title = [Text(table.title, style="bold")] if table.title else []
    return Group(*title, grid, *(Text(note, style="dim") for note in table.notes))


def _all_numbers(table: Table, column: str) -> bool:
    """Whether a column holds numbers only."""
    at = table.columns.index(column)
    return all(isinstance(row[at], int | float) for row in table.rows)


def _terminal(table: Table) -> str:
    """Plain text with frames, as wide as it needs to be."""
    from rich.console import Console
    from rich.measure import Measurement

    shown = for_console(table)
    out = io.StringIO()
    console = Console(file=out, width=_WIDEST, color_system=None)
    console.print(shown, width=Measurement.get(console, console.options, shown).maximum)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def records(table: Table) -> list[dict[str, str | float | int | bool | None]]:
    """Rows for programs: a figure becomes `X`, `X half width` and `X star`, unrounded.

    Where a table has figures there is a column `status`: ok, partial (seeds are missing), or the
    text that stands where a figure should be (diverged, failed), whose three columns are then null.
    """
    return [_record(table, row) for row in table.rows]


def _record(table: Table, row: tuple[Cell, ...]) -> dict[str, str | float | int | bool | None]:
    """One row for programs."""
    record: dict[str, str | float | int | bool | None] = {}
    status = "ok"
    for column, cell in zip(table.columns, row, strict=True):
        if column not in table.figures:
            record[column] = str(cell) if isinstance(cell, Figure) else cell
        elif isinstance(cell, Figure):
            record[column] = cell.value
            record[f"{column} half width"] = cell.half_width
            record[f"{column} star"] = cell.star
            status = "partial" if cell.partial else status
        else:
            record |= {column: None, f"{column} half width": None, f"{column} star": None}
            status = str(cell) if cell is not None else status
    return record | ({"status": status} if table.figures else {})


def _csv(table: Table) -> str:
    """Comma-separated values with a heading line."""
    out = io.StringIO()
    rows = records(table)
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(rows[0] if rows else table.columns)
    writer.writerows([row.values() for row in rows])
    return out.getvalue()


def _json(table: Table) -> str:
    """An object with title, notes and rows."""
    whole = {"title": table.title, "notes": table.notes, "rows": records(table)}
    return json.dumps(_finite(whole), ensure_ascii=False, indent=2) + "\n"


_MARKDOWN = str.maketrans({"|": r"\|", "*": r"\*", "\\": "\\\\", "_": r"\_", "\n": " "})


def _markdown(table: Table) -> str:
    """A pipe table with the title above and the notes below."""

    def cell(value: Cell) -> str:
        text = _text(value).translate(_MARKDOWN)
        return f"**{text}**" if _best(value) else text

    lines = [f"**{table.title.translate(_MARKDOWN)}**", ""] if table.title else []
    lines.append(f"| {' | '.join(column.translate(_MARKDOWN) for column in table.columns)} |")
    lines.append(f"|{'|'.join('---:' if c in table.figures else '---' for c in table.columns)}|")
    lines += [f"| {' | '.join(cell(value) for value in row)} |" for row in table.rows]
    for note in table.notes:
        lines += ["", note.translate(_MARKDOWN)]
    return "\n".join(lines) + "\n"


_GREEK = {
    "αβγδεζηθικλμ": "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu",
    "νξπρστυφχψω": "nu xi pi rho sigma tau upsilon phi chi psi omega",
    "ΓΔΘΛΞΠΣΦΨΩ": "Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega",
}
_LATEX = str.maketrans(
    {
        **{
            letter: f"$\\{name}$"
            for letters, names in _GREEK.items()
            for letter, name in zip(letters, names.split(), strict=True)
        },
        **{char: f"\\{char}" for char in "&%$#_{}"},
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "\\": r"\textbackslash{}",
        "±": r"$\pm$",
        "†": r"$\dagger$",
        "‡": r"$\ddagger$",
        "→": r"$\to$",
        "·": r"$\cdot$",
        "−": "$-$",
        "²": "$^2$",
        "₊": "$_+$",
        "₋": "$_-$",
        "½": r"$\frac12$",
        "√": r"$\surd$",
        "×": r"$\times$",
        "≤": r"$\leq$",
        "≥": r"$\geq$",
        "∈": r"$\in$",
        "∞": r"$\infty$",
        "<": r"$<$",
        ">": r"$>$",
        "|": r"$|$",
        "\n": " ",
    }
)


def _latex(table: Table) -> str:
    """A table environment that needs the package `booktabs` and nothing else."""

    def cell(value: Cell) -> str:
        if not isinstance(value, Figure):
            return _text(value).translate(_LATEX)
        marks = "*" * value.star + r"\dagger" * value.partial
        raised = f"$^{{{marks}}}$" if marks else ""
        text = f"{value.value:.2f} $\\pm$ {value.half_width:.2f}{raised}"
        return f"\\textbf{{{text}}}" if value.best else text

    def line(cells: list[str]) -> str:
        return f"{' & '.join(cells)} \\\\"

    alignment = "".join("r" if column in table.figures else "l" for column in table.columns)
    lines = [
        "\\begin{table}[htbp]",
        "\\centering",
        f"\\caption{{{' '.join([table.title + '.', *table.notes]).translate(_LATEX)}}}",
        f"\\label{{tab:{table.name}}}",
        f"\\begin{{tabular}}{{{alignment}}}",
        "\\toprule",
        line([column.translate(_LATEX) for column in table.columns]),
        "\\midrule",
    ]
    for index, row in enumerate(table.rows):
        if index in table.breaks:
            lines.append("\\midrule")
        lines.append(line([cell(value) for value in row]))
    lines += ["\\bottomrule", "\\end{tabular}", "\\end{table}"]
    return "\n".join(lines) + "\n"


FORMS: dict[str, Callable[[Table], str]] = {
    "table": _terminal,
    "csv": _csv,
    "json": _json,
    "markdown": _markdown,
    "latex": _latex,
}
"""The renderings by the name that `--format` takes."""
