"""The default test keeps its level: a quick part of the simulation in `benchmarks/level.py`."""

import numpy as np
import pytest

from benchmarks.level import GRID, SEEDS, family_wise, share_found, simulate

WORST = 0.07
"""Null differences found at 5% that are still borne, in every cell of the grid."""


@pytest.mark.slow
@pytest.mark.parametrize("dominates", GRID)
def test_the_default_test_keeps_its_level_with_three_seeds(dominates: str) -> None:
    repetitions = 120
    found, shares = share_found(dominates, 3, repetitions, better=False)
    chance = 3 * np.sqrt(WORST * (1 - WORST) / repetitions)
    assert found["default"].max() <= WORST + chance
    assert shares.sum() == pytest.approx(1)
    wanted = {"seeds": 0, "texts": 1, "interaction": 2}
    if dominates in wanted:
        assert shares.argmax() == wanted[dominates]
        assert shares.max() > 0.6


@pytest.mark.slow
def test_one_seed_finds_far_too_many_null_differences_where_seeds_dominate() -> None:
    found, _ = share_found("seeds", 3, 60, better=False)
    assert found["one seed, paired"].min() > 0.25


@pytest.mark.slow
def test_families_are_corrected() -> None:
    found = family_wise("equal", 5, 60)
    assert found["p_max_t"] <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 60)
    assert found["p_holm"] <= found["p_max_t"] + 1e-9 <= found["p"] + 1e-9


def test_two_losses_of_equal_gain_are_equally_good() -> None:
    rng = np.random.default_rng(0)
    shares = []
    for _ in range(20):
        gold, losses = simulate(rng, SEEDS[0], GRID["texts"], (0.0, 0.0, 1.0))
        shares.append([np.mean([gold == one for one in labels.values()]) for labels in losses])
    first, second, better = np.mean(shares, axis=0)
    assert first == pytest.approx(second, abs=0.01)
    assert better > first + 0.03
