"""Hybrids with BCE and the polariser: values, gradients, each arm its own."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from model import get_loss
from model.objective import Aim, Objective

PRIOR = torch.tensor([0.1, 0.5, 0.3], dtype=torch.float64)
AIMS = [
    Aim(get_loss("soft_macro_f1")),
    Aim(get_loss("soft_macro_f1"), bce_weight=0.25),
    Aim(get_loss("soft_accuracy"), polarisation=0.5),
    Aim(get_loss("lsep"), bce_weight=0.9, polarisation=2.0),
    Aim(get_loss("soft_macro_f1"), bce_weight=0.5, polarisation=0.1),
]


def batch() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    logits = 2 * torch.randn(len(AIMS), 5, 3, generator=generator, dtype=torch.float64)
    targets = (torch.rand(len(AIMS), 5, 3, generator=generator) < 0.4).double()
    return logits.requires_grad_(), targets


def by_hand(aim: Aim, logits: Tensor, targets: Tensor) -> Tensor:
    o = 1 / (1 + torch.exp(-logits))
    entropy = -(targets * o.log() + (1 - targets) * (1 - o).log()).mean()
    polariser = (4 * o * (1 - o)).mean()
    w = aim.bce_weight
    return (1 - w) * aim.loss(logits, targets) + w * entropy + aim.polarisation * polariser


@pytest.mark.parametrize("map_equal", [True, False])
def test_values_and_gradients_are_those_of_the_formula(map_equal: bool) -> None:
    objective = Objective.of(AIMS, PRIOR, map_equal=map_equal)
    assert bool(objective.losses.mapped) == map_equal
    logits, targets = batch()
    found = objective(logits, targets, 0.5)
    expected = torch.stack([by_hand(*row) for row in zip(AIMS, logits, targets, strict=True)])
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
    gradients = [torch.autograd.grad(v.sum(), logits)[0] for v in (found, expected)]
    torch.testing.assert_close(*gradients, rtol=1e-10, atol=1e-12)


def test_an_arm_without_either_keeps_its_bits_beside_arms_with_them() -> None:
    logits, targets = (tensor.detach().float() for tensor in batch())
    results = []
    for aims in ([AIMS[0]] * len(AIMS), AIMS):
        inputs = logits.clone().requires_grad_()
        values = Objective.of(aims, PRIOR.float(), map_equal=False)(inputs, targets, 0.5)
        values.sum().backward()
        assert inputs.grad is not None
        results.append((values[0].detach(), inputs.grad[0]))
    for one, other in zip(*results, strict=True):
        assert torch.equal(one, other)


def test_where_no_arm_has_either_nothing_is_added() -> None:
    objective = Objective.of([AIMS[0]] * 2, PRIOR, map_equal=False)
    assert objective.bce_weights is None
    assert objective.polarisations is None


@pytest.mark.parametrize("size", [0.0, 100.0, -100.0, 1e4, -1e4])
def test_extreme_logits_give_finite_gradients(size: float) -> None:
    aims = [Aim(get_loss("soft_accuracy"), bce_weight=0.5, polarisation=1.0)]
    logits = torch.full((1, 2, 3), size, requires_grad=True)
    value = Objective.of(aims, PRIOR.float(), map_equal=False)(logits, torch.eye(2, 3)[None], 0.5)
    (gradient,) = torch.autograd.grad(value.sum(), logits)
    assert value.isfinite().all()
    assert gradient.isfinite().all()


def test_the_polariser_pushes_each_output_to_the_side_on_which_it_is() -> None:
    logits = torch.tensor([[[2.0, -2.0, 0.0]]], requires_grad=True)
    (arms,) = [functional.one_hot(torch.tensor([0]), 3).float()[None]]
    polarised, plain = (
        torch.autograd.grad(
            Objective.of([Aim(get_loss("bce"), polarisation=p)], PRIOR.float(), map_equal=False)(
                logits, arms, 0.5
            ).sum(),
            logits,
        )[0]
        for p in (1.0, 0.0)
    )
    assert (polarised - plain).sign().tolist() == [[[-1.0, 1.0, 0.0]]]  # descent goes the other way
