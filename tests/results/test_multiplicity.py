"""Corrections for many comparisons, beside statsmodels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from results.multiplicity import benjamini_hochberg, holm, max_t

families = st.lists(st.floats(0, 1), min_size=1, max_size=30)


@given(families)
def test_holm_is_that_of_statsmodels(p: list[float]) -> None:
    assert holm(p) == pytest.approx(multipletests(p, method="holm")[1])


@given(families)
def test_benjamini_hochberg_is_that_of_statsmodels(p: list[float]) -> None:
    assert benjamini_hochberg(p) == pytest.approx(multipletests(p, method="fdr_bh")[1])


def test_max_t_of_independent_comparisons_is_that_of_sidak() -> None:
    p = [0.2, 0.001, 0.03, 0.9, 0.01]
    found = max_t(p, np.eye(5), np.random.default_rng(0))
    assert found == pytest.approx(multipletests(p, method="holm-sidak")[1], abs=0.015)


def test_max_t_of_one_comparison_told_five_times_is_its_p_value() -> None:
    found = max_t([0.04] * 5, np.ones((5, 5)), np.random.default_rng(0))
    assert found == pytest.approx([0.04] * 5, abs=0.006)


@given(families, st.integers(0, 5))
def test_max_t_lies_between_its_p_value_and_one_and_keeps_the_order(
    p: list[float], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    directions = rng.standard_normal((len(p), 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    found = max_t(p, directions @ directions.T, rng)
    assert (np.asarray(p) <= found).all()
    assert (found <= 1).all()
    assert (np.diff(found[np.argsort(p, kind="stable")]) >= 0).all()


def test_max_t_holds_the_family_wise_error() -> None:
    rng = np.random.default_rng(1)
    correlation = np.full((6, 6), 0.6) + 0.4 * np.eye(6)
    root = np.linalg.cholesky(correlation)
    from scipy.special import ndtr

    p = 2 * ndtr(-np.abs(rng.standard_normal((300, 6)) @ root.T))
    wrong = [(max_t(row, correlation, rng) < 0.05).any() for row in p]
    assert np.mean(wrong) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 300)
