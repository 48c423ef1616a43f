"""Formats that give all words and one matrix of their vectors."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from features.errors import InputError
from features.vectorfiles import Loaded
from features.vectorfiles.match import Match

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BLOCK = 1 << 14  # rows looked at together: the matrix may be mapped, and larger than memory


def take_rows(
    path: Path, words: Sequence[str], vectors: "NDArray[np.floating]", match: Match
) -> Loaded:
    """Copies the rows that are wanted.

    Args:
        path: The file, for messages.
        words: Its V words.
        vectors: ``[V, d]``; not changed, never copied whole.
        match: Decides which rows to keep.

    Raises:
        InputError: When there is no vector, or a value is not finite.
    """
    if vectors.size == 0:
        raise InputError(f"{path}: expected word vectors, found none")
    total = np.zeros(vectors.shape[1])
    for first in range(0, len(vectors), _BLOCK):
        block = vectors[first : first + _BLOCK]
        finite = np.isfinite(block).all(axis=1)
        if not finite.all():
            place = first + int(finite.argmin())
            raise InputError(
                f"{path}: the vector of '{words[place]}' (word {place + 1}) holds a value that is "
                "not finite; expected numbers"
            )
        total += block.sum(axis=0, dtype=np.float64)
    for row, word in enumerate(words):
        match.offer(word, row)
    places = match.places()
    matrix = vectors[list(places.values())].astype(np.float32, copy=False)
    mean = (total / len(vectors)).astype(np.float32)
    return Loaded(list(places), matrix, mean, len(vectors))
