"""Ready-made vectors out of Arrow columns: every shape that has one meaning, and no other."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from features.errors import InputError
from features.textvectors import TextVectors, text_vectors

FLOAT = pa.float32()
TEXTS = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]
TOKENS = [[[1.0, 2.0]], [], [[3.0, 4.0], [5.0, 6.0]]]


def read(values: Any, kind: Any) -> TextVectors:
    return text_vectors("e", pa.chunked_array([pa.array(values, kind)]))


@pytest.mark.parametrize("number", [pa.float16(), pa.float32(), pa.float64()])
@pytest.mark.parametrize("size", [2, -1])
def test_one_vector_a_text(number: Any, size: int) -> None:
    found = read(TEXTS, pa.list_(number, size))
    assert found.values.dtype == np.float32
    assert found.values.tolist() == TEXTS
    assert found.lengths.tolist() == [1, 1, 1]


@pytest.mark.parametrize("size", [2, -1])
@pytest.mark.parametrize("outer", [pa.list_, pa.large_list])
def test_one_vector_a_token(size: int, outer: Any) -> None:
    found = read(TOKENS, outer(pa.list_(FLOAT, size)))
    assert found.values.tolist() == TEXTS
    assert found.lengths.tolist() == [1, 0, 2]


def test_texts_of_a_fixed_number_of_tokens() -> None:
    found = read([TEXTS, TEXTS], pa.list_(pa.list_(FLOAT, 2), 3))
    assert found.values.tolist() == TEXTS * 2
    assert found.lengths.tolist() == [3, 3]


def test_chunks_and_slices_are_one_column() -> None:
    whole = pa.array(TOKENS * 2, pa.list_(pa.list_(FLOAT, 2)))
    chunks = pa.chunked_array([whole.slice(0, 1), whole.slice(1, 2), whole.slice(3, 3)])
    found, sliced = text_vectors("e", chunks), text_vectors("e", chunks.slice(2, 3))
    assert found.values.tolist() == TEXTS * 2
    assert found.lengths.tolist() == [1, 0, 2] * 2
    assert sliced.values.tolist() == [*TEXTS[1:], TEXTS[0]]
    assert sliced.lengths.tolist() == [2, 1, 0]


def test_single_precision_is_not_copied() -> None:
    column = pa.array(TOKENS, pa.list_(pa.list_(FLOAT, 2)))
    found = text_vectors("e", pa.chunked_array([column]))
    buffer = column.flatten().flatten().buffers()[1]
    assert found.values.ctypes.data == buffer.address


def test_some_texts_in_another_order() -> None:
    some = read(TOKENS, pa.list_(pa.list_(FLOAT, 2))).take(np.array([2, 1, 0]))
    assert some.values.tolist() == [*TEXTS[1:], TEXTS[0]]
    assert some.lengths.tolist() == [2, 0, 1]


@pytest.mark.parametrize(
    ("values", "kind", "message"),
    [
        ([1, 2], pa.int64(), r"^column 'e' is int64; expected one vector a text"),
        ([[1], [2]], pa.list_(pa.int64()), r"^column 'e' is list<.*int64>; expected one vector"),
        (["a"], pa.string(), r"^column 'e' is string; expected one vector a text"),
        ([TOKENS], pa.list_(pa.list_(pa.list_(FLOAT))), r"^column 'e' is list<.*; expected one"),
        ([[1, 2], None], pa.list_(FLOAT, 2), r"^row 2: column 'e' holds a missing value"),
        ([[1, 2], [3, None]], pa.list_(FLOAT, 2), r"^row 2: column 'e' holds a missing value"),
        ([[], [[1]], [[2], None]], pa.list_(pa.list_(FLOAT)), r"^row 3: .* a missing value; expec"),
        ([[], [[1]], [[2], [None]]], pa.list_(pa.list_(FLOAT, 1)), r"^row 3: .* a missing value"),
        ([[1, 2], [3]], pa.list_(FLOAT), r"^row 2: .* a vector of 1 numbers; expected 2, as in ro"),
        ([[], [[1], [2, 3]]], pa.list_(pa.list_(FLOAT)), r"^row 2: .* of 2 numbers; expected 1,"),
        ([[], [1]], pa.list_(FLOAT), r"^row 1: column 'e' holds a vector of no numbers"),
        ([[], []], pa.list_(pa.list_(FLOAT, 2)), r"^column 'e' holds no vector; expected one"),
        ([[[1], [float("nan")]], [[2]]], pa.list_(pa.list_(FLOAT, 1)), r"^row 1: .* not finite"),
        ([[1.0], [float("-inf")]], pa.list_(FLOAT, 1), r"^row 2: .* not finite"),
        ([[1.0], [1e39]], pa.list_(pa.float64(), 1), r"^row 2: .* a number that is not finite"),
    ],
)
def test_what_has_no_one_meaning(values: Any, kind: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(values, kind)
