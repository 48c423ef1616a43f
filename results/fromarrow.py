"""Arrow tables, such as answers to SQL, as tables to be shown."""

import json
from collections.abc import Sequence

import pyarrow as pa

from results.render import Cell, Table, finite


def from_arrow(table: pa.Table, name: str = "query", title: str = "") -> Table:
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
        return json.dumps(finite(value), ensure_ascii=False, default=str)
    return str(value)
