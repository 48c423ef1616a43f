"""A cell's values by seed, and what two cells differ by, paired over seeds and texts.

Arms of one seed read the same batches and, where their networks are of one shape, start from the
same weights; all arms see the same resamples of the same texts. So the difference is taken within
each seed and resample, and what the two arms share cancels.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from model.metrics import METRICS, Floats, statistics
from results.bootstrap import Resamples, percentile_interval, resampled_metrics
from results.inference import Parts, parts_of


@dataclass(frozen=True)
class Measured:
    """A cell's metric for one seed.

    Attributes:
        value: on the texts, in [0, 1].
        resampled: on every resample of them, `[R]`; float32, as many are kept.
    """

    value: float
    resampled: NDArray[np.float32]


Measurements = Mapping[int, Measured]
"""A cell's metric by seed."""


@dataclass(frozen=True)
class Estimate:
    """A mean over seeds: of a cell's metric, or of the difference of two cells.

    Attributes:
        seeds: their numbers.
        values: of each, `[K]`.
        resampled: of each on every resample of the texts, `[K, R]`.
        range: the least and the greatest value there can be.
    """

    seeds: tuple[int, ...]
    values: Floats
    resampled: Floats
    range: tuple[float, float]

    @property
    def value(self) -> float:
        """The mean over seeds."""
        return float(self.values.mean())

    @property
    def seed_sd(self) -> float | None:
        """Standard deviation over seeds; None for one seed."""
        return float(self.values.std(ddof=1)) if len(self.seeds) > 1 else None

    @cached_property
    def over_texts(self) -> tuple[float, float]:
        """95% percentile interval over texts of the mean over these seeds."""
        low, high = percentile_interval(self.resampled.mean(axis=0))
        return float(low), float(high)

    @cached_property
    def parts(self) -> Parts | None:
        """Where its variance over texts and seeds comes from; None for one seed."""
        return parts_of(self.values, self.resampled) if len(self.seeds) > 1 else None

    @property
    def both(self) -> tuple[float, float] | None:
        """95% interval over texts and seeds, within the range; None for one seed."""
        if self.parts is None:
            return None
        half, (least, most) = self.parts.half_width, self.range
        return max(least, self.value - half), min(most, self.value + half)

    @property
    def interval(self) -> tuple[float, float]:
        """95% interval over texts and seeds; for one seed over texts alone."""
        return self.both or self.over_texts

    @property
    def p(self) -> float | None:
        """Two-sided p value of its being 0, over texts and seeds.

        None for one seed, and where neither moves a value that is not 0, as on a single text.
        """
        if self.parts is None or (not self.parts.total and self.value):
            return None
        return self.parts.p(self.value)


def measured(
    resamples: Resamples, labels: Mapping[int, NDArray[np.bool_]], metrics: Iterable[str] = METRICS
) -> dict[str, dict[int, Measured]]:
    """Metrics of a cell by seed.

    Args:
        resamples: of the texts.
        labels: predicted labels by seed, `[m, C]` each, of one seed or more.
        metrics: names in `model.metrics.METRICS`.
    """
    stack = np.stack(list(labels.values()))
    sums = np.stack([statistics(resamples.gold, matrix).sum(axis=0) for matrix in stack])
    return {
        name: {
            seed: Measured(float(value), row)
            for seed, value, row in zip(
                labels, METRICS[name](sums), resampled.astype(np.float32), strict=True
            )
        }
        for name, resampled in resampled_metrics(resamples, stack, list(metrics)).items()
    }


def mean(values: Measurements) -> Estimate:
    """A cell's metric, the mean over its seeds."""
    seeds = tuple(sorted(values))
    return Estimate(
        seeds,
        np.array([values[seed].value for seed in seeds]),
        np.stack([values[seed].resampled for seed in seeds]).astype(np.float64),
        (0.0, 1.0),
    )


def paired(a: Measurements, b: Measurements) -> Estimate | None:
    """A − B over the seeds that both have; None where they share none.

    Args:
        a: a metric of cell A by seed, from `measured`.
        b: the same metric of cell B, on the same texts.
    """
    seeds = tuple(sorted(a.keys() & b.keys()))
    if not seeds:
        return None
    of_a, of_b = ({seed: side[seed] for seed in seeds} for side in (a, b))
    first, second = mean(of_a), mean(of_b)
    return Estimate(
        seeds, first.values - second.values, first.resampled - second.resampled, (-1.0, 1.0)
    )
