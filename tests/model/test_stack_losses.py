"""The losses of a stack: called together or singly, an arm's value is its own."""

import pytest
import torch
from torch import Tensor

from model import get_loss
from model.catalogue import catalogue
from model.stack_losses import StackLosses, can_map
from model.surrogates import Loss

PRIOR = torch.tensor([0.1, 0.5, 0.3], dtype=torch.float64)


def own(function: object, *wants: str) -> Loss:
    return Loss("own", "own", None, "", function, soft=False, wants=wants)  # type: ignore[arg-type]


def values(generator: torch.Generator, arms: int) -> tuple[Tensor, Tensor]:
    logits = torch.randn(arms, 5, 3, generator=generator, dtype=torch.float64)
    targets = (torch.rand(arms, 5, 3, generator=generator) < 0.4).double()
    return logits.requires_grad_(), targets


@pytest.mark.parametrize("name", sorted(catalogue()))
def test_every_built_in_loss_is_called_for_all_its_arms_at_once(name: str) -> None:
    loss, other = get_loss(name), get_loss("bce" if name != "bce" else "mse")
    members = [loss, other, loss, loss]
    logits, targets = values(torch.Generator().manual_seed(0), 4)
    together = StackLosses.of(members, PRIOR, map_equal=True)
    ((arms, mapped),) = together.mapped
    assert (arms.tolist(), mapped) == ([0, 2, 3], loss)
    singly = StackLosses.of(members, PRIOR, map_equal=False)
    assert not singly.mapped
    one, two = (stack(logits, targets, 0.5) for stack in (together, singly))
    torch.testing.assert_close(one, two, rtol=1e-12, atol=1e-12)
    gradients = [torch.autograd.grad(v.sum(), logits)[0] for v in (one, two)]
    torch.testing.assert_close(*gradients, rtol=1e-12, atol=1e-12)


def test_losses_that_vmap_does_not_take_are_called_singly() -> None:
    def branches(logits: Tensor, targets: Tensor) -> Tensor:
        value = logits.square().mean()
        return value if value > 1 else 2 * value

    def draws(logits: Tensor, targets: Tensor) -> Tensor:
        return (logits * torch.rand_like(logits)).sum()

    def shapeless(logits: Tensor, targets: Tensor) -> Tensor:
        return logits

    for function in (branches, draws, shapeless):
        assert not can_map(own(function), PRIOR)
    members = [own(branches), own(branches)]
    stack = StackLosses.of(members, PRIOR, map_equal=True)
    assert [arm for arm, _ in stack.single] == [0, 1]


def test_a_loss_that_asks_gets_prior_and_progress() -> None:
    def weighted(logits: Tensor, targets: Tensor, prior: Tensor, progress: float) -> Tensor:
        return (logits * prior).sum() * progress

    loss = own(weighted, "prior", "progress")
    logits, targets = values(torch.Generator().manual_seed(1), 2)
    for map_equal in (True, False):
        stack = StackLosses.of([loss, loss], PRIOR, map_equal=map_equal)
        assert bool(stack.mapped) == map_equal
        assert not stack.constant
        expected = (logits * PRIOR).sum(dim=(1, 2)) * 0.25
        torch.testing.assert_close(stack(logits, targets, 0.25), expected)
