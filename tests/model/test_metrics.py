"""Hard metrics against scikit-learn, with the official scorer's conventions."""

import numpy as np
import pytest
from sklearn.metrics import f1_score, jaccard_score, precision_score, recall_score

from model.metrics import (
    METRICS,
    class_f1,
    class_precision,
    class_recall,
    precision,
    recall,
    split_sums,
    statistics,
)


def random_sets(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Gold and predicted labels with empty texts, an absent class and a class never predicted."""
    generator = np.random.default_rng(seed)
    m, classes = generator.integers(2, 60), generator.integers(3, 12)
    gold = generator.random((m, classes)) < generator.random(classes) * 0.6
    predicted = gold ^ (generator.random((m, classes)) < 0.2)
    gold[0], predicted[0] = False, False
    gold[:, 0], predicted[:, 0] = False, False
    predicted[:, 1] = False
    return gold, predicted


@pytest.mark.parametrize("seed", range(25))
def test_metrics_equal_scikit_learn_s(seed: int) -> None:
    gold, predicted = random_sets(seed)
    sums = statistics(gold, predicted).sum(axis=0)
    named = split_sums(sums)
    expected = {
        "acc": jaccard_score(gold, predicted, average="samples", zero_division=1),
        "micro_f1": f1_score(gold, predicted, average="micro", zero_division=0),
        "macro_f1": f1_score(gold, predicted, average="macro", zero_division=0),
    }
    assert {name: float(METRICS[name](sums)) for name in expected} == pytest.approx(expected)
    by_class = {"average": None, "zero_division": 0}
    np.testing.assert_allclose(class_f1(named), f1_score(gold, predicted, **by_class))
    np.testing.assert_allclose(class_precision(named), precision_score(gold, predicted, **by_class))
    np.testing.assert_allclose(class_recall(named), recall_score(gold, predicted, **by_class))
    micro = {"average": "micro", "zero_division": 0}
    assert float(precision(named)) == pytest.approx(precision_score(gold, predicted, **micro))
    assert float(recall(named)) == pytest.approx(recall_score(gold, predicted, **micro))


def test_a_text_with_no_labels_and_no_predictions_is_accurate() -> None:
    nothing = np.zeros((1, 3), dtype=bool)
    something = np.array([[True, False, False]])
    assert METRICS["acc"](statistics(nothing, nothing).sum(axis=0)) == 1
    assert METRICS["acc"](statistics(nothing, something).sum(axis=0)) == 0
    assert METRICS["acc"](statistics(something, nothing).sum(axis=0)) == 0


def test_a_class_neither_gold_nor_predicted_has_f1_0() -> None:
    labels = np.array([[True, False]])
    sums = statistics(labels, labels).sum(axis=0)
    assert class_f1(split_sums(sums)).tolist() == [1, 0]
    assert METRICS["macro_f1"](sums) == 0.5


def test_a_metric_maps_any_leading_axes() -> None:
    gold, predicted = random_sets(0)
    rows = statistics(gold, predicted)
    stacked = np.stack([rows.sum(axis=0), 2 * rows.sum(axis=0)])
    for metric in METRICS.values():
        assert metric(stacked).shape == (2,)
        assert metric(stacked)[0] == pytest.approx(metric(stacked)[1])
