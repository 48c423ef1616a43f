"""A table in frames, as wide as a terminal is.

Where it is too wide, headings are broken at blanks first, then columns that can be spared are left
out, then cells are broken at blanks, and at last anywhere: nothing is cut off.
"""

import re
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass
from functools import partial

Line = list[tuple[str, bool]]
"""Pieces of a line, and whether each is emphasised."""

_CONTROL = dict.fromkeys([*range(9), *range(11, 32), 127])
"""Characters that would do things to a terminal; line breaks and tabs are dealt with."""

_BLANK = re.compile(r"(?<!±)(?<!\d,) (?!±)")
"""A blank to break at: not within `41.4 ± 2.4`, nor within `[−0.2, 1.3]`."""

_BESIDE = 3
"""Columns of a terminal that each column takes beside its text: a line and two blanks."""


@dataclass(frozen=True)
class Column:
    """A column of text.

    Attributes:
        heading: its heading.
        cells: its cells.
        right: whether they stand at the right.
        best: rows of cells that are emphasised.
        spare: where space is short, columns with a number here are left out, the lowest first.
    """

    heading: str
    cells: Sequence[str]
    right: bool = False
    best: Set[int] = frozenset()
    spare: int = 0


def fitted(columns: Sequence[Column], width: int) -> tuple[list[Column], list[int], list[str]]:
    """What fits: the columns that stay, their widths, and the headings of those left out."""
    columns = [_clean(column) for column in columns]
    shown, left_out = list(columns), []
    widths = [max(size(c.heading), _cells_width(c, size)) for c in shown]
    room = partial(_room, width)
    if sum(widths) > room(shown):
        widths = [max(_word(c.heading), _cells_width(c, size)) for c in shown]
    for spare in sorted((c for c in columns if c.spare), key=lambda c: c.spare):
        if sum(widths) <= room(shown):
            break
        at = shown.index(spare)
        left_out.append(shown.pop(at).heading)
        widths.pop(at)
    for least in (_words, _anything):
        _squeeze(widths, [least(column) for column in shown], room(shown))
    return shown, widths, left_out


def lines(columns: Sequence[Column], widths: Sequence[int], breaks: Set[int]) -> Iterator[Line]:
    """The lines of a grid.

    Args:
        columns: of equally many cells.
        widths: of each.
        breaks: rows before which a line is drawn.
    """

    def rule(left: str, line: str, cross: str, right: str) -> Line:
        return [(left + cross.join(line * (width + 2) for width in widths) + right, False)]

    yield rule("┏", "━", "┳", "┓")
    yield from _row([c.heading for c in columns], columns, widths, "┃", [True] * len(columns))
    yield rule("┡", "━", "╇", "┩")
    for row in range(len(columns[0].cells) if columns else 0):
        if row in breaks and row:
            yield rule("├", "─", "┼", "┤")
        texts = [column.cells[row] for column in columns]
        yield from _row(texts, columns, widths, "│", [row in c.best for c in columns])
    yield rule("└", "─", "┴", "┘")


def size(text: str) -> int:
    """Columns of a terminal that a text takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def _clean(column: Column) -> Column:
    """The column without characters that would do things to a terminal."""
    cells = [_plain(cell) for cell in column.cells]
    return Column(_plain(column.heading), cells, column.right, column.best, column.spare)


def _plain(text: str) -> str:
    return text if text.isprintable() else text.expandtabs().translate(_CONTROL)


def _room(width: int, columns: Sequence[Column]) -> int:
    """What the frames leave for text."""
    return width - _BESIDE * len(columns) - 1


def _cells_width(column: Column, of: Callable[[str], int]) -> int:
    """The widest of a column's cells, line by line, by some measure."""
    return max((of(line) for cell in set(column.cells) for line in cell.split("\n")), default=0)


def _word(text: str) -> int:
    """The widest word of a text."""
    return max(map(size, _BLANK.split(text)))


def _words(column: Column) -> int:
    """Width in which no word of a column is broken."""
    return max(_word(column.heading), _cells_width(column, _word))


def _anything(_: Column) -> int:
    """Width to which any column can be folded."""
    return 1


def _squeeze(widths: list[int], least: Sequence[int], room: int) -> None:
    """Take from the widest, down to what each needs at least, until all fit or none gives more."""
    while sum(widths) > room:
        giving = [at for at, width in enumerate(widths) if width > least[at]]
        if not giving:
            return
        widths[max(giving, key=lambda at: widths[at])] -= 1


def _row(
    texts: Sequence[str],
    columns: Sequence[Column],
    widths: Sequence[int],
    bar: str,
    emphasised: Sequence[bool],
) -> Iterator[Line]:
    """The lines of one row."""
    folded = [_folded(text, width) for text, width in zip(texts, widths, strict=True)]
    for number in range(max(map(len, folded), default=0)):
        line: Line = [(bar, False)]
        for pieces, column, width, best in zip(folded, columns, widths, emphasised, strict=True):
            piece = pieces[number] if number < len(pieces) else ""
            blank = " " * (width - size(piece))
            before, after = (blank, "") if column.right else ("", blank)
            line += [(f" {before}", False), (piece, best), (f"{after} {bar}", False)]
        yield line


def _folded(text: str, width: int) -> list[str]:
    """A text in lines of at most this width, broken at blanks where that will do."""
    if "\n" not in text and size(text) <= width:
        return [text]
    found: list[str] = []
    for line in text.split("\n"):
        found.append("")
        for word in _BLANK.split(line):
            joined = f"{found[-1]} {word}" if found[-1] else word
            if size(joined) <= width:
                found[-1] = joined
                continue
            if found[-1]:
                found.append("")
            for char in word:
                if size(found[-1] + char) > width and found[-1]:
                    found.append("")
                found[-1] += char
    return found
