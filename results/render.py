"""One neutral table, and its five renderings.

A cell is text, a number, nothing, or a `Figure`: a value with the half width of its interval.
Renderings for people show `54.85 ± 1.09*`; those for programs get three plain columns.
"""

import csv
import io
import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from results.grid import Column, fitted, lines

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, Group
    from rich.segment import Segment
    from rich.text import Text


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


class TwoDecimals(float):
    """A number that people are shown with two decimals, also where those are zeros."""

    def __format__(self, _: str) -> str:
        return format(float(self), ".2f")


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
        spare: columns that a narrow terminal does without, the first one first.
    """

    name: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()
    breaks: frozenset[int] = frozenset()
    figures: frozenset[str] = frozenset()
    headline: bool = True
    spare: tuple[str, ...] = ()


def finite(value: Any) -> Any:
    """The value with null for every number that JSON cannot hold: not a number, infinite."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
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
    from rich.text import Text

    title = [Text(table.title, style="bold")] if table.title else []
    return Group(*title, _Fitted(table), *(Text(note, style="dim") for note in table.notes))


class _Fitted:
    """A table as wide as the console that it is shown on."""

    def __init__(self, table: Table) -> None:
        self.table = table

    def __rich_console__(
        self, _: "Console", options: "ConsoleOptions"
    ) -> "Iterator[Segment | Text]":
        from rich.segment import Segment
        from rich.style import Style
        from rich.text import Text

        columns, widths, left_out = fitted(_columns(self.table), options.max_width)
        bold = Style(bold=True)
        for line in lines(columns, widths, self.table.breaks):
            yield from (Segment(text, bold if best else None) for text, best in line)
            yield Segment.line()
        if left_out:
            names = ", ".join(left_out)
            yield Text(f"Left out for want of width: {names} (a wider terminal, or --format).")


def _columns(table: Table) -> list[Column]:
    """The columns of a table as text."""
    columns = []
    for at, name in enumerate(table.columns):
        cells = [row[at] for row in table.rows]
        best = frozenset(row for row, cell in enumerate(cells) if _best(cell))
        spare = table.spare.index(name) + 1 if name in table.spare else 0
        columns.append(Column(name, list(map(_text, cells)), _numeric(table, name), best, spare))
    return columns


def _numeric(table: Table, column: str) -> bool:
    """Whether a column holds figures, or numbers only, of which some may be missing."""
    at = table.columns.index(column)
    cells = [row[at] for row in table.rows if row[at] is not None]
    return column in table.figures or bool(cells and all(isinstance(c, int | float) for c in cells))


def _terminal(table: Table) -> str:
    """Plain text with frames, as wide as it needs to be."""
    columns, widths, _ = fitted(_columns(table), _WIDEST)
    grid = ("".join(text for text, _ in line) for line in lines(columns, widths, table.breaks))
    title = [table.title] if table.title else []
    return "\n".join(line.rstrip() for line in (*title, *grid, *table.notes)) + "\n"


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
    return json.dumps(finite(whole), ensure_ascii=False, indent=2) + "\n"


_MARKDOWN = str.maketrans({"|": r"\|", "*": r"\*", "\\": "\\\\", "_": r"\_", "\n": " "})


def _markdown(table: Table) -> str:
    """A pipe table with the title above and the notes below."""

    def cell(value: Cell) -> str:
        text = _text(value).translate(_MARKDOWN)
        return f"**{text}**" if _best(value) else text

    lines = [f"**{table.title.translate(_MARKDOWN)}**", ""] if table.title else []
    lines.append(f"| {' | '.join(column.translate(_MARKDOWN) for column in table.columns)} |")
    lines.append(f"|{'|'.join('---:' if _numeric(table, c) else '---' for c in table.columns)}|")
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


_ROOMY = 7
"""Most columns that LaTeX is left to set at its usual size and distance."""


_SHRINK = r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%"
"""Makes what follows as wide as a line where it is wider."""

_LINE = 90
"""Characters of a line that LaTeX sets small."""

_SENTENCE = 60
"""Characters of a cell from which on LaTeX breaks it into lines."""


def _latex(table: Table) -> str:
    """A table that needs `booktabs`; `graphicx` if it is wide, `array`, `longtable` for prose."""
    prose = any(_is_prose(table, column) for column in table.columns)
    if prose:
        table = _without(table, table.spare)

    def cell(value: Cell) -> str:
        if not isinstance(value, Figure):
            return _text(value).translate(_LATEX)
        marks = "*" * value.star + r"\dagger" * value.partial
        raised = f"$^{{{marks}}}$" if marks else ""
        text = f"{value.value:.2f} $\\pm$ {value.half_width:.2f}{raised}"
        return f"\\textbf{{{text}}}" if value.best else text

    def line(cells: list[str]) -> str:
        return f"{' & '.join(cells)} \\\\"

    title = table.title + "." if table.title and not table.title.endswith(".") else table.title
    caption = " ".join(filter(None, [title, *table.notes])).translate(_LATEX)
    above = [f"\\caption{{{caption}}}", f"\\label{{tab:{table.name}}}"]
    rows = [line([column.translate(_LATEX) for column in table.columns]), "\\midrule"]
    for index, row in enumerate(table.rows):
        rows += ["\\midrule"] * (index in table.breaks) + [line([cell(value) for value in row])]
    alignment = "".join(_latex_width(table, column) for column in table.columns)
    if prose:  # fills pages
        above[-1] += "\\\\"
        lines = [f"\\begin{{longtable}}{{{alignment}}}", *above, "\\toprule", *rows]
        return "\n".join(["{\\footnotesize", *lines, "\\bottomrule", "\\end{longtable}}"]) + "\n"
    lines = [f"\\begin{{tabular}}{{{alignment}}}", "\\toprule", *rows]
    lines += ["\\bottomrule", "\\end{tabular}"]
    if len(table.columns) > _ROOMY:
        lines = [_SHRINK, *lines, "}"]
    lines = ["\\begin{table}[htbp]", "\\centering", *above, *lines, "\\end{table}"]
    return "\n".join(lines) + "\n"


def _longest(table: Table, column: str) -> int:
    """Characters of the longest cell of a column, its heading included."""
    at = table.columns.index(column)
    return max([len(column), *(len(_text(row[at])) for row in table.rows)])


def _is_prose(table: Table, column: str) -> bool:
    """Whether a column holds sentences."""
    return _longest(table, column) > _SENTENCE


def _without(table: Table, left_out: Sequence[str]) -> Table:
    """The table without some of its columns."""
    kept = [at for at, column in enumerate(table.columns) if column not in left_out]
    return replace(
        table,
        columns=tuple(table.columns[at] for at in kept),
        rows=tuple(tuple(row[at] for at in kept) for row in table.rows),
    )


def _latex_width(table: Table, column: str) -> str:
    """How LaTeX sets a column: numbers to the right, sentences in lines of their own.

    Sentences share what other columns leave of a line, by the roots of their lengths.
    """
    if _numeric(table, column):
        return "r"
    if not _is_prose(table, column):
        return "l"
    longest = {name: _longest(table, name) for name in table.columns}
    prose = {name: length**0.5 for name, length in longest.items() if length > _SENTENCE}
    others = sum(length + 2 for name, length in longest.items() if name not in prose)
    left = max(0.95 - others / _LINE - 0.035 * len(prose), 0.3)
    share = left * prose[column] / sum(prose.values())
    return f">{{\\raggedright\\arraybackslash}}p{{{share:.2f}\\linewidth}}"


FORMS: dict[str, Callable[[Table], str]] = {
    "table": _terminal,
    "csv": _csv,
    "json": _json,
    "markdown": _markdown,
    "latex": _latex,
}
"""The renderings by the name that `--format` takes."""
