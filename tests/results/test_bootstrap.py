"""Intervals against other programs, against theory, and resamples against their definition."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from sklearn.metrics import f1_score, jaccard_score

from model.metrics import METRICS, statistics
from results.bootstrap import draw, percentile_interval, resampled_metrics

Labels = NDArray[np.bool_]


def labelled(m: int, classes: int, seed: int) -> tuple[Labels, Labels]:
    rng = np.random.default_rng(seed)
    rates = np.linspace(0.05, 0.5, classes)
    gold = rng.random((m, classes)) < rates
    flipped = rng.random((m, classes)) < 0.25
    return gold, gold ^ flipped


def test_counts_are_resamples_of_the_original_size() -> None:
    gold, _ = labelled(200, 3, seed=0)
    counts = draw(gold, np.random.default_rng(0), 400).counts
    assert counts.shape == (400, 200)
    assert (counts.sum(axis=1, dtype=int) == 200).all()
    # Multinomial: each count is Binomial(m, 1/m), variance 1 - 1/m.
    assert counts.var() == pytest.approx(1 - 1 / 200, abs=0.03)
    assert counts.mean(axis=0).std() == pytest.approx(np.sqrt(1 / 400), rel=0.3)


def test_draws_are_decided_by_the_generator() -> None:
    gold, _ = labelled(50, 3, seed=0)
    first, again, other = (draw(gold, np.random.default_rng(s), 20).counts for s in (0, 0, 1))
    assert (first == again).all()
    assert (first != other).any()


def test_metrics_from_counts_equal_scikit_learn_on_the_resampled_rows() -> None:
    gold, one = labelled(120, 5, seed=1)
    _, two = labelled(120, 5, seed=2)
    gold[:, 4] = one[:, 4] = two[:, 4] = False  # a class neither gold nor predicted
    gold[:7] = one[:7] = False  # texts without labels, for which nothing is predicted
    resamples = draw(gold, np.random.default_rng(3), 25)
    values = resampled_metrics(resamples, np.stack([one, two]))
    for arm, predicted in enumerate((one, two)):
        for number, counts in enumerate(resamples.counts):
            rows = np.repeat(np.arange(120), counts)
            y, o = gold[rows], predicted[rows]
            expected = {
                "acc": jaccard_score(y, o, average="samples", zero_division=1),
                "macro_f1": f1_score(y, o, average="macro", zero_division=0),
                "micro_f1": f1_score(y, o, average="micro", zero_division=0),
            }
            for name, value in expected.items():
                assert values[name][arm, number] == pytest.approx(value, abs=1e-6), name


def test_chunks_of_resamples_do_not_change_the_values(monkeypatch: pytest.MonkeyPatch) -> None:
    gold, predicted = labelled(40, 3, seed=1)
    resamples = draw(gold, np.random.default_rng(0), 101)
    whole = resampled_metrics(resamples, predicted[None])
    monkeypatch.setattr("results.bootstrap._CHUNK", 7)
    for name, values in resampled_metrics(resamples, predicted[None]).items():
        np.testing.assert_allclose(values, whole[name], atol=1e-6)


@pytest.mark.parametrize("metric", sorted(METRICS))
def test_interval_agrees_with_scipy(metric: str) -> None:
    gold, predicted = labelled(300, 4, seed=4)
    per_text = statistics(gold, predicted)
    theirs = stats.bootstrap(
        (np.arange(300),),
        lambda rows, axis: METRICS[metric](per_text[rows].sum(axis=-2)),
        n_resamples=4000,
        batch=500,
        method="percentile",
        rng=np.random.default_rng(5),
    )
    resamples = draw(gold, np.random.default_rng(6), 4000)
    values = resampled_metrics(resamples, predicted[None], [metric])[metric]
    low, high = percentile_interval(values[0])
    # The 2.5% quantile of R normal draws has standard error 2.67 SD / sqrt(R); two programs, 4 SE.
    margin = 4 * np.sqrt(2) * 2.67 * values.std() / np.sqrt(4000)
    assert low == pytest.approx(theirs.confidence_interval.low, abs=margin)
    assert high == pytest.approx(theirs.confidence_interval.high, abs=margin)


def test_spread_agrees_with_influence_functions() -> None:
    gold, predicted = labelled(1500, 6, seed=7)
    both = (gold & predicted).astype(float)
    sizes = gold.astype(float) + predicted
    f1 = 2 * both.sum(axis=0) / sizes.sum(axis=0)
    micro = 2 * both.sum() / sizes.sum()
    influence = {
        "acc": statistics(gold, predicted)[:, -2],
        "micro_f1": (2 * both.sum(1) - micro * sizes.sum(1)) / sizes.sum(1).mean(),
        "macro_f1": ((2 * both - f1 * sizes) / sizes.mean(axis=0)).mean(axis=1),
    }
    resamples = draw(gold, np.random.default_rng(8), 4000)
    values = resampled_metrics(resamples, predicted[None])
    for name, terms in influence.items():
        # The SD of R draws has relative standard error 1 / sqrt(2R) = 1.1%.
        assert values[name].std() == pytest.approx(terms.std() / np.sqrt(1500), rel=0.05), name


def test_pairing_tightens_a_difference_of_two_like_arms() -> None:
    gold, one = labelled(400, 4, seed=9)
    two = one.copy()
    two[:20] = gold[:20]
    resamples = draw(gold, np.random.default_rng(0), 2000)
    a, b = resampled_metrics(resamples, np.stack([two, one]))["acc"]
    low, high = percentile_interval(a - b)
    alone_low, alone_high = percentile_interval(a)
    assert 0 < low < high
    assert high - low < 0.5 * (alone_high - alone_low)
