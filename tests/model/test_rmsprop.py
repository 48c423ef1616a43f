"""The optimiser against PyTorch's, arm by arm: rates that change, decay, frozen arms."""

import pytest
import torch
from torch import nn

from model.rmsprop import RMSprop

RATES, DECAYS = [1e-2, 3e-3, 1e-2], [0.0, 0.5, 2.0]


def parameters() -> tuple[nn.Parameter, nn.Parameter]:
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(3, 4, 2, generator=generator, dtype=torch.float64)
    bias = torch.randn(3, 2, generator=generator, dtype=torch.float64)
    return nn.Parameter(weight), nn.Parameter(bias)


def give_gradients(step: int, *tensors: nn.Parameter) -> None:
    generator = torch.Generator().manual_seed(step)
    for tensor in tensors:
        tensor.grad = torch.randn(tensor.shape, generator=generator, dtype=torch.float64)


def factor(arm: int, step: int) -> float:
    return min(1.0, (step + 1) / (5 * arm)) if arm else 1.0


def test_each_arm_moves_as_by_pytorch_s_with_its_rate_and_its_weights_decay_first() -> None:
    weight, bias = parameters()
    ours = RMSprop([weight, bias], RATES, 0.9, 1e-7, DECAYS, [weight])
    alone = [[nn.Parameter(p.detach()[arm].clone()) for p in (weight, bias)] for arm in range(3)]
    theirs = [
        torch.optim.RMSprop(both, lr=rate, alpha=0.9, eps=1e-7)
        for both, rate in zip(alone, RATES, strict=True)
    ]
    for step in range(20):
        ours.scale_rates([factor(arm, step) for arm in range(3)])
        give_gradients(step, weight, bias)
        for arm in range(3):
            for mine, stacked in zip(alone[arm], (weight, bias), strict=True):
                assert stacked.grad is not None
                mine.grad = stacked.grad[arm].clone()
            rate = RATES[arm] * factor(arm, step)
            with torch.no_grad():
                alone[arm][0].mul_(1 - rate * DECAYS[arm])
            theirs[arm].param_groups[0]["lr"] = rate
            theirs[arm].step()
        ours.step()
        for arm in range(3):
            for mine, stacked in zip(alone[arm], (weight, bias), strict=True):
                torch.testing.assert_close(stacked[arm], mine, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_frozen_arm_neither_moves_nor_decays(when: str) -> None:
    weight, bias = parameters()
    before = [tensor.detach().clone() for tensor in (weight, bias)]
    optimizer = RMSprop([weight, bias], RATES, 0.9, 1e-7, DECAYS, [weight])
    if when == "after":
        optimizer.scale_rates([0.5, 0.5, 0.5])
    optimizer.freeze(2)
    if when == "before":
        optimizer.scale_rates([0.5, 0.5, 0.5])
    give_gradients(0, weight, bias)
    optimizer.step()
    for tensor, old in zip((weight, bias), before, strict=True):
        assert torch.equal(tensor[2], old[2])
        assert not torch.equal(tensor[1], old[1])
