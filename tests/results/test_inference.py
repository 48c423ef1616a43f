"""Means over seeds, their intervals over texts and seeds, and what would decide a comparison."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from model.metrics import METRICS, Floats, class_f1, split_sums, statistics
from results.bootstrap import draw, resampled_metrics
from results.inference import (
    POWER,
    Parts,
    parts_of,
    seeds_to_decide,
    texts_to_decide,
)

variances = st.floats(1e-8, 1e-2)


@pytest.mark.parametrize("seeds", [2, 3, 5, 10, 30])
@pytest.mark.parametrize("value", [0.001, 0.02, 0.1, 0.6])
def test_seeds_alone_are_student(seeds: int, value: float) -> None:
    parts = Parts(seeds, 0.02**2, 0.0, 0.0)
    expected = 2 * stats.t.sf(value / 0.02, seeds - 1)
    assert parts.p(value) == pytest.approx(expected, rel=1e-5)
    assert parts.half_width == pytest.approx(0.02 * stats.t.ppf(0.975, seeds - 1), rel=1e-5)


def test_texts_alone_are_normal() -> None:
    parts = Parts(3, 0.0, 0.02**2, 0.0)
    assert parts.p(0.03) == pytest.approx(2 * stats.norm.sf(1.5))
    assert parts.half_width == pytest.approx(0.02 * stats.norm.ppf(0.975))


def test_the_sum_of_both_is_what_a_simulation_of_it_says() -> None:
    rng = np.random.default_rng(0)
    drawn = 0.02 * rng.standard_t(4, 400_000) + 0.03 * rng.standard_normal(400_000)
    parts = Parts(5, 0.02**2, 0.03**2, 0.0)
    for value in (0.02, 0.08):
        assert parts.p(value) == pytest.approx((np.abs(drawn) > value).mean(), abs=0.003)


@given(variances, variances, st.floats(0, 1), st.integers(2, 20), st.floats(0, 0.5))
def test_an_interval_holds_what_is_not_rejected(
    over_seeds: float, over_texts: float, share: float, seeds: int, value: float
) -> None:
    parts = Parts(seeds, over_seeds, over_texts, share * min(over_seeds, over_texts))
    assert 0 <= parts.p(value) <= 1
    if abs(value - parts.half_width) > 1e-6:
        assert (parts.p(value) < 0.05) == (value > parts.half_width)
    # No narrower than over texts alone, nor than seeds of which each reacts to the texts alike.
    assert parts.half_width >= stats.norm.ppf(0.975) * np.sqrt(over_texts) * (1 - 1e-6)
    assert parts.at().total == pytest.approx(parts.total)


def test_nothing_that_varies() -> None:
    parts = Parts(3, 0.0, 0.0, 0.0)
    assert (parts.p(0.0), parts.p(0.1), parts.half_width) == (1.0, 0.0, 0.0)
    assert (parts.detectable(), seeds_to_decide(parts, 0.1)) == (0.0, 2)


def two_way(
    rng: np.random.Generator, seeds: int, texts: int, spreads: tuple[float, float, float]
) -> tuple[Floats, Floats]:
    """A value for each seed and text with effects of these standard deviations, and resamples."""
    of_seed, of_text, own = spreads
    values = (
        of_seed * rng.standard_normal((seeds, 1))
        + of_text * rng.standard_normal((1, texts))
        + own * rng.standard_normal((seeds, texts))
    )
    counts = rng.multinomial(texts, np.full(texts, 1 / texts), size=400)
    return values.mean(axis=1), values @ counts.T / texts


def test_the_parts_are_those_of_the_model() -> None:
    """Means over many simulated runs are near the variances they were simulated with."""
    rng = np.random.default_rng(1)
    seeds, texts = 4, 200
    found = [parts_of(*two_way(rng, seeds, texts, (0.05, 0.6, 0.9))) for _ in range(150)]
    interaction = 0.9**2 / seeds / texts
    assert np.mean([one.interaction for one in found]) == pytest.approx(interaction, rel=0.05)
    assert np.mean([one.over_texts for one in found]) == pytest.approx(
        0.6**2 / texts + interaction, rel=0.05
    )
    assert np.mean([one.over_seeds for one in found]) == pytest.approx(
        0.05**2 / seeds + interaction, rel=0.2
    )


@pytest.mark.parametrize("metric", METRICS)
def test_the_variance_over_texts_is_that_of_the_delta_method(metric: str) -> None:
    """The bootstrap's standard error beside that from influence functions, in closed form."""
    rng = np.random.default_rng(2)
    gold = rng.random((1500, 5)) < [0.4, 0.3, 0.3, 0.2, 0.1]
    predicted = gold ^ (rng.random(gold.shape) < 0.2)
    resamples = draw(gold, rng, 4000)
    by_bootstrap = resampled_metrics(resamples, predicted[None], [metric])[metric].std(ddof=1)
    of_texts = statistics(gold, predicted)
    sums = of_texts.sum(axis=0)
    both, of_arm, of_gold = (of_texts[:, at : at + 5] for at in (0, 5, 10))
    value, either = float(METRICS[metric](sums)), of_arm + of_gold
    if metric == "acc":
        influence = of_texts[:, -2] - value
    elif metric == "micro_f1":
        either = either.sum(axis=1)
        influence = (2 * both.sum(axis=1) - value * either) / either.mean()
    else:
        f1 = class_f1(split_sums(sums))
        influence = ((2 * both - f1 * either) / either.mean(axis=0)).mean(axis=1)
    assert by_bootstrap == pytest.approx(influence.std(ddof=1) / np.sqrt(len(gold)), rel=0.05)


def test_what_would_decide() -> None:
    parts = Parts(5, 4e-5, 3e-5, 1e-5)
    least = parts.detectable()
    assert parts.power(least) == pytest.approx(POWER)
    assert parts.power(0.9 * least) < POWER
    seeds = seeds_to_decide(parts, 0.018)
    assert seeds is not None
    assert parts.at(seeds).power(0.018) >= POWER > parts.at(seeds - 1).power(0.018)
    texts = texts_to_decide(parts, 0.022, 1000)
    assert texts is not None
    assert texts > 1000
    assert parts.at(texts=texts / 1000).power(0.022) == pytest.approx(POWER, abs=1e-3)


def test_what_nothing_would_decide() -> None:
    assert seeds_to_decide(Parts(5, 1e-6, 1e-3, 0.0), 0.02) is None  # too few texts
    assert texts_to_decide(Parts(5, 1e-3, 1e-6, 0.0), 0.02, 1000) is None  # too few seeds


def test_the_power_that_is_promised_is_there() -> None:
    rng = np.random.default_rng(3)
    spread = (0.02, 0.1, 0.1)
    interaction = 0.01 / 5 / 100
    expected = Parts(5, 0.02**2 / 5 + interaction, 0.01 / 100 + interaction, interaction)
    shift = expected.detectable()
    found = []
    for _ in range(300):
        values, resampled = two_way(rng, 5, 100, spread)
        found.append(parts_of(values, resampled).p(float(values.mean()) + shift) < 0.05)
    assert np.mean(found) == pytest.approx(POWER, abs=0.09)
