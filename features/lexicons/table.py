"""The plain table: ``word<TAB>column<TAB>column...`` with a header row."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from features.errors import InputError
from features.lexicons import Entry, fields_of, number
from features.lines import read_fields


def table_columns(paths: Sequence[Path]) -> tuple[str, ...]:
    """Reads the column names from the header of one table.

    Raises:
        InputError: When there is no column beside the word.
    """
    path = paths[0]
    _, header = next(read_fields(path))
    if len(header) < 2:
        raise InputError(
            f"{path}, line 1: one column; expected a header of word and at least one column, "
            "tab-separated"
        )
    return tuple(header[1:])


def read_table(paths: Sequence[Path], language: str) -> Iterator[Entry]:
    """Yields the rows of one table.

    Raises:
        InputError: When a row has another number of columns than the header, or a value is not
            a number.
    """
    path = paths[0]
    rows = fields_of(path, len(table_columns(paths)) + 1, what="as the header")
    next(rows)
    for line, (word, *values) in rows:
        yield word, [number(path, line, value) for value in values]
