"""The hand-written steps: gradients by finite differences, positions by hand."""

import torch
from torch import Tensor

from model.sparse import distinct_positions, norm_pool, project


def double(*shape: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64).requires_grad_()


def padding(*pads: list[int], length: int) -> Tensor:
    """`[A, b, n]` of texts that begin with so many pads."""
    return torch.tensor([[[t < p for t in range(length)] for p in arm] for arm in pads])


def test_of_padding_only_windows_the_first_stands_for_all() -> None:
    positions = distinct_positions(padding([8, 3, 0], length=9), tallest=6)
    # With H = 6, position 2 is the first that sees only padding; 8 pads repeat it twice.
    assert positions.rows.tolist() == [[0, 1, 2, 5, 6, 7, 8, *range(9, 27)]]
    assert positions.weight.tolist() == [[1, 1, 3, *[1] * 22]]
    assert positions.starts.tolist() == [0, 7, 16]
    assert positions.weight.sum() == 27


def test_arms_with_fewer_positions_are_filled_up_with_weight_0() -> None:
    positions = distinct_positions(padding([0, 0], [9, 0], length=9), tallest=2)
    assert positions.rows.shape == (2, 18)
    assert positions.weight.sum(dim=1).tolist() == [18, 18]
    assert positions.weight[1].tolist() == [8, *[1] * 10, *[0] * 7]
    assert len(positions.used) == 18 + 11
    assert positions.starts.tolist() == [0, 9, 18, 20]


def test_project_passes_gradcheck() -> None:
    rows = double(2, 4, 3, seed=0).detach()
    inputs = (double(2, 3, 5, seed=1), double(2, 3, seed=2), double(2, 3, seed=3))
    assert torch.autograd.gradcheck(lambda w, g, b: project(rows, w, g, b), inputs)


def test_norm_pool_passes_gradcheck() -> None:
    positions = distinct_positions(padding([5, 0], [6, 2], length=7), tallest=3)
    maps = double(2, positions.rows.shape[1], 4, seed=4)
    inputs = (maps, double(2, 4, seed=5), double(2, 4, seed=6))
    assert torch.autograd.gradcheck(lambda z, g, b: norm_pool(z, g, b, positions, 1e-3)[0], inputs)
