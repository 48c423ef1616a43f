"""The hand-written steps: gradients by finite differences."""

import pytest
import torch
from torch import Tensor

from model.batches import Batch, Windows, prepare
from model.sparse import convolve, norm_pool, project

WINDOWS = Windows.of((1, 3))
GROUP = torch.tensor([0, 1, 0])


def double(*shape: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64).requires_grad_()


@pytest.fixture
def batch() -> Batch:
    """Two groups, of which the second has fewer positions and words."""
    words = torch.tensor([[[0, 0, 3, 1], [2, 4, 3, 1]], [[0, 0, 0, 0], [0, 0, 0, 2]]])
    return prepare(words.int(), torch.zeros(2, 2, 1, dtype=torch.float64), WINDOWS)


def test_project_passes_gradcheck() -> None:
    rows = double(2, 4, 3, seed=0).detach()
    rows[:, 0] = 0
    inputs = (double(3, 3, 5, seed=1), double(3, 3, seed=2), double(3, 3, seed=3))

    def call(filters: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        return project(rows, filters, scale, shift, GROUP, torch.float64)

    assert torch.autograd.gradcheck(call, inputs)
    assert (call(*inputs)[:, 0] == 0).all()


def test_convolve_passes_gradcheck(batch: Batch) -> None:
    def words_only(projected: Tensor) -> Tensor:
        zero = projected.new_zeros(len(projected), 1, projected.shape[2])
        maps = convolve(torch.cat([zero, projected], dim=1), batch, GROUP, WINDOWS)
        return maps * (batch.weight[GROUP] > 0)[..., None]  # what fills up passes no gradient on

    assert torch.autograd.gradcheck(words_only, double(3, batch.words.shape[1], 4 * 2, seed=4))


def test_norm_pool_passes_gradcheck(batch: Batch) -> None:
    maps = double(3, batch.weight.shape[1], 4, seed=4)
    inputs = (maps, double(3, 4, seed=5), double(3, 4, seed=6))

    def call(maps: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        return norm_pool(maps, scale, shift, batch, GROUP, 1e-3)[0]

    assert torch.autograd.gradcheck(call, inputs)


@pytest.mark.parametrize("step", ["outputs", "gradient"])
def test_bfloat16_products_are_off_by_their_rounding(step: str) -> None:
    rows, filters = double(1, 50, 40, seed=7).detach(), double(1, 40, 30, seed=8)
    rows[:, 0] = 0
    scale, shift = torch.ones(1, 40).double(), torch.zeros(1, 40).double()
    one = torch.tensor([0])

    def result(dtype: torch.dtype) -> Tensor:
        projected = project(rows, filters, scale, shift, one, dtype)
        if step == "outputs":
            return projected
        return torch.autograd.grad(projected.square().sum(), filters)[0]

    exact, rounded = result(torch.float64), result(torch.bfloat16)
    error = (rounded - exact).norm() / exact.norm()
    assert 1e-4 < error < 2**-8  # 8 bits of each factor; errors of the terms partly cancel
