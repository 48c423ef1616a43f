"""What is measured on the device equals what NumPy and scikit-learn say of each arm."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from sklearn.metrics import f1_score, jaccard_score

import model.texts
from model.batches import Windows
from model.cnn import CNN
from model.measures import SATURATED, measure, summed_statistics
from model.metrics import statistics
from model.settings import NetworkSettings
from model.training import Data


@pytest.fixture
def outputs() -> tuple[torch.Tensor, torch.Tensor]:
    """Logits of three arms, and labels; some texts have none."""
    generator = torch.Generator().manual_seed(0)
    labels = (torch.rand(40, 5, generator=generator) < 0.3).to(torch.uint8)
    logits = 6 * torch.randn(3, 40, 5, generator=generator) - 2
    logits[0, :4], labels[:2] = -1.0, 0
    return logits, labels


def test_sums_equal_those_of_the_statistics(outputs: tuple[torch.Tensor, torch.Tensor]) -> None:
    logits, labels = outputs
    sums = summed_statistics(labels.bool(), logits >= 0, torch.float64).numpy()
    for arm in range(3):
        expected = statistics(labels.numpy().astype(bool), logits[arm].numpy() >= 0).sum(axis=0)
        np.testing.assert_allclose(sums[arm], expected, rtol=1e-14)


def test_measures_are_each_arm_s_own(outputs: tuple[torch.Tensor, torch.Tensor]) -> None:
    logits, labels = outputs
    gold = labels.numpy()
    for arm, measured in enumerate(measure(logits, labels)):
        predicted = (logits[arm] >= 0).numpy()
        assert measured["acc"] == pytest.approx(
            jaccard_score(gold, predicted, average="samples", zero_division=1)
        )
        assert measured["macro_f1"] == pytest.approx(
            f1_score(gold, predicted, average="macro", zero_division=0)
        )
        assert measured["predicted"] == predicted.sum(axis=0).tolist()
        o, y = logits[arm].double().sigmoid(), labels.double()
        assert measured["soft_micro_f1"] == pytest.approx(
            float(2 * (o * y).sum() / (o.sum() + y.sum()))
        )
        assert measured["saturated"] == pytest.approx(
            float((logits[arm].abs() > SATURATED).double().mean())
        )
        assert measured == measure(logits[arm : arm + 1], labels)[0]


def test_blocks_of_texts_are_evaluated_alike(
    corpus: Callable[..., Data], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = NetworkSettings(heights=(1, 2, 3), filters=6)
    data = corpus()
    words = torch.tensor(data.splits["train"].words)
    table = torch.tensor(data.table)
    network = CNN(settings, 10, 3, [0, 1])
    whole = network.predict(table, model.texts.arrange(words, Windows.of(settings.heights)))
    monkeypatch.setattr(model.texts, "BLOCK", 7)
    blocks = model.texts.arrange(words, Windows.of(settings.heights))
    assert len(blocks) == 8
    torch.testing.assert_close(network.predict(table, blocks), whole, rtol=1e-5, atol=1e-6)
