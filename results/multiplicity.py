"""p values of many comparisons, corrected for their number."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from model.metrics import Floats

DRAWS = 10_000
"""Draws of the joint null distribution in `max_t`."""


def holm(p: Sequence[float]) -> Floats:
    """Adjusted p values by Holm (1979): the family-wise error is held whatever hangs together."""
    values = np.asarray(p, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    steps = values[order] * np.arange(len(values), 0, -1)
    return _placed(np.minimum(np.maximum.accumulate(steps), 1.0), order)


def benjamini_hochberg(p: Sequence[float]) -> Floats:
    """Adjusted p values by Benjamini and Hochberg (1995): they hold the rate of false discoveries.

    Proven for independent tests and for such as are positively dependent.
    """
    values = np.asarray(p, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    steps = values[order] * len(values) / np.arange(1, len(values) + 1)
    from_the_last = np.minimum.accumulate(steps[::-1])[::-1]
    return _placed(np.minimum(from_the_last, 1.0), order)


def max_t(p: Sequence[float], correlation: Floats, rng: np.random.Generator) -> Floats:
    """Adjusted p values by step-down max-T (Westfall and Young 1993, Romano and Wolf 2005).

    Statistics that hang together are not counted twice, so this loses less than Holm. Each
    statistic is taken on the scale of its own p value, so that those with few seeds weigh no more;
    the joint null distribution is normal with the correlation of the estimates.

    Args:
        p: p values of J comparisons.
        correlation: of the estimated differences, `[J, J]`.
        rng: source of the draws.

    Returns:
        Adjusted p values `[J]`, none below its own p value nor below 1 / (`DRAWS` + 1).
    """
    from scipy.special import ndtr

    values = np.asarray(p, dtype=np.float64)
    # A matrix estimated from few seeds is singular: its root comes from its eigenvalues.
    spread, axes = np.linalg.eigh(correlation)
    root = axes * np.sqrt(np.maximum(spread, 0.0))
    null = 2 * ndtr(-np.abs(rng.standard_normal((DRAWS, len(values))) @ root.T))
    order = np.argsort(values, kind="stable")
    # At each step the smallest p value of those that are not decided yet.
    smallest = np.minimum.accumulate(null[:, order[::-1]], axis=1)[:, ::-1]
    reached = (smallest <= values[order]).sum(axis=0)
    steps = np.maximum.accumulate((reached + 1) / (DRAWS + 1))
    return np.maximum(_placed(steps, order), values)


def _placed(ordered: Floats, order: NDArray[np.intp]) -> Floats:
    """Values back in the places from which they were sorted."""
    placed = np.empty_like(ordered)
    placed[order] = ordered
    return placed
