"""Second opinions on a difference: approximate randomisation, sign flips, resampled seeds."""

from collections.abc import Mapping
from itertools import product

import numpy as np
from numpy.typing import NDArray

from model.metrics import METRICS, Floats, split_sums, statistics
from results.summing import Columns, Exchanged, Weighted

RANDOMISATIONS = 10_000
"""Exchanges of the two systems' answers in `approximate_randomisation`."""

_CHUNK = 500
"""Exchanges in one product: bounds memory at 500 * m float32."""

_MOST_FLIPS = 15
"""Seeds up to which every pattern of signs is gone through."""


def approximate_randomisation(
    gold: NDArray[np.bool_],
    a: Mapping[int, NDArray[np.bool_]],
    b: Mapping[int, NDArray[np.bool_]],
    metric: str,
    rng: np.random.Generator,
    exchanges: int = RANDOMISATIONS,
) -> float:
    """P value of the mean difference over seeds, if who answered what made no difference.

    Each exchange swaps the two systems' answers on texts chosen by a coin, the same texts in every
    seed, since answers of two seeds to one text are not independent (Noreen 1989; Yeh 2000). Says
    of *these* trained networks that they differ; other seeds are not in it.

    Args:
        gold: gold labels, `[m, C]`.
        a: labels predicted by A, by seed, `[m, C]` each.
        b: labels predicted by B, for the same seeds.
        metric: a name in `model.metrics.METRICS`.
        rng: source of the coins.
        exchanges: R.

    Returns:
        (c + 1) / (R + 1), c being the exchanges with a difference at least as large.
    """
    value = METRICS[metric].value
    of_a, of_b = (
        np.stack([statistics(gold, side[seed]) for seed in sorted(a)], axis=1) for side in (a, b)
    )  # [m, K, 3C + 2]
    sums_a, sums_b = split_sums(of_a.sum(axis=0)), split_sums(of_b.sum(axis=0))
    columns = Columns(of_b - of_a)
    observed = abs(float((value(sums_a) - value(sums_b)).mean()))
    reached = 0
    for start in range(0, exchanges, _CHUNK):
        tossed = (min(_CHUNK, exchanges - start), len(gold))
        coins = rng.integers(0, 2, tossed, dtype=np.uint8)
        moved = Weighted(coins.astype(np.float32), columns)
        swapped = value(Exchanged(sums_a, moved, 1.0)) - value(Exchanged(sums_b, moved, -1.0))
        # Equal but for rounding counts.
        reached += int((np.abs(swapped.mean(axis=-1)) >= observed - 1e-7).sum())
    return (reached + 1) / (exchanges + 1)


def sign_flip(differences: Floats) -> tuple[float | None, float | None]:
    """Exact p value of a mean over seeds, if each difference had either sign, and its floor.

    Args:
        differences: of each seed, `[K]`; with more than 15 seeds nothing is gone through.

    Returns:
        The share of the 2^K patterns of signs whose mean is at least as far from 0, and the
        smallest that this can be, 2^(1-K); both None beyond 15 seeds.
    """
    seeds = len(differences)
    if seeds > _MOST_FLIPS:
        return None, None
    signs = np.array(list(product((1.0, -1.0), repeat=seeds)))
    means = np.abs(signs @ differences)
    reached = means >= means[0] * (1 - 1e-12)
    return float(reached.mean()), float(2.0 ** (1 - seeds))


def two_level_bootstrap(resampled: Floats, rng: np.random.Generator) -> float:
    """P value of a mean difference, resampling seeds as well as texts.

    Resampled seeds vary too little by a factor of (K - 1) / K, which is made good; that they have
    no tails beyond the K values is not, so with few seeds this p value is too small.

    Args:
        resampled: differences of each seed on resamples of the texts, `[K, R]`.
        rng: source of the seeds drawn.

    Returns:
        min(1, 2 (min(c-, c+) + 1) / (R + 1)), c- and c+ being the resamples on either side of 0.
    """
    seeds, number = resampled.shape
    mean = resampled.mean(axis=0)
    drawn = rng.multinomial(seeds, np.full(seeds, 1 / seeds), size=number).T / seeds  # [K, R]
    moved = (drawn * resampled).sum(axis=0) - mean
    values = mean + np.sqrt(seeds / (seeds - 1)) * moved
    tail = min(int((values <= 0).sum()), int((values >= 0).sum()))
    return float(min(1.0, 2 * (tail + 1) / (number + 1)))


def superiority(differences: Floats) -> tuple[float, float, float]:
    """Share of seeds in which A is better, ties counting half, with an exact 95% interval.

    The interval is Clopper and Pearson's (1934), at the share rounded down and up where ties make
    half a seed.

    Args:
        differences: A - B of each seed, `[K]`.
    """
    from scipy.special import betaincinv

    seeds = len(differences)
    better = float((differences > 0).sum() + 0.5 * (differences == 0).sum())
    least, most = np.floor(better), np.ceil(better)
    low = betaincinv(least, seeds - least + 1, 0.025) if least else 0.0
    high = betaincinv(most + 1, seeds - most, 0.975) if most < seeds else 1.0
    return better / seeds, float(low), float(high)
