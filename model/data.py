"""A corpus as numbers."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Split:
    """Texts of one split.

    Attributes:
        words: rows of the word table, zero-padded at the start, `[m, n]`.
        labels: 0/1, `[m, C]`.
        half: 'a' or 'b' by text on dev, '' elsewhere, `[m]`.
    """

    words: NDArray[np.int32]
    labels: NDArray[np.uint8]
    half: NDArray[np.str_]


@dataclass(frozen=True)
class Data:
    """A corpus as numbers: the word table `[W, D]` and its splits (train, dev, perhaps test)."""

    table: NDArray[np.float32]
    splits: Mapping[str, Split]

    @property
    def has_test(self) -> bool:
        """Whether scores come from a test split rather than from halves of dev."""
        return "test" in self.splits
