"""All that is said of one difference: its interval, its p values, and what it would take."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from results.inference import Parts, seeds_to_decide, texts_to_decide
from results.pairing import Estimate, Measurements, mean, paired
from results.randomisation import (
    approximate_randomisation,
    sign_flip,
    superiority,
    two_level_bootstrap,
)

ONE_SEED = "one shared seed tells nothing of others"
NO_SEED = "no seed is ok in both"
NO_VALUES = "one of them has no epoch chosen by this metric, or no threshold tuned on dev"

NOTHING_VARIES = "neither seeds nor texts vary it"

ALPHA = 0.05
"""Level below which a p value decides."""

Labels = Mapping[int, NDArray[np.bool_]]
"""Predicted labels by seed, `[m, C]`."""


def difference_row(a: Measurements, b: Measurements) -> tuple[dict[str, Any], Estimate | None]:
    """What two cells differ by: the columns of `COMPARISONS` that every pair has.

    Args:
        a: a metric of cell A by seed.
        b: the same of cell B, on the same resamples.

    Returns:
        The columns, and the difference itself; None where no seed is shared.
    """
    found = paired(a, b)
    if found is None:
        return {"seeds": 0, "reason": NO_SEED if a and b else NO_VALUES}, None
    low, high = found.interval
    row: dict[str, Any] = {
        "value_a": mean({seed: a[seed] for seed in found.seeds}).value,
        "value_b": mean({seed: b[seed] for seed in found.seeds}).value,
        "difference": found.value,
        "lo": low,
        "hi": high,
        "seeds": len(found.seeds),
        "seed_sd": found.seed_sd,
        "p": found.p,
    }
    if found.parts is None:
        return row | {"uncertainty": "examples", "reason": ONE_SEED}, found
    parts = found.parts
    return row | {
        "uncertainty": "examples and seeds",
        "se": float(np.sqrt(parts.total)),
        "var_seeds": parts.seeds_alone,
        "var_texts": parts.texts_alone,
        "var_interaction": parts.interaction,
        "reason": "" if found.p is not None else NOTHING_VARIES,
    }, found


def second_opinions(found: Estimate, rng: np.random.Generator) -> dict[str, float | None]:
    """Columns of other tests of a difference, and how many seeds it holds in."""
    share, low, high = superiority(found.values)
    row: dict[str, float | None] = {
        "superiority": share,
        "superiority_lo": low,
        "superiority_hi": high,
    }
    if found.parts is None:
        return row
    p, floor = sign_flip(found.values)
    return row | {
        "p_bootstrap": two_level_bootstrap(found.resampled, rng),
        "p_sign_flip": p,
        "sign_flip_floor": floor,
    }


def outlook(
    parts: Parts, difference: float, texts: int, decided: bool, comparisons: int = 1
) -> dict[str, float | int | None]:
    """Columns that say what could have been found, and what would decide this difference.

    Args:
        parts: where the variance of the difference comes from.
        difference: its size.
        texts: m.
        decided: whether it was found.
        comparisons: in its family, for which the level is divided (Bonferroni).
    """
    level = 1 - ALPHA / comparisons
    row: dict[str, float | int | None] = {"detectable": parts.detectable(level)}
    if decided or not difference:
        return row
    return row | {
        "seeds_needed": seeds_to_decide(parts, difference, level),
        "texts_needed": texts_to_decide(parts, difference, texts, level),
    }


def randomised(
    gold: NDArray[np.bool_], a: Labels, b: Labels, metric: str, rng: np.random.Generator
) -> float:
    """P value of approximate randomisation over the seeds that both have."""
    shared = sorted(a.keys() & b.keys())
    of_a, of_b = ({seed: side[seed] for seed in shared} for side in (a, b))
    return approximate_randomisation(gold, of_a, of_b, metric, rng)
