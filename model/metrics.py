"""Hard metrics as functions of additive per-example statistics (equations 1 to 8).

Every metric of the paper depends on a set of texts only through sums over its texts. `statistics`
lays those terms out as one matrix, a row per text; a metric then maps column sums to a number.
Summing a resampled set is a matrix product, so a bootstrap needs no loop over resamples.

NumPy only: the statistics room imports this module and must not load torch.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
"""Any array of float64."""

THRESHOLD = 0.5
"""A label is present iff its probability is at least this (paper, section 4)."""


@dataclass(frozen=True)
class Sums:
    """Column sums of `statistics`, split by meaning; leading axes are resamples, arms, ...

    Attributes:
        both: texts in which a label is both gold and predicted, |γ∩θ| by class, `[..., C]`.
        predicted: texts in which a label is predicted, |θ| by class, `[..., C]`.
        gold: texts in which a label is gold, |γ| by class, `[..., C]`.
        jaccard: sum over texts of |γ∩θ| / |γ∪θ|, `[...]`.
        texts: number of texts m, `[...]`.
    """

    both: Floats
    predicted: Floats
    gold: Floats
    jaccard: Floats
    texts: Floats

    @property
    def all_both(self) -> Floats:
        """Labels that are both gold and predicted, over all classes, `[...]`."""
        found: Floats = self.both.sum(axis=-1)
        return found

    @property
    def all_predicted(self) -> Floats:
        """Predicted labels, over all classes, `[...]`."""
        found: Floats = self.predicted.sum(axis=-1)
        return found

    @property
    def all_gold(self) -> Floats:
        """Gold labels, over all classes, `[...]`."""
        found: Floats = self.gold.sum(axis=-1)
        return found


def statistics(gold: NDArray[np.bool_], predicted: NDArray[np.bool_]) -> Floats:
    """Additive statistics of each text.

    A text without gold labels for which nothing is predicted has Jaccard 1, as in the official
    SemEval-2018 scorer.

    Args:
        gold: gold labels, `[m, C]`.
        predicted: predicted labels, `[m, C]`.

    Returns:
        `[m, 3C + 2]`: both | predicted | gold | Jaccard | 1.
    """
    both = gold & predicted
    shared = both.sum(axis=1)
    union = (gold | predicted).sum(axis=1)
    jaccard = np.where(union > 0, shared / np.maximum(union, 1), 1.0)
    ones = np.ones(len(gold))
    return np.column_stack([both, predicted, gold, jaccard, ones]).astype(np.float64)


def split_sums(sums: Floats) -> Sums:
    """Name the columns of summed `statistics`, `[..., 3C + 2]`."""
    classes = (sums.shape[-1] - 2) // 3
    return Sums(
        both=sums[..., :classes],
        predicted=sums[..., classes : 2 * classes],
        gold=sums[..., 2 * classes : 3 * classes],
        jaccard=sums[..., -2],
        texts=sums[..., -1],
    )


@dataclass(frozen=True)
class Metric:
    """A hard metric: its name, its label in tables, and its value from summed statistics."""

    name: str
    label: str
    value: Callable[[Sums], Floats]

    def __call__(self, sums: Floats) -> Floats:
        """Value in [0, 1] for column sums of `statistics`, `[..., 3C + 2]` -> `[...]`."""
        return self.value(split_sums(sums))


METRICS: dict[str, Metric] = {}
"""Every metric by name: each is recorded at every epoch, chooses epochs, has its table column."""


def metric(label: str) -> Callable[[Callable[[Sums], Floats]], Metric]:
    """Register a function of `Sums` as a metric under the function's own name."""

    def register(function: Callable[[Sums], Floats]) -> Metric:
        METRICS[function.__name__] = Metric(function.__name__, label, function)
        return METRICS[function.__name__]

    return register


def quotient(numerator: Floats, denominator: Floats, empty: float) -> Floats:
    """Elementwise numerator / denominator, and `empty` where the denominator is 0."""
    return np.where(denominator > 0, numerator / np.where(denominator > 0, denominator, 1), empty)


@metric("Acc")
def acc(sums: Sums) -> Floats:
    """Accuracy, equation 1: mean over texts of |γ∩θ| / |γ∪θ|."""
    return sums.jaccard / sums.texts


@metric("M-F1")
def macro_f1(sums: Sums) -> Floats:
    """Macro-F1, equation 8: mean over classes of F1."""
    value: Floats = class_f1(sums).mean(axis=-1)
    return value


@metric("m-F1")
def micro_f1(sums: Sums) -> Floats:
    """Micro-F1, equation 4; 0 when there is neither a gold nor a predicted label."""
    return quotient(2 * sums.all_both, sums.all_gold + sums.all_predicted, empty=0.0)


def class_precision(sums: Sums) -> Floats:
    """Precision by class, equation 5, `[..., C]`; 0 for a class never predicted."""
    return quotient(sums.both, sums.predicted, empty=0.0)


def class_recall(sums: Sums) -> Floats:
    """Recall by class, equation 6, `[..., C]`; 0 for a class never gold."""
    return quotient(sums.both, sums.gold, empty=0.0)


def class_f1(sums: Sums) -> Floats:
    """F1 by class, equation 7, `[..., C]`; 0 for a class neither gold nor predicted.

    That 0 is the official scorer's convention: such a class lowers macro-F1.
    """
    return quotient(2 * sums.both, sums.gold + sums.predicted, empty=0.0)


def precision(sums: Sums) -> Floats:
    """Micro-averaged precision, equation 2, `[...]`; 0 when nothing is predicted."""
    return quotient(sums.all_both, sums.all_predicted, empty=0.0)


def recall(sums: Sums) -> Floats:
    """Micro-averaged recall, equation 3, `[...]`; 0 when there is no gold label."""
    return quotient(sums.all_both, sums.all_gold, empty=0.0)
