"""Every built-in loss at the edges, and in training."""

from collections.abc import Callable

import pytest
import torch

from model.catalogue import LossSource, built_in_losses
from model.settings import NetworkSettings, TrainSettings
from model.surrogates import load_loss
from model.training import Data, Member, Training

EDGES = [0.0, 15.0, -15.0, 88.5, -88.5, 100.0, -100.0, 120.0, -120.0, 1e4, -1e4]
"""Logits; near -88.5 the sigmoid is so small that one over it is beyond float32."""


@pytest.mark.parametrize("declared", built_in_losses(), ids=lambda loss: loss.name)
@pytest.mark.parametrize("texts", [1, 4])
def test_its_value_and_gradient_are_finite_at_every_edge(declared: LossSource, texts: int) -> None:
    loss = load_loss(declared)
    targets = [
        torch.zeros(texts, 3),
        torch.ones(texts, 3),
        torch.eye(4, 3)[:texts],  # of 4: one without labels
    ]
    priors = torch.tensor([[0.1, 0.5, 0.3], [0.0, 1.0, 0.3]])
    for y in targets:
        right = 200 * y - 100
        mixed = torch.tensor([100.0, -100.0, 0.0]).expand(texts, 3)
        for z in [*(torch.full((texts, 3), edge) for edge in EDGES), right, -right, mixed]:
            logits = z.clone().requires_grad_()
            for prior in priors if "prior" in loss.wants else priors[:1]:
                found = loss(logits, y, prior=prior, progress=0.5)
                (gradient,) = torch.autograd.grad(found, logits)
                assert found.dtype == torch.float32
                assert torch.isfinite(found), (y, z)
                assert torch.isfinite(gradient).all(), (y, z)


def test_a_stack_of_them_all_trains(corpus: Callable[..., Data]) -> None:
    members = [Member(load_loss(loss), 0, TrainSettings(epochs=8)) for loss in built_in_losses()]
    network = NetworkSettings(heights=(1, 2, 3), filters=6)
    training = Training(members, 16, network, corpus())
    epochs = [training.run_epoch() for _ in range(8)]
    assert training.diverged == [0] * len(members)
    for member, first, last in zip(members, epochs[0], epochs[-1], strict=True):
        assert last[0]["loss"] < first[0]["loss"], member.loss.name
