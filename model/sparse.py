"""The steps of the network whose gradients are written by hand: autograd would do them dearly.

All are exact: `tests/model/test_cnn.py` holds them to PyTorch's own modules. (`type: ignore` below:
PyTorch declares `Function.apply` without types.)
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

_MAX = 2
"""`torch.embedding_bag`'s number for the mode 'max'."""


@dataclass(frozen=True)
class Positions:
    """The positions of a batch at which the convolutions are computed, text after text.

    A text that is shorter than n begins with padding, and windows that hold nothing else are all
    the same. One of them is computed, with a weight that says how many it stands for.

    Attributes:
        rows: position among the b * n of the arm, `[A, P]`; arms with fewer than P are filled up.
        weight: positions that each stands for, 0 where filled up, `[A, P]`.
        used: those of the A * P that are not filling, in order, `[Q]`.
        starts: where in `used` each text begins, `[A * b]`.
    """

    rows: Tensor
    weight: Tensor
    used: Tensor
    starts: Tensor


def distinct_positions(padding: Tensor, tallest: int) -> Positions:
    """Leave out windows of padding that repeat another one.

    Windows of h rows reach (h − 1) // 2 rows back and h // 2 ahead. With p leading pads, positions
    (H − 1) // 2 to p − 1 − H // 2 see only padding at every height up to the tallest, H: p − H + 1
    equal positions, of which the first is kept.

    Args:
        padding: whether a position is padding, `[A, b, n]`.
        tallest: H.
    """
    arms, _, length = padding.shape
    first = (tallest - 1) // 2
    pads = padding.long().cumprod(dim=2).sum(dim=2, keepdim=True)
    repeats = (pads - tallest).clamp(min=0)
    place = torch.arange(length, device=padding.device)
    kept = (place <= first) | (place > first + repeats)
    weight = torch.where(place == first, 1 + repeats, 1).view(arms, -1)
    counts = kept.sum(dim=2)
    per_arm = counts.sum(dim=1, keepdim=True)
    most = int(per_arm.max())
    rows = (~kept).view(arms, -1).byte().sort(dim=1, stable=True).indices[:, :most]
    filled = torch.arange(most, device=padding.device) < per_arm
    return Positions(
        rows=rows,
        weight=weight.gather(1, rows) * filled,
        used=filled.view(-1).nonzero().squeeze(1),
        starts=counts.view(-1).cumsum(0) - counts.view(-1),
    )


def pool(values: Tensor, positions: Positions) -> tuple[Tensor, Tensor]:
    """Maximum over the positions of each text.

    Args:
        values: `[A, P, maps]`.
        positions: which of them belong to which text.

    Returns:
        Maxima and the rows of the A * P where they are, both `[A * b, maps]`.
    """
    flat = values.view(-1, values.shape[2])
    pooled, _, _, winners = torch.embedding_bag(flat, positions.used, positions.starts, mode=_MAX)
    return pooled, winners


def project(rows: Tensor, filters: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """Project rows x̂ `[A, U, D]` by filters W `[A, D, K]`, γ and β `[A, D]`: `[A, U, K]`."""
    projected: Tensor = _Project.apply(rows, filters, scale, shift)  # type: ignore[no-untyped-call]
    return projected


class _Project(Function):
    """Every tap of every filter on each normalised row, the input's γ and β folded in.

    P = x̂ (γ ∘ W) + β W. With G = x̂ᵀ ∂P and s the sum of ∂P over rows,

        ∂W = γ ∘ G + β sᵀ,   ∂γ = Σ_taps G ∘ W,   ∂β = W s,

    so one product serves the filters and the input's BatchNorm, and none goes back to the rows.
    """

    @staticmethod
    def forward(ctx: Any, rows: Tensor, filters: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        """See `project`."""
        ctx.save_for_backward(rows, filters, scale, shift)
        # Scaling the rows is scaling the filters, and there are fewer rows than taps.
        return torch.baddbmm(shift[:, None] @ filters, rows * scale[:, None], filters)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[None, Tensor, Tensor, Tensor]:
        """Gradients of filters, scale and shift."""
        rows, filters, scale, shift = ctx.saved_tensors
        product = rows.transpose(1, 2) @ gradient
        total = gradient.sum(dim=1, keepdim=True)
        by_scale = torch.linalg.vecdot(product, filters)
        by_shift = (filters @ total.transpose(1, 2)).squeeze(2)
        by_filters = product.mul_(scale[..., None]).baddbmm_(shift[..., None], total)
        return None, by_filters, by_scale, by_shift


def norm_pool(
    maps: Tensor, scale: Tensor, shift: Tensor, positions: Positions, epsilon: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Normalise with the statistics of the batch, and pool.

    Args:
        maps: z, `[A, P, maps]`.
        scale: γ, `[A, maps]`.
        shift: β, `[A, maps]`.
        positions: weights, and which positions belong to which text.
        epsilon: added to the variance.

    Returns:
        Maxima `[A * b, maps]`, mean and (biased) variance of each map `[A, maps]`.
    """
    done: tuple[Tensor, Tensor, Tensor] = _NormPool.apply(  # type: ignore[no-untyped-call]
        maps, scale, shift, positions, epsilon
    )
    return done


class _NormPool(Function):
    """BatchNorm of the maps with the batch's statistics, then their maximum over each text.

    Only the maxima pass a gradient g on. With ẑ the normalised maps, w the weights and N their sum,

        ∂γ = Σ g ẑ,   ∂β = Σ g,   ∂z = γ/σ (g at the maxima − w (Σ g + ẑ Σ g ẑ) / N).
    """

    @staticmethod
    def forward(
        ctx: Any, maps: Tensor, scale: Tensor, shift: Tensor, positions: Positions, epsilon: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        """See `norm_pool`."""
        weight = positions.weight.to(maps.dtype)
        share = (weight / weight.sum(dim=1, keepdim=True))[:, None]
        mean = share @ maps
        centred = maps - mean
        var = share @ centred.square()
        inverse = torch.rsqrt(var + epsilon)
        slope = scale[:, None] * inverse
        pooled, winners = pool(torch.addcmul(shift[:, None], centred, slope), positions)
        ctx.save_for_backward(centred, slope, inverse, share, winners)
        mean, var = mean.squeeze(1), var.squeeze(1)
        ctx.mark_non_differentiable(mean, var)
        return pooled, mean, var

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any, gradient: Tensor, *_: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, None, None]:
        """Gradients of maps, scale and shift."""
        centred, slope, inverse, share, winners = ctx.saved_tensors
        arms, _, width = centred.shape
        flat = centred.view(-1, width)
        by_arm = gradient.view(arms, -1, width)
        winning = flat.gather(0, winners).view_as(by_arm)
        by_shift = by_arm.sum(dim=1, keepdim=True)
        by_scale = (by_arm * winning).sum(dim=1, keepdim=True) * inverse
        dense = torch.addcmul(slope * by_shift, centred, slope * inverse * by_scale)
        by_maps = dense.mul_(-share.transpose(1, 2))
        by_maps.view(-1, width).scatter_add_(0, winners, (by_arm * slope).view(-1, width))
        return by_maps, by_scale.squeeze(1), by_shift.squeeze(1), None, None
