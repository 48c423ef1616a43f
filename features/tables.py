"""Tables column by column: .csv, .tsv, .jsonl and .parquet.

``.csv`` is read with the usual quoting, ``.tsv`` is tab-separated without quoting (tweets hold
bare quotes), ``.jsonl`` has one object a line, ``.parquet`` is Parquet.
"""

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from features.errors import InputError
from features.lines import read_fields, read_lines
from features.rows import check_header

_ABSENT = object()
_ROWS = 1000


@dataclass(frozen=True)
class Columns:
    """The columns of one file.

    Attributes:
        path: The file.
        lines: Line number of each of the m rows.
        values: By name, in the file's order: m values, or an Arrow column that holds them.
    """

    path: Path
    lines: Sequence[int]
    values: dict[str, Any]

    def __getitem__(self, name: str) -> list[Any]:
        """Returns a column's m values as Python objects.

        Raises:
            InputError: When there is no such column, or a JSON object lacks it.
        """
        column = self._column(name)
        values: list[Any] = column if isinstance(column, list) else column.to_pylist()
        if _ABSENT in values:
            line = self.lines[values.index(_ABSENT)]
            raise InputError(
                f"{self.path}, line {line}: no column '{name}'; expected it in every row"
            )
        return values

    def arrow(self, name: str) -> Any:
        """Returns a column of a Parquet file, a ``pyarrow.ChunkedArray``, as it was read.

        Raises:
            InputError: When there is no such column, or the file is no Parquet file.
        """
        if self.path.suffix != ".parquet":
            raise InputError(f"{self.path}: expected a .parquet file to have vectors in a column")
        return self._column(name)

    def _column(self, name: str) -> Any:
        if name not in self.values:
            raise InputError(
                f"{self.path}: no column '{name}'; expected it among {', '.join(self.values)}"
            )
        return self.values[name]


def read_columns(path: Path) -> Columns:
    """Reads a table.

    Raises:
        InputError: When the file is not what its name's ending says, or has no row.
    """
    if path.suffix not in _FORMATS:
        raise InputError(f"{path}: expected a name that ends in one of {', '.join(_FORMATS)}")
    columns = _FORMATS[path.suffix](path)
    if not columns.lines:
        raise InputError(f"{path}: expected rows of text, found none")
    return columns


def delimited(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yields (line number, fields): with commas and quotes in .csv, tab-separated in all else.

    Raises:
        InputError: When the file cannot be read, or is not CSV.
    """
    if path.suffix != ".csv":
        yield from read_fields(path)
        return
    # The csv module wants line ends back: a quoted field may run over several lines.
    reader = csv.reader((f"{line}\n" for _, line in read_lines(path)), strict=True)
    try:
        for fields in reader:
            if fields:
                yield reader.line_num, fields
    except csv.Error as error:
        raise InputError(f"{path}, line {reader.line_num}: not CSV ({error})") from error


def rows_below(path: Path, header: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """Yields what :func:`delimited` does below the header.

    Raises:
        InputError: When a row is not as wide as the header.
    """
    rows = delimited(path)
    next(rows, None)
    for number, fields in rows:
        if len(fields) != len(header):
            raise InputError(
                f"{path}, line {number}: {len(fields)} columns; expected {len(header)} as in the "
                "header"
            )
        yield number, fields


def _with_header(path: Path) -> Columns:
    _, header = next(delimited(path), (0, []))
    check_header(path, header)
    lines, values = [], {name: list[str]() for name in header}
    for number, fields in rows_below(path, header):
        lines.append(number)
        for column, field in zip(values.values(), fields, strict=True):
            column.append(field)
    return Columns(path, lines, values)


def _objects(path: Path) -> Columns:
    lines: list[int] = []
    rows: list[dict[str, Any]] = []
    for number, line in read_lines(path):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{path}, line {number}: not JSON ({error})") from error
        if not isinstance(row, dict):
            raise InputError(f"{path}, line {number}: expected a JSON object, found '{line[:40]}'")
        lines.append(number)
        rows.append(row)
    names = dict.fromkeys(name for row in rows for name in row)
    return Columns(path, lines, {name: [row.get(name, _ABSENT) for row in rows] for name in names})


def _parquet(path: Path) -> Columns:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            # Piece by piece: nested lists take several times their memory while they are read.
            table = pa.Table.from_batches(file.iter_batches(_ROWS), file.schema_arrow)
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path}: expected a Parquet file ({error})") from error
    check_header(path, table.column_names)
    values = dict(zip(table.column_names, table.columns, strict=True))
    return Columns(path, range(1, len(table) + 1), values)


_FORMATS: dict[str, Callable[[Path], Columns]] = {
    ".csv": _with_header,
    ".tsv": _with_header,
    ".jsonl": _objects,
    ".parquet": _parquet,
}

ENDINGS = tuple(_FORMATS)
"""How names of tables end."""
