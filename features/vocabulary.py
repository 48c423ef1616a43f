"""The word matrix of a corpus: one row per word, its vector and its lexicon columns.

A row depends on its word alone. Row 0 is padding; row 1 stands for every word that has neither
a vector nor a lexicon entry. A word that only a lexicon knows has its own row, with the vector
part of row 1. Where a corpus brings its own vectors, each token is a word of its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from features.corpora import Texts
    from features.lexicons import Lexicon
    from features.vectors import WordVectors

# No token can look like these: the tokeniser takes angle brackets off words.
PADDING = "<padding>"
UNKNOWN_ROW = "<unknown>"


@dataclass(frozen=True)
class WordMatrix:
    """Words and their rows.

    Attributes:
        words: W words; the first two are placeholders.
        matrix: ``[W, d + v]``.
    """

    words: list[str]
    matrix: "NDArray[np.float32]"


def word_matrix(
    types: Sequence[str], vectors: "WordVectors", lexicons: "Sequence[Lexicon]"
) -> WordMatrix:
    """Lines up vectors and lexicon columns for the words of a corpus.

    Args:
        types: The distinct words of the corpus, in the order their rows shall have.
        vectors: Their vectors.
        lexicons: Lexicons in column order.
    """
    known = [
        word
        for word in types
        if word in vectors.rows or any(word in lexicon.entries for lexicon in lexicons)
    ]
    d = len(vectors.unknown)
    v = sum(len(lexicon.columns) for lexicon in lexicons)
    matrix = np.zeros((2 + len(known), d + v), dtype=np.float32)
    matrix[1:, :d] = vectors.unknown
    for row, word in enumerate(known, start=2):
        if word in vectors.rows:
            matrix[row, :d] = vectors.matrix[vectors.rows[word]]
        column = d
        for lexicon in lexicons:
            width = len(lexicon.columns)
            if word in lexicon.entries:
                matrix[row, column : column + width] = lexicon.entries[word]
            column += width
    return WordMatrix([PADDING, UNKNOWN_ROW, *known], matrix)


def token_matrix(splits: "Mapping[str, Texts]") -> tuple[WordMatrix, dict[str, list[range]]]:
    """Gives each token of texts with ready-made vectors a row of its own.

    Padding and unknown words, of which there are none, have rows of zeros.

    Args:
        splits: Texts with vectors, by split.

    Returns:
        The matrix, whose words are named ``ID:POSITION``, and by split the rows of each text.
    """
    vectors = [texts.vectors for texts in splits.values() if texts.vectors is not None]
    total, d = sum(len(part.values) for part in vectors), vectors[0].values.shape[1]
    words, matrix = [PADDING, UNKNOWN_ROW], np.zeros((2 + total, d), dtype=np.float32)
    rows: dict[str, list[range]] = {}
    for (split, texts), part in zip(splits.items(), vectors, strict=True):
        matrix[len(words) : len(words) + len(part.values)] = part.values
        rows[split] = []
        for name, length in zip(texts.ids, part.lengths.tolist(), strict=True):
            rows[split].append(range(len(words), len(words) + length))
            words += [f"{name}:{position}" for position in range(1, length + 1)]
    return WordMatrix(words, matrix), rows
