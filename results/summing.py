"""Sums of per-text statistics under many weightings of the texts, as matrix products.

A weighting says how much each text counts: how often a resample holds it, whether it is exchanged.
Only the sums that a metric asks for are made: accuracy needs one column of an arm, micro-F1 two,
and macro-F1 two for every class.
"""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from model.metrics import Floats, Sums


class Columns:
    """Statistics of texts as columns of a product, a block for each meaning."""

    def __init__(self, statistics: Floats) -> None:
        """Lay them out.

        Args:
            statistics: `model.metrics.statistics` of A arms, or differences of such,
                `[m, A, 3C + 2]`; gold labels are the same in all arms.
        """
        texts, arms, width = statistics.shape
        classes = (width - 2) // 3
        own: NDArray[np.float32] = statistics.astype(np.float32)
        both, of_arm = own[..., :classes], own[..., classes : 2 * classes]
        self.shape = (arms, 2, classes)
        self.by_class = np.ascontiguousarray(own[..., : 2 * classes]).reshape(texts, -1)
        self.gold = np.ascontiguousarray(own[:, 0, 2 * classes : 3 * classes])
        self.jaccard = np.ascontiguousarray(own[..., -2])
        self.all_both: NDArray[np.float32] = both.sum(axis=-1)
        self.all_predicted: NDArray[np.float32] = of_arm.sum(axis=-1)


class Weighted(Sums):
    """Sums under r weightings, each made when it is first asked for: `[r, A, C]`, `[r, A]`.

    Those of gold labels are the same for all arms, `[r, 1, C]`.
    """

    _weights: NDArray[np.float32]
    _columns: Columns

    def __init__(
        self, weights: NDArray[np.float32], columns: Columns, gold: Floats | None = None
    ) -> None:
        """Take weights `[r, m]`, what they are of, and sums of gold labels where known."""
        vars(self).update(_weights=weights, _columns=columns)
        if gold is not None:
            vars(self).update(gold=gold[:, None])

    @cached_property
    def both(self) -> Floats:
        """Labels both gold and predicted."""
        return self._by_class[:, :, 0]

    @cached_property
    def predicted(self) -> Floats:
        """Predicted labels."""
        return self._by_class[:, :, 1]

    @cached_property
    def gold(self) -> Floats:
        """Gold labels."""
        return self._of(self._columns.gold)[:, None]

    @cached_property
    def jaccard(self) -> Floats:
        """Sum of Jaccard."""
        return self._of(self._columns.jaccard)

    @cached_property
    def texts(self) -> Floats:
        """Weight of all texts."""
        found: Floats = self._weights.sum(axis=1, dtype=np.float64)[:, None]
        return found

    @cached_property
    def all_both(self) -> Floats:
        """`both` over all classes."""
        return self._of(self._columns.all_both)

    @cached_property
    def all_predicted(self) -> Floats:
        """`predicted` over all classes."""
        return self._of(self._columns.all_predicted)

    @cached_property
    def _by_class(self) -> Floats:
        """Both in one product, `[r, A, 2, C]`: a wide one costs less than two narrow ones."""
        return self._of(self._columns.by_class).reshape(-1, *self._columns.shape)

    def _of(self, columns: NDArray[np.float32]) -> Floats:
        found: Floats = (self._weights @ columns).astype(np.float64)
        return found


class Exchanged(Sums):
    """Sums of a system some of whose answers are another's: `[r, A, C]`, `[r, A]`."""

    _own: Sums
    _moved: Sums
    _sign: float

    def __init__(self, own: Sums, moved: Sums, sign: float) -> None:
        """Take the system's own sums `[A, ...]`, what is exchanged `[r, A, ...]`, and its sign."""
        vars(self).update(_own=own, _moved=moved, _sign=sign)

    @property
    def both(self) -> Floats:
        """Labels both gold and predicted."""
        return self._own.both + self._sign * self._moved.both

    @property
    def predicted(self) -> Floats:
        """Predicted labels."""
        return self._own.predicted + self._sign * self._moved.predicted

    @property
    def gold(self) -> Floats:
        """Gold labels."""
        return self._own.gold

    @property
    def jaccard(self) -> Floats:
        """Sum of Jaccard."""
        return self._own.jaccard + self._sign * self._moved.jaccard

    @property
    def texts(self) -> Floats:
        """Weight of all texts."""
        return self._own.texts

    @property
    def all_both(self) -> Floats:
        """`both` over all classes."""
        return self._own.all_both + self._sign * self._moved.all_both

    @property
    def all_predicted(self) -> Floats:
        """`predicted` over all classes."""
        return self._own.all_predicted + self._sign * self._moved.all_predicted
