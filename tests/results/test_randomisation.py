"""Second opinions on a difference, beside published and library values."""

import numpy as np
import pytest
from scipy import stats

from model.metrics import METRICS, statistics
from results.randomisation import (
    approximate_randomisation,
    sign_flip,
    superiority,
    two_level_bootstrap,
)

DARWIN = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]
"""Crossed less self-fertilised maize, in eighths of an inch (Darwin 1876)."""

FISHER = 1726 / 2**15
"""What Fisher found by going through all signs (The Design of Experiments, 1935, section 21)."""


def test_signs_flipped_are_fishers_worked_example() -> None:
    p, floor = sign_flip(np.array(DARWIN, dtype=np.float64))
    assert p == pytest.approx(FISHER)
    assert floor == 2.0**-14


def test_answers_exchanged_are_fishers_worked_example() -> None:
    """Each pair of plants is a text; what the taller is ahead by are labels found in addition."""
    labels = max(map(abs, DARWIN))
    gold = np.ones((len(DARWIN), labels), dtype=bool)
    heights = np.array(DARWIN)[:, None]
    a, b = (np.arange(labels) < np.maximum(sign * heights, 0) for sign in (1, -1))
    p = approximate_randomisation(gold, {0: a}, {0: b}, "acc", np.random.default_rng(0), 20_000)
    assert p == pytest.approx(FISHER, abs=3 * np.sqrt(FISHER * (1 - FISHER) / 20_000))


@pytest.mark.parametrize("metric", METRICS)
def test_answers_exchanged_are_scipys_permutations(metric: str) -> None:
    rng = np.random.default_rng(1)
    gold = rng.random((40, 3)) < [0.5, 0.4, 0.3]
    a, b = ((gold ^ (rng.random(gold.shape) < noise)) for noise in (0.15, 0.3))
    pairs = [statistics(gold, side) for side in (a, b)]

    def difference(first: np.ndarray, second: np.ndarray) -> float:
        chosen = np.where(first[:, None] == 1, pairs[0], pairs[1]).sum(axis=0)
        other = np.where(second[:, None] == 1, pairs[0], pairs[1]).sum(axis=0)
        return float(METRICS[metric](chosen) - METRICS[metric](other))

    found = stats.permutation_test(
        (np.ones(40), np.zeros(40)), difference, permutation_type="samples", n_resamples=2000,
        rng=np.random.default_rng(2),
    )  # fmt: skip
    ours = approximate_randomisation(gold, {3: a}, {3: b}, metric, rng, 4000)
    assert ours == pytest.approx(found.pvalue, abs=0.03)


def test_seeds_are_exchanged_together() -> None:
    """Two seeds that answer alike are no more evidence than one."""
    rng = np.random.default_rng(3)
    gold = rng.random((60, 2)) < 0.5
    a, b = ((gold ^ (rng.random(gold.shape) < noise)) for noise in (0.2, 0.3))
    one = approximate_randomisation(gold, {0: a}, {0: b}, "acc", np.random.default_rng(4), 2000)
    many = approximate_randomisation(
        gold, dict.fromkeys(range(5), a), dict.fromkeys(range(5), b), "acc",
        np.random.default_rng(4), 2000,
    )  # fmt: skip
    assert one == many


def test_systems_that_answer_alike() -> None:
    gold = np.eye(4, dtype=bool)
    same = {0: gold}
    assert approximate_randomisation(gold, same, same, "acc", np.random.default_rng(0), 99) == 1.0


def test_with_k_seeds_signs_cannot_go_below_their_floor() -> None:
    assert sign_flip(np.array([1.0, 2.0, 3.0])) == (0.25, 0.25)
    assert sign_flip(np.array([0.0, 0.0])) == (1.0, 0.5)
    assert sign_flip(np.ones(16)) == (None, None)


def test_resampled_seeds_spread_as_wide_as_the_standard_error() -> None:
    rng = np.random.default_rng(5)
    values = rng.standard_normal(8)
    resampled = np.repeat(values[:, None], 40_000, axis=1)  # no text matters
    shift = values.mean() - 1.645 * values.std(ddof=1) / np.sqrt(8)
    p = two_level_bootstrap(resampled - shift, rng)
    assert p == pytest.approx(0.10, abs=0.03)  # normal would be 0.10
    assert two_level_bootstrap(np.ones((3, 999)), rng) == 2 / 1000


def test_superiority_is_clopper_and_pearsons() -> None:
    differences = np.array([1.0, 2.0, -1.0, 3.0, 0.5])
    share, low, high = superiority(differences)
    expected = stats.binomtest(4, 5).proportion_ci(method="exact")
    assert (share, low, high) == pytest.approx((0.8, expected.low, expected.high))
    assert superiority(np.ones(3))[2] == 1.0
    assert superiority(np.array([0.0, 1.0]))[0] == 0.75
    assert superiority(-np.ones(3))[:2] == (0.0, 0.0)
