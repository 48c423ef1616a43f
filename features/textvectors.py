"""Ready-made vectors of texts, one a text or one a token, out of an Arrow column."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from features.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_EXPECTED = (
    "expected one vector a text (fixed_size_list<float>) or one a token "
    "(list<fixed_size_list<float>>)"
)


@dataclass(frozen=True)
class TextVectors:
    """The vectors of m texts.

    Attributes:
        values: ``[t, d]``, one text after the other.
        lengths: ``[m]``, how many of the t vectors each text has.
    """

    values: "NDArray[np.float32]"
    lengths: "NDArray[np.int64]"

    def take(self, texts: "NDArray[np.intp]") -> "TextVectors":
        """Copies the vectors of some texts, in the order of their indices."""
        lengths = self.lengths[texts]
        starts = (np.cumsum(self.lengths) - self.lengths)[texts]
        within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        return TextVectors(self.values[np.repeat(starts, lengths) + within], lengths)


def text_vectors(column: str, array: Any) -> TextVectors:
    """Reads a column of vectors out of its Arrow buffers; float32 ones are not copied.

    Lists need not be of fixed size where all vectors have one length. Half and double precision
    become single.

    Args:
        column: Its name, for messages.
        array: A ``pyarrow.ChunkedArray``.

    Raises:
        InputError: Naming the row (from 1), for another type, a missing value, vectors of several
            lengths, and numbers that are not finite in single precision.
    """
    per_token = _nesting(column, array.type) == 2
    whole = array.chunk(0) if array.num_chunks == 1 else array.combine_chunks()
    rows = np.arange(1, len(whole) + 1)
    vectors, lengths = _complete(column, whole, rows), np.ones(len(whole), dtype=np.int64)
    if per_token:
        lengths = vectors.value_lengths().to_numpy().astype(np.int64)
        rows = np.repeat(rows, lengths)
        vectors = _complete(column, vectors.flatten(), rows)
    if not len(vectors):
        raise InputError(f"column '{column}' holds no vector; {_EXPECTED}")
    widths = vectors.value_lengths().to_numpy()
    d = int(widths[0])
    if d == 0:
        raise InputError(f"row {rows[0]}: column '{column}' holds a vector of no numbers")
    if (other := np.flatnonzero(widths != d)).size:
        raise InputError(
            f"row {rows[other[0]]}: column '{column}' holds a vector of {widths[other[0]]} "
            f"numbers; expected {d}, as in row {rows[0]}"
        )
    with np.errstate(over="ignore"):  # what is too large becomes infinite, which is refused
        numbers = (
            _complete(column, vectors.flatten(), rows).to_numpy().astype(np.float32, copy=False)
        )
    values = numbers.reshape(-1, d)
    if (wrong := np.flatnonzero(~np.isfinite(values).all(axis=1))).size:
        raise InputError(
            f"row {rows[wrong[0]]}: column '{column}' holds a number that is not finite"
        )
    return TextVectors(values, lengths)


def _nesting(column: str, kind: Any) -> int:
    """Counts the lists around the numbers: 1 or 2."""
    from pyarrow import types

    depth, leaf = 0, kind
    while types.is_fixed_size_list(leaf) or types.is_list(leaf) or types.is_large_list(leaf):
        depth, leaf = depth + 1, leaf.value_type
    if depth not in (1, 2) or not types.is_floating(leaf):
        raise InputError(f"column '{column}' is {kind}; {_EXPECTED}")
    return depth


def _complete(column: str, part: Any, rows: "NDArray[np.int64]") -> Any:
    """Returns texts, vectors or numbers, each row having equally many, if none is missing."""
    if part.null_count:
        missing = np.flatnonzero(part.is_null().to_numpy(zero_copy_only=False))
        row = rows[missing[0] * len(rows) // len(part)]
        raise InputError(f"row {row}: column '{column}' holds a missing value; {_EXPECTED}")
    return part
