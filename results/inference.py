"""A mean over seeds, and how far other texts and other seeds would move it.

The value of a metric for seed k on m texts is taken as

    mean + seed_k + text + (seed x text)_k,

in variances: one of a seed, one of the choice of texts that all seeds share, and one of their
interaction, which is a seed's own reaction to a text. A mean over K seeds then has the variance

    V = V_seeds + V_texts - V_interaction,

where V_seeds is the variance of the K values over K, V_texts that of the mean over resamples of the
texts, and V_interaction what both contain. V_seeds is known from K values only, so that part
follows Student's t with K - 1 degrees of freedom, and the rest a normal distribution: the mean's
distribution is that of the sum of the two (Behrens and Fisher; Tsui and Weerahandi, Journal of the
American Statistical Association 84, 1989). Satterthwaite's t for the whole sum calls too many null
differences significant with three seeds, and resampled seeds do so with five
(`benchmarks/level.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np

from model.metrics import Floats

LEVEL = 0.95
"""Coverage of an interval."""

POWER = 0.8
"""Chance of finding a difference that there is, in what a comparison says it would take."""

MOST_SEEDS = 1000
"""Seeds beyond which none are asked for."""

_NORMAL = 200
"""Degrees of freedom from which on Student's t is taken as normal."""

_STEPS = 30
"""Halvings of a range in which a number is searched: it is known to nine digits."""


@dataclass(frozen=True)
class Parts:
    """Where the variance of a mean over seeds comes from.

    Attributes:
        seeds: K, 2 or more.
        over_seeds: V_seeds, variance over seeds of one seed's value, over K.
        over_texts: V_texts, variance of the mean over other texts; holds the interaction too.
        interaction: V_interaction, the part of both that seeds and texts have together.
    """

    seeds: int
    over_seeds: float
    over_texts: float
    interaction: float

    @property
    def seeds_alone(self) -> float:
        """Variance over seeds that all texts share: not less than 0."""
        return max(self.over_seeds - self.interaction, 0.0)

    @property
    def texts_alone(self) -> float:
        """Variance over texts that all seeds share: not less than 0."""
        return max(self.over_texts - self.interaction, 0.0)

    @property
    def total(self) -> float:
        """V, the sum of these two and of the interaction."""
        return self.seeds_alone + self.texts_alone + self.interaction

    def p(self, value: float) -> float:
        """Two-sided p value of a mean, where there is none: how often it would be as far from 0.

        Never below that over texts alone: with few seeds, V_seeds may be small by chance.
        """
        both = _beyond(abs(value), self.over_seeds, self.texts_alone, self.seeds)
        return max(both, _beyond(abs(value), 0.0, self.over_texts, self.seeds))

    @cached_property
    def half_width(self) -> float:
        """Half the width of the interval of values from which the mean is not found different."""
        return self.half_width_at(LEVEL)

    def half_width_at(self, level: float) -> float:
        """The same for an interval of another coverage."""
        low, high = 0.0, float(np.sqrt(self.total))
        while high and self.p(high) > 1 - level:
            low, high = high, 2 * high
        for _ in range(_STEPS):
            middle = (low + high) / 2
            low, high = (middle, high) if self.p(middle) > 1 - level else (low, middle)
        return high

    def power(self, difference: float, level: float = LEVEL) -> float:
        """Chance that a difference of this size is found at this number of seeds and texts.

        By the noncentral t with the degrees of freedom that Satterthwaite (1946) gives V; the far
        tail is left out, and the interval taken as wide as it is here.

        Args:
            difference: its size.
            level: coverage of the interval that must not hold 0.
        """
        return self._power(difference, self.half_width_at(level))

    def detectable(self, level: float = LEVEL) -> float:
        """The smallest difference that is found with a chance of `POWER`."""
        wide = self.half_width_at(level)
        low, high = 0.0, float(np.sqrt(self.total))
        while high and self._power(high, wide) < POWER:
            low, high = high, 2 * high
        for _ in range(_STEPS):
            middle = (low + high) / 2
            low, high = (middle, high) if self._power(middle, wide) < POWER else (low, middle)
        return high

    def _power(self, difference: float, wide: float) -> float:
        """Chance that a difference is found beyond half a width."""
        from scipy.special import nctdtr, ndtr

        if not self.total:
            return 1.0 if difference else 0.0
        deviation = np.sqrt(self.total)
        shift, width = abs(difference) / deviation, wide / deviation
        freedom = self.freedom
        if freedom > _NORMAL:
            return float(ndtr(shift - width))
        return float(1 - nctdtr(freedom, shift, width))

    @property
    def freedom(self) -> float:
        """Degrees of freedom of V, as of a sum; infinite where seeds add nothing."""
        if not self.over_seeds:
            return np.inf
        return max(self.seeds - 1, (self.seeds - 1) * (self.total / self.over_seeds) ** 2)

    def at(self, seeds: int | None = None, texts: float = 1.0) -> "Parts":
        """The parts to be expected with other seeds, or with that many times the texts."""
        seeds = seeds or self.seeds
        fewer = self.seeds / seeds
        # V_seeds holds the interaction, which more texts make smaller.
        own = self.seeds_alone * fewer
        shared = self.interaction * fewer / texts
        return Parts(seeds, own + shared, self.texts_alone / texts + shared, shared)


def parts_of(values: Floats, resampled: Floats) -> Parts:
    """Where the variance of the mean over seeds comes from.

    Args:
        values: of each seed, on the texts, `[K]`, K at least 2.
        resampled: of each seed on resamples that all seeds share, `[K, R]`.
    """
    seeds = len(values)
    mean = resampled.mean(axis=0)
    apart = resampled - mean
    each = apart.var(axis=1, ddof=1).sum() / (seeds - 1)  # of one seed, without what all share
    return Parts(
        seeds,
        float(np.var(values, ddof=1)) / seeds,
        float(mean.var(ddof=1)),
        float(each) / seeds,
    )


def half_widths(parts: Sequence[Parts]) -> Floats:
    """`Parts.half_width` of many means over as many seeds, `[N]`, in the time that two take."""
    from scipy.special import ndtr, ndtri, stdtrit

    seeds = parts[0].seeds
    over_seeds, alone, over_texts = np.array(
        [(one.over_seeds, one.texts_alone, one.over_texts) for one in parts]
    ).T
    scale, weight = _mixture(seeds - 1)
    deviation = np.sqrt(over_seeds[:, None] * scale + alone[:, None])
    deviation[deviation == 0] = np.finfo(float).tiny
    tail = (1 - LEVEL) / 2
    low, high = np.zeros(len(parts)), stdtrit(seeds - 1, 1 - tail) * np.sqrt(over_seeds + alone)
    for _ in range(_STEPS):
        middle = (low + high) / 2
        inside = ndtr(-middle[:, None] / deviation) @ weight > tail
        low, high = np.where(inside, middle, low), np.where(inside, high, middle)
    widths: Floats = np.maximum(high, ndtri(1 - tail) * np.sqrt(over_texts))
    return widths


def seeds_to_decide(parts: Parts, difference: float, level: float = LEVEL) -> int | None:
    """Seeds with which such a difference is found with a chance of `POWER`, on as many texts.

    Args:
        parts: where its variance comes from.
        difference: its size.
        level: coverage of the interval that must not hold 0.

    Returns:
        None if `MOST_SEEDS` do not suffice: the texts are too few.
    """
    if parts.at(MOST_SEEDS).power(difference, level) < POWER:
        return None
    low, high = 1, MOST_SEEDS
    while high - low > 1:
        middle = (low + high) // 2
        found = parts.at(middle).power(difference, level) >= POWER
        low, high = (low, middle) if found else (middle, high)
    return high


def texts_to_decide(
    parts: Parts, difference: float, texts: int, level: float = LEVEL
) -> int | None:
    """Texts with which such a difference is found with a chance of `POWER`, with as many seeds.

    Args:
        parts: where its variance comes from.
        difference: its size.
        texts: m.
        level: coverage of the interval that must not hold 0.

    Returns:
        None if a thousand times as many do not suffice: the seeds are too few.
    """
    if parts.at(texts=1000).power(difference, level) < POWER:
        return None
    low, high = 0.0, 1000.0
    while (high - low) * texts > 1:
        middle = (low + high) / 2
        found = parts.at(texts=middle).power(difference, level) >= POWER
        low, high = (low, middle) if found else (middle, high)
    return round(high * texts)


def _beyond(distance: float, over_seeds: float, over_texts: float, seeds: int) -> float:
    """Chance that T * sqrt(over_seeds) + Z * sqrt(over_texts) is as far from 0.

    T is Student's with K - 1 degrees of freedom, that is a normal value over the root of W / (K-1)
    with W from chi-squared: given W, the sum is normal, and the chance is a mean over W.
    """
    from scipy.special import ndtr

    if not over_seeds and not over_texts:
        return float(distance == 0)
    if not over_seeds:
        return float(2 * ndtr(-distance / np.sqrt(over_texts)))
    scale, weight = _mixture(seeds - 1)
    deviation = np.sqrt(over_seeds * scale + over_texts)
    return min(1.0, float(2 * (weight * ndtr(-distance / deviation)).sum()))


@cache
def _mixture(freedom: int) -> tuple[Floats, Floats]:
    """Values of nu / W, W from chi-squared with nu degrees of freedom, and their weights.

    A trapezoidal rule over log W: a chance follows to a millionth of itself, tails of t included.
    """
    from scipy.special import gammaln

    half = freedom / 2
    logs = np.linspace(np.log(half) - 60 / half - 4, np.log(half + 40 + 4 * np.sqrt(half)) + 1, 200)
    weight = np.exp(half * logs - np.exp(logs) - gammaln(half))  # of W / 2
    weight *= logs[1] - logs[0]
    kept = weight > 1e-18
    return half / np.exp(logs[kept]), weight[kept] / weight.sum()
