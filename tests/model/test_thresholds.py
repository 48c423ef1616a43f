"""Arms of losses that rank are judged by tuned thresholds, not at 0.5."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import torch
from sklearn import metrics as sk

from model import get_loss
from model import thresholds as module
from model.metrics import METRICS, statistics
from model.settings import NetworkSettings, TrainSettings
from model.thresholds import CANDIDATES, measure_at, tune
from model.training import Data, Member, Training

MakeData = Callable[..., Data]
Array = np.ndarray

SCORES: Mapping[str, Callable[[Array, Array], float]] = {
    "acc": lambda y, p: sk.jaccard_score(y, p, average="samples", zero_division=1),
    "micro_f1": lambda y, p: sk.f1_score(y, p, average="micro", zero_division=0),
    "macro_f1": lambda y, p: sk.f1_score(y, p, average="macro", zero_division=0),
}


def outputs(texts: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(texts)
    labels = (torch.rand(texts, 4, generator=generator) < 0.3).to(torch.uint8)
    return 3 + labels + torch.randn(texts, 4, generator=generator), labels


def best(name: str, z: Array, y: Array, candidates: Array) -> tuple[float, float]:
    """The best value and, of the thresholds that give it, the lowest."""
    found = [(SCORES[name](y, (z >= t).astype(int)), -float(t)) for t in candidates]
    value, negated = max(found)
    return value, -negated


@pytest.mark.parametrize("name", SCORES)
def test_few_logits_are_searched_whole(name: str) -> None:
    logits, labels = outputs(10)
    z, y = logits.numpy(), labels.numpy()
    value, threshold = best(name, z, y, np.unique(z))
    tuned = tune(logits, labels)
    assert tuned[name] == pytest.approx(threshold)
    assert measure_at(tuned, "acc", logits, labels)[name] == pytest.approx(value)


@pytest.mark.parametrize("name", SCORES)
def test_of_many_logits_a_threshold_is_nearly_the_best(name: str) -> None:
    logits, labels = outputs(60)
    value, _ = best(name, logits.numpy(), labels.numpy(), np.unique(logits.numpy()))
    found = measure_at(tune(logits, labels), "acc", logits, labels)[name]
    assert value - 0.03 < found <= value + 1e-12
    assert logits.numel() > CANDIDATES


def test_looked_at_in_pieces_they_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    logits, labels = outputs(20)
    whole = tune(logits, labels)
    monkeypatch.setattr(module, "PLACES", 3 * logits.numel())
    assert tune(logits, labels) == whole


def train(data: Data, *losses: str) -> tuple[Training, list[list[dict[str, dict[str, Any]]]]]:
    members = [Member(get_loss(name), 0, TrainSettings(epochs=4)) for name in losses]
    training = Training(members, 8, NetworkSettings(heights=(1, 2), filters=6), data)
    history = []
    while not training.finished:
        rows = training.run_epoch()
        history.append([{row["split"]: row for row in of_arm} for of_arm in rows])
    return training, history


def test_only_arms_that_rank_are_measured_at_tuned_thresholds(corpus: MakeData) -> None:
    data = corpus()
    training, history = train(data, "bce", "two_way")
    last = history[-1]
    logits = training.evaluation(training.network, training.table)[1].logits
    dev, test = data.splits["dev"], data.splits["test"]
    for part, z, y in [
        ("dev", logits["dev"], dev.labels),
        *((f"dev/{h}", logits["dev"][dev.half == h], dev.labels[dev.half == h]) for h in "ab"),
    ]:
        ranks = np.arange(CANDIDATES) * (z.size - 1) // (CANDIDATES - 1)
        for name in METRICS:
            value, threshold = best(name, z, y, np.sort(z, axis=None)[ranks])
            assert last[1][part][name] == pytest.approx(value)
            if part == "dev":
                scored = SCORES[name](test.labels, (logits["test"] >= threshold).astype(int))
                assert last[1]["test"][name] == pytest.approx(scored)
            if name == "acc":  # two_way approximates no metric
                predicted = z >= threshold
                assert last[1][part]["predicted"] == predicted.sum(axis=0).tolist()
                micro = {"average": "micro", "zero_division": 0}
                assert last[1][part]["recall"] == pytest.approx(
                    sk.recall_score(y, predicted, **micro)
                )
                assert last[1][part]["precision"] == pytest.approx(
                    sk.precision_score(y, predicted, **micro)
                )
    z = training.evaluation(training.network, training.table)[0].logits["dev"]
    at_half = statistics(dev.labels.astype(bool), z >= 0).sum(axis=0)
    assert last[0]["dev"]["acc"] == pytest.approx(float(METRICS["acc"](at_half)))


@pytest.mark.parametrize("test", [True, False])
def test_epochs_are_chosen_by_tuned_values(corpus: MakeData, test: bool) -> None:
    training, history = train(corpus(test), "lsep")
    for rule, choice in training.selections[0].choices.items():
        values = [epoch[0][rule.split][rule.metric] for epoch in history]
        assert choice.epoch == 1 + values.index(max(values))
        assert choice.value == max(values)
