"""Percentile bootstrap over texts, by matrix products.

A resample of m texts is a vector of counts: how often each text was drawn. Every metric is a
function of column sums of per-text statistics (`model.metrics.statistics`), so all resamples of all
arms are one product, counts `[R, m]` @ statistics `[m, k]`. The counts are shared by all arms,
which pairs them: a difference of two arms is taken within each resample.

What varies here is the choice of texts alone; how a loss varies over seeds is not in it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.metrics import METRICS, Floats, statistics

RESAMPLES = 5000
"""Resamples of an interval, as in the paper (section 4)."""

LEVEL = 0.95
"""Coverage of an interval, as in the paper."""

_CHUNK = 500
"""Resamples in one product: bounds memory at 500 * m float32."""


@dataclass(frozen=True)
class Resamples:
    """Resamples of one set of texts.

    Attributes:
        gold: gold labels, `[m, C]`.
        counts: how often each resample holds each text, `[R, m]`; rows sum to m. One byte is
            enough: a count above 255 has a chance below 1e-500.
    """

    gold: NDArray[np.bool_]
    counts: NDArray[np.uint8]


def draw(
    gold: NDArray[np.bool_], rng: np.random.Generator, resamples: int = RESAMPLES
) -> Resamples:
    """Draw multinomial counts: m texts with replacement, R times.

    Args:
        gold: gold labels, `[m, C]`, m at least 1.
        rng: source of the draws.
        resamples: R.
    """
    texts = len(gold)
    counts = np.empty((resamples, texts), dtype=np.uint8)
    for row in counts:
        row[:] = np.bincount(rng.integers(texts, size=texts, dtype=np.uint32), minlength=texts)
    return Resamples(gold, counts)


def resampled_metrics(
    resamples: Resamples, predicted: NDArray[np.bool_], metrics: Iterable[str] = METRICS
) -> dict[str, Floats]:
    """Values of metrics on every resample, for several arms at once.

    Args:
        resamples: from `draw`; shared by all arms that are to be compared.
        predicted: predicted labels of A arms (or seeds of one), `[A, m, C]`.
        metrics: names in `model.metrics.METRICS`.

    Returns:
        For each metric `[A, R]`. Counts of labels are exact; Jaccard sums are float32 sums.
    """
    gold, counts = resamples.gold, resamples.counts
    arms, texts, classes = predicted.shape
    # An arm's own columns are both | predicted | Jaccard; gold is the same for all arms.
    own = np.r_[: 2 * classes, 3 * classes]
    stacked = [statistics(gold, labels)[:, own] for labels in predicted]
    columns = np.column_stack([*stacked, gold]).astype(np.float32)
    values = {name: np.empty((arms, len(counts))) for name in metrics}
    for start in range(0, len(counts), _CHUNK):
        chunk = slice(start, start + _CHUNK)
        sums = (counts[chunk].astype(np.float32) @ columns).astype(np.float64)
        shape = (len(sums), arms, classes)
        per_arm = sums[:, : arms * len(own)].reshape(len(sums), arms, len(own))
        gold_sums = np.broadcast_to(sums[:, None, arms * len(own) :], shape)
        number = np.full((*shape[:2], 1), float(texts))
        full = np.concatenate([per_arm[..., :-1], gold_sums, per_arm[..., -1:], number], axis=-1)
        for name, array in values.items():
            array[:, chunk] = METRICS[name](full).T
    return values


def percentile_interval(values: Floats, level: float = LEVEL) -> tuple[Floats, Floats]:
    """Ends of the percentile interval of each row, `[..., R]` -> two of `[...]`."""
    tail = (1 - level) / 2
    low, high = np.quantile(values, [tail, 1 - tail], axis=-1)
    return low, high


def paired_interval(a: Floats, b: Floats, level: float = LEVEL) -> tuple[float, float]:
    """Percentile interval of A − B, where both saw the same resamples (and the same seeds).

    Args:
        a: values of A by seed and resample, `[S, R]`.
        b: values of B for the same seeds and resamples, `[S, R]`.
        level: coverage.

    Returns:
        Ends of the interval of the mean over seeds of the differences. It covers the choice of
        texts only.

    Raises:
        ValueError: the shapes differ, so the values are not paired.
    """
    if a.shape != b.shape:
        raise ValueError(f"not paired: {a.shape} values of A, {b.shape} of B")
    low, high = percentile_interval((a - b).mean(axis=0), level)
    return float(low), float(high)
