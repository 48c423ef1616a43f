"""All that is said of one difference: its interval, its p values, and what it would take."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from results.inference import detectable, seeds_to_decide, texts_to_decide
from results.pairing import Estimate, Measurements, mean, paired
from results.randomisation import (
    approximate_randomisation,
    sign_flip,
    superiority,
    two_level_bootstrap,
)

ONE_SEED = "one shared seed: nothing is known of other seeds, so there is no test"
NO_SEED = "no seed is ok in both"
NO_VALUES = "one of them has no epoch chosen by this metric, or no predictions on dev to tune a threshold on"

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
        "reason": "",
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


def outlook(found: Estimate, texts: int) -> dict[str, float | int | None]:
    """Columns that say what could have been found, and what would decide this difference.

    Args:
        found: the difference.
        texts: m.
    """
    if found.parts is None or found.p is None:
        return {}
    row: dict[str, float | int | None] = {"detectable": detectable(found.parts)}
    if found.p < ALPHA or not found.value:
        return row
    return row | {
        "seeds_needed": seeds_to_decide(found.parts, found.value),
        "texts_needed": texts_to_decide(found.parts, found.value, texts),
    }


def randomised(
    gold: NDArray[np.bool_], a: Labels, b: Labels, metric: str, rng: np.random.Generator
) -> float:
    """P value of approximate randomisation over the seeds that both have."""
    shared = sorted(a.keys() & b.keys())
    of_a, of_b = ({seed: side[seed] for seed in shared} for side in (a, b))
    return approximate_randomisation(gold, of_a, of_b, metric, rng)
