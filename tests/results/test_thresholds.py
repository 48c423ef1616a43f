"""Thresholds against brute force and scikit-learn; nothing that is scored may choose one."""

from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from sklearn.metrics import f1_score, precision_recall_curve

from model.metrics import METRICS, Floats, Metric, Sums, quotient, statistics
from results.frames import open_run
from results.predicted import Predicted, scored_texts
from results.thresholds import THRESHOLDS, Tuning

RULES = ("own", "acc", "macro_f1", "micro_f1")
HALVES = tuple(f"{rule}/{half}" for rule in RULES for half in "ab")
Gold = NDArray[np.bool_]
Logits = NDArray[np.float32]


def sample(m: int, classes: int, seed: int) -> tuple[Logits, Gold]:
    rng = np.random.default_rng(seed)
    gold = rng.random((m, classes)) < np.linspace(0.1, 0.5, classes)
    noise = rng.standard_normal((m, classes))
    return (1.5 * gold - 1 + noise).round(1).astype(np.float32), gold  # rounded, so that some tie


def value(metric: Metric, logits: Logits, gold: Gold, thresholds: float | Floats) -> float:
    predicted = logits.astype(np.float64) >= thresholds
    return float(metric(statistics(gold, predicted).sum(axis=0)))


def _specificity(sums: Sums) -> Floats:
    negatives = sums.texts[..., None] - sums.gold
    wrong = sums.predicted - sums.both
    value: Floats = quotient(negatives - wrong, negatives, empty=1.0).mean(axis=-1)
    return value * sums.jaccard


MINE = Metric("mine", "Mine", _specificity)
EVERY = [*METRICS.values(), MINE]


@pytest.mark.parametrize("metric", EVERY, ids=lambda metric: metric.name)
@pytest.mark.parametrize("seed", range(5))
def test_one_threshold_is_the_best_of_all(metric: Metric, seed: int) -> None:
    logits, gold = sample(50, 3, seed)
    every = [*np.unique(logits), np.inf]
    best = max(value(metric, logits, gold, each) for each in every)
    found = Tuning(logits, gold).tuned(metric)
    assert value(metric, logits, gold, found) == pytest.approx(best)


@pytest.mark.parametrize("seed", range(5))
def test_thresholds_of_labels_are_the_best_of_all_where_labels_do_not_interact(seed: int) -> None:
    logits, gold = sample(60, 4, seed)
    found = Tuning(logits, gold).per_label(METRICS["macro_f1"])
    best = []
    for label in range(4):
        precision, recall, _ = precision_recall_curve(gold[:, label], logits[:, label])
        best.append(np.max(2 * precision * recall / np.maximum(precision + recall, 1e-9)))
    by_label = f1_score(gold, logits.astype(float) >= found, average=None)
    np.testing.assert_allclose(by_label, best)


@pytest.mark.parametrize("metric", EVERY, ids=lambda metric: metric.name)
@pytest.mark.parametrize("seed", range(3))
def test_no_other_threshold_of_one_label_is_better(metric: Metric, seed: int) -> None:
    logits, gold = sample(50, 3, seed)
    tuning = Tuning(logits, gold)
    found = tuning.per_label(metric)
    reached = value(metric, logits, gold, found)
    assert reached >= value(metric, logits, gold, tuning.tuned(metric)) - 1e-9
    for label in range(3):
        for each in [*np.unique(logits[:, label]), np.inf]:
            other = found.copy()
            other[label] = each
            assert value(metric, logits, gold, other) <= reached + 1e-9


def test_ascent_finds_nearly_the_best_set() -> None:
    short = 0.0
    for seed in range(10):
        logits, gold = sample(14, 2, seed)
        every = product(*([*np.unique(column), np.inf] for column in logits.T))
        best = max(value(METRICS["micro_f1"], logits, gold, np.array(each)) for each in every)
        tuning = Tuning(logits, gold)
        found = value(METRICS["micro_f1"], logits, gold, tuning.per_label(METRICS["micro_f1"]))
        short = max(short, best - found)
    assert short < 0.03


@pytest.mark.parametrize("metric", EVERY, ids=lambda metric: metric.name)
def test_of_equals_the_nearest_to_one_half_is_taken(metric: Metric) -> None:
    gold = np.array([[1, 0], [0, 0], [1, 0]], dtype=bool)
    logits = np.array([[3, -2], [-1, -1], [2, -3]], np.float32)
    tuning = Tuning(logits, gold)
    assert tuning.tuned(metric) == 0.0
    assert tuning.per_label(metric).tolist() == [0.0, 0.0]
    shifted = Tuning(logits + 10, gold)
    assert shifted.tuned(metric) == pytest.approx(10.5)  # between 12 and 9
    assert shifted.per_label(METRICS["macro_f1"]).tolist() == [10.5, 0.0]  # no gold: as at 0.5


@given(
    data=st.integers(1, 12).flatmap(
        lambda m: st.tuples(
            arrays(np.float32, (m, 2), elements=st.floats(-(2.0**100), 2.0**100, width=32)),
            arrays(np.bool_, (m, 2)),
        )
    )
)
@settings(max_examples=60, deadline=None)
def test_tuning_never_does_worse_than_one_half(data: tuple[Logits, Gold]) -> None:
    logits, gold = data
    tuning = Tuning(logits, gold)
    for metric in METRICS.values():
        half = value(metric, logits, gold, 0.0)
        one = value(metric, logits, gold, tuning.tuned(metric))
        each = value(metric, logits, gold, tuning.per_label(metric))
        assert half - 1e-9 <= one <= each + 1e-9
        assert np.isfinite(tuning.per_label(metric)).all()


def test_many_gold_labels_cost_little() -> None:
    rng = np.random.default_rng(0)
    gold = rng.random((3000, 2)) < 0.5
    logits = (2 * gold - 1 + rng.standard_normal((3000, 2))).astype(np.float32)
    tuning = Tuning(logits, gold)
    best = max(value(METRICS["acc"], logits, gold, each) for each in np.linspace(-3, 3, 601))
    found = value(METRICS["acc"], logits, gold, tuning.tuned(METRICS["acc"]))
    assert found == pytest.approx(best, abs=2e-3)
    assert tuning._for_all_labels[0].size <= 102
    assert tuning._by_label[0].shape[1] <= 52


def labels_of(run: Path, threshold: str) -> NDArray[np.bool_]:
    opened = open_run(run)
    predicted = Predicted(opened, scored_texts(opened), {"k"})
    found = predicted(("k", "k"), "macro_f1", threshold)
    assert found is not None
    return found


@pytest.mark.parametrize("threshold", THRESHOLDS[1:])
def test_a_threshold_of_dev_labels_test(
    tmp_path: Path, toy: Callable[..., Any], record: Callable[..., str], threshold: str
) -> None:
    gold = toy(tmp_path, m=100).astype(bool)  # of dev and of test alike
    on_dev, on_test = (
        (1.5 * gold - 2 + np.random.default_rng(seed).standard_normal(gold.shape)).astype("f4")
        for seed in (1, 2)
    )
    record(tmp_path, "k", {("dev", RULES): on_dev, ("test", RULES): on_test})
    tuning, metric = Tuning(on_dev, gold), METRICS["macro_f1"]
    cut = tuning.tuned(metric) if threshold == "tuned" else tuning.per_label(metric)
    assert np.array_equal(labels_of(tmp_path, threshold), on_test.astype(float) >= cut)
    assert not np.array_equal(labels_of(tmp_path, threshold), labels_of(tmp_path, "0.5"))


@pytest.mark.parametrize("threshold", THRESHOLDS[1:])
def test_no_half_chooses_the_threshold_that_labels_it(
    tmp_path: Path, halves: Callable[..., Any], record: Callable[..., str], threshold: str
) -> None:
    gold, in_b = halves(tmp_path / "here")
    permuted = gold.copy()
    permuted[in_b] = np.random.default_rng(0).permutation(gold[in_b])
    halves(tmp_path / "there", gold=permuted)
    noise = np.random.default_rng(1).standard_normal(gold.shape)
    logits = (1.5 * gold - 2 + noise).astype(np.float32)
    for run in ("here", "there"):
        record(tmp_path / run, "k", {("dev", HALVES): logits})
    here, there = (labels_of(tmp_path / run, threshold) for run in ("here", "there"))
    assert np.array_equal(here[in_b], there[in_b])
    assert not np.array_equal(here[~in_b], there[~in_b])  # those hang on the labels of half b
    tuning, metric = Tuning(logits[~in_b], gold[~in_b].astype(bool)), METRICS["macro_f1"]
    cut = tuning.tuned(metric) if threshold == "tuned" else tuning.per_label(metric)
    assert np.array_equal(here[in_b], logits[in_b].astype(float) >= cut)


def test_each_rule_tunes_for_its_own_metric(
    tmp_path: Path, halves: Callable[..., Any], record: Callable[..., str]
) -> None:
    gold, in_b = halves(tmp_path)
    noise = np.random.default_rng(3).standard_normal(gold.shape)
    logits = (gold - 1.5 + noise).astype(np.float32)
    record(tmp_path, "k", {("dev", HALVES): logits}, own_metric="micro_f1")
    opened = open_run(tmp_path)
    predicted = Predicted(opened, scored_texts(opened), {"k"})
    tuning = Tuning(logits[~in_b], gold[~in_b].astype(bool))
    for rule, metric in {"own": "micro_f1", "acc": "acc", "macro_f1": "macro_f1"}.items():
        found = predicted(("k", "k"), rule, "tuned")
        assert found is not None
        expected = logits[in_b].astype(float) >= tuning.tuned(METRICS[metric])
        assert np.array_equal(found[in_b], expected)
