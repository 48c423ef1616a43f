"""Arrow without pandas: `pa.array` and `pa.scalar` load it, which takes half a second."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


def rows_at(table: pa.Table, rows: NDArray[np.int64]) -> pa.Table:
    """The rows of a table at these places."""
    return table.take(pa.Array.from_buffers(pa.int64(), len(rows), [None, pa.py_buffer(rows)]))


def rows_where(table: pa.Table, **wanted: str) -> pa.Table:
    """The rows whose columns of these names have these values."""
    columns = [np.array(table[name].to_pylist(), dtype=object) for name in wanted]
    equal = [column == value for column, value in zip(columns, wanted.values(), strict=True)]
    return rows_at(table, np.flatnonzero(np.logical_and.reduce(equal)).astype(np.int64))
