"""A cell's values by seed, and what two cells differ by, paired over seeds and texts.

Arms of one seed read the same batches and, where their networks are of one shape, start from the
same weights; all arms see the same resamples of the same texts. So the difference is taken within
each seed and resample, and what the two arms share cancels.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.metrics import METRICS, Floats, statistics
from results.bootstrap import Resamples, paired_interval, resampled_metrics


@dataclass(frozen=True)
class Difference:
    """A − B on a metric, in [-1, 1].

    Attributes:
        value: mean over the shared seeds.
        lo: lower end of its 95% interval over texts, at the mean over these seeds.
        hi: upper end.
        seeds: seeds that are ok in both cells.
        seed_sd: standard deviation of the difference over these seeds; None for one seed.
        both: its 95% interval over texts and seeds, see `over_texts_and_seeds`; None for one seed.
    """

    value: float
    lo: float
    hi: float
    seeds: tuple[int, ...]
    seed_sd: float | None
    both: tuple[float, float] | None


@dataclass(frozen=True)
class Measured:
    """A cell's metric for one seed.

    Attributes:
        value: on the texts, in [0, 1].
        resampled: on every resample of them, `[R]`.
    """

    value: float
    resampled: Floats


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
            for seed, value, row in zip(labels, METRICS[name](sums), resampled, strict=True)
        }
        for name, resampled in resampled_metrics(resamples, stack, list(metrics)).items()
    }


def paired(a: Mapping[int, Measured], b: Mapping[int, Measured]) -> Difference | None:
    """A − B over the seeds that both have; None where they share none.

    Args:
        a: a metric of cell A by seed, from `measured`.
        b: the same metric of cell B, on the same texts.
    """
    seeds = tuple(sorted(a.keys() & b.keys()))
    if not seeds:
        return None
    by_seed = np.array([a[seed].value - b[seed].value for seed in seeds])
    resampled = (
        np.stack([a[seed].resampled for seed in seeds]),
        np.stack([b[seed].resampled for seed in seeds]),
    )
    low, high = paired_interval(*resampled)
    value = float(by_seed.mean())
    if len(seeds) == 1:
        return Difference(value, low, high, seeds, None, None)
    spread = float(by_seed.std(ddof=1))
    over_texts = float((resampled[0] - resampled[1]).mean(axis=0).var(ddof=1))
    half = over_texts_and_seeds(over_texts, spread, len(seeds))
    return Difference(value, low, high, seeds, spread, (value - half, value + half))


def over_texts_and_seeds(over_texts: float, seed_sd: float, seeds: int) -> float:
    """Half the width of a 95% interval of a mean over seeds, for other texts and other seeds.

    Student's t with the sum of both variances, and with the degrees of freedom that Satterthwaite
    (1946) gives such a sum: K − 1 where seeds alone vary, ever more the smaller their part is.

    Args:
        over_texts: variance of the mean over resamples of the texts.
        seed_sd: standard deviation of one seed's value.
        seeds: K, 2 or more.
    """
    from scipy.special import stdtrit

    over_seeds = seed_sd**2 / seeds
    total = over_texts + over_seeds
    if not total:
        return 0.0
    freedom = (seeds - 1) * (total / over_seeds) ** 2 if over_seeds else np.inf
    return float(stdtrit(min(freedom, 1e9), 0.975) * np.sqrt(total))
