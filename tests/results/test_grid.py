"""Tables on terminals of any width: the frames are those of rich, and nothing is cut off."""

import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from results.grid import Column, fitted, lines
from results.render import Figure, Table, for_console, render

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")) | st.just(" "))


def shown(table: Table, width: int) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=width, color_system=None).print(for_console(table))
    return out.getvalue().splitlines()


LEADERS = Table(
    "leaderboard",
    "Leaderboard",
    ("rank", "Loss", "learning rate", "at 0.5", "tuned", "per label", "to tuned BCE", "labels"),
    (
        (1, "two-way‡", "0.0003/0.003", None, Figure(41.4, 2.4, best=True), Figure(40.9, 2.5),
         "+0.66 [−2.73, +4.05]", 0),
        (2, "balanced BCE", "0.001", Figure(39.2, 2.2), Figure(40.8, 2.3), Figure(40.1, 2.2),
         "control", 2),
    ),
    notes=("a note",),
    figures=frozenset(("at 0.5", "tuned", "per label")),
    spare=("per label", "at 0.5"),
)  # fmt: skip


@given(st.lists(st.tuples(TEXT, TEXT, st.integers(0, 999)), min_size=1, max_size=4))
def test_frames_are_those_of_rich(rows: list[tuple[str, str, int]]) -> None:
    rich = RichTable()
    for heading, justify in (("one", "left"), ("another", "left"), ("number", "right")):
        rich.add_column(Text(heading), justify=justify)  # type: ignore[arg-type]
    for row in rows:
        rich.add_row(*(Text(str(cell)) for cell in row))
    out = io.StringIO()
    Console(file=out, width=10_000, color_system=None).print(rich)
    table = Table("t", "", ("one", "another", "number"), tuple(rows))
    expected = "".join(f"{line.rstrip()}\n" for line in out.getvalue().splitlines())
    assert render(table, "table") == expected


@pytest.mark.parametrize("width", range(30, 160, 7))
def test_a_table_fits_its_terminal_and_keeps_every_character(width: int) -> None:
    found = shown(LEADERS, width)
    assert max(map(cell_len, found)) <= width
    text = " ".join(found)
    left_out = re.search("Left out for want of width: ([^(]*)", " ".join(found))
    names = left_out[1].strip().split(", ") if left_out else []
    for at, column in enumerate(LEADERS.columns):
        assert (column in names) <= (column in LEADERS.spare)
        if column not in names and width >= 80:
            for row in LEADERS.rows:
                for word in ("" if row[at] is None else str(row[at])).split():
                    assert word in text


def test_what_gives_way_first() -> None:
    assert "┃ learning rate ┃" in shown(LEADERS, 130)[2]
    assert "┃ learning     ┃" in shown(LEADERS, 115)[2]  # headings are broken first
    assert "Left out" not in "".join(shown(LEADERS, 115))
    assert "Left out for want of width: per label (a w" in "".join(shown(LEADERS, 105))
    narrow = shown(LEADERS, 75)
    assert "per label, at 0.5 (a wider terminal, or --format)" in "".join(narrow)
    assert any("41.40 ± 2.40" in line and "+0.66" in line for line in narrow)
    assert any("[−2.73, +4.05]" in line for line in narrow)  # broken between, not within


def test_characters_that_would_do_things_to_a_terminal_are_left_out() -> None:
    table = Table("t", "", ("a",), (("\x1b[31mred\x07",), ("two\nlines\tand a tab",)))
    text = render(table, "table")
    assert "│ [31mred   " in text
    assert "│ two " in text
    assert "│ lines   and a tab │" in text


def test_a_table_without_rows_or_columns() -> None:
    assert render(Table("t", "", ("a",), ()), "table").splitlines()[1] == "┃ a ┃"
    assert list(lines(*fitted([], 80)[:2], frozenset()))
    assert fitted([Column("a", ["x" * 50])], 12)[1] == [8]
