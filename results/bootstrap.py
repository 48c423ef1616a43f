"""Percentile bootstrap over texts, by matrix products.

A resample of m texts is a vector of counts: how often each text was drawn. Every metric is a
function of column sums of per-text statistics (`model.metrics.statistics`), so all resamples of all
arms are one product, counts `[R, m]` @ statistics `[m, k]`. The counts are shared by all arms,
which pairs them: a difference of two arms is taken within each resample.

What varies here is the choice of texts alone; how a loss varies over seeds is not in it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from model.metrics import METRICS, Floats, statistics
from results.summing import Columns, Weighted

RESAMPLES = 10_000
"""Resamples of every interval; the paper took up to 5,000 (section 4)."""

LEVEL = 0.95
"""Coverage of an interval, as in the paper."""

_CHUNK = 500
"""Resamples in one product: bounds memory at 500 * m float32."""

_KEPT = 1 << 26
"""Counts up to which they are kept as float32 too, which spares converting them for each arm."""


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

    def chunks(self) -> Iterator[NDArray[np.float32]]:
        """The counts, some resamples at a time, as products take them."""
        if self.counts.size <= _KEPT:
            yield from self._as_floats
        else:
            yield from self._converted()

    @cached_property
    def gold_sums(self) -> Floats:
        """How often each label is gold in each resample, `[R, C]`: the same for all arms."""
        gold = self.gold.astype(np.float32)
        return np.concatenate([chunk @ gold for chunk in self.chunks()]).astype(np.float64)

    @cached_property
    def _as_floats(self) -> list[NDArray[np.float32]]:
        return list(self._converted())

    def _converted(self) -> Iterator[NDArray[np.float32]]:
        for start in range(0, len(self.counts), _CHUNK):
            yield self.counts[start : start + _CHUNK].astype(np.float32)


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
        metrics: names in `model.metrics.METRICS`; only the sums that these ask for are made.

    Returns:
        For each metric `[A, R]`. Counts of labels are exact; Jaccard sums are float32 sums.
    """
    columns = Columns(np.stack([statistics(resamples.gold, one) for one in predicted], axis=1))
    values = {name: np.empty((len(predicted), len(resamples.counts))) for name in metrics}
    done = 0
    for chunk in resamples.chunks():
        sums = Weighted(chunk, columns, resamples.gold_sums[done : done + len(chunk)])
        for name, array in values.items():
            array[:, done : done + len(chunk)] = METRICS[name].value(sums).T
        done += len(chunk)
    return values


def percentile_interval(values: Floats, level: float = LEVEL) -> tuple[Floats, Floats]:
    """Ends of the percentile interval of each row, `[..., R]` -> two of `[...]`."""
    tail = (1 - level) / 2
    low, high = np.quantile(values, [tail, 1 - tail], axis=-1)
    return low, high
