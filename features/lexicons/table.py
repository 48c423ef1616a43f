"""The plain table: a header of ``word`` and columns, then a row a word.

``.csv`` has commas and the usual quoting; every other name is tab-separated.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from features.errors import InputError
from features.lexicons import Entry, number
from features.tables import delimited, rows_below


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def table_columns(paths: Sequence[Path]) -> tuple[str, ...]:
    """Reads the column names from the header of one table.

    Raises:
        InputError: When there is no column beside the word, or the first row is no header.
    """
    path = paths[0]
    _, (_, *names) = next(delimited(path), (0, [""]))
    if not names:
        how = "comma" if path.suffix == ".csv" else "tab"
        raise InputError(
            f"{path}, line 1: one column; expected a header of word and at least one column, "
            f"{how}-separated"
        )
    if numbers := [name for name in names if _is_number(name)]:
        raise InputError(
            f"{path}, line 1: '{numbers[0]}' is a number; expected a header of word and the names "
            "of the columns"
        )
    return tuple(names)


def read_table(paths: Sequence[Path], language: str) -> Iterator[Entry]:
    """Yields the rows of one table.

    Raises:
        InputError: When a row has another number of columns than the header, or a value is not
            a number.
    """
    path = paths[0]
    for line, (word, *values) in rows_below(path, ("word", *table_columns(paths))):
        yield word, [number(path, line, value) for value in values]
