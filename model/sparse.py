"""The steps of the network whose gradients are written by hand: autograd would do them dearly.

All are exact: `tests/model/test_cnn.py` holds them to PyTorch's own modules. Batches are described
in `model/batches.py`; arm a reads the batch of its group, `group[a]`. (`type: ignore` below:
PyTorch declares `Function.apply` without types.)
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from model.batches import Batch, Windows

_SUM, _MAX = 0, 2
"""`torch.embedding_bag`'s numbers for its modes."""


def product(left: Tensor, right: Tensor, dtype: torch.dtype) -> Tensor:
    """`left @ right`, factors and result rounded to `dtype`, in the type of `left`."""
    return (left.to(dtype) @ right.to(dtype)).to(left.dtype)


def sum_rows(table: Tensor, rows: Tensor, starts: Tensor) -> Tensor:
    """Sums of bags of rows: `[N, F]`, indices of rows, where bags start `[B]` -> `[B, F]`."""
    return torch.embedding_bag(table, rows, starts, mode=_SUM)[0]


def sum_windows(table: Tensor, entries: Tensor, windows: Windows) -> Tensor:
    """Sums over the window of each position and height.

    Args:
        table: rows `[N, F]`.
        entries: row that each tap of each position reads, `[P * taps]`.
        windows: which taps make a window.

    Returns:
        `[P * H, F]`.
    """
    position = torch.arange(
        0, len(entries), windows.taps, dtype=entries.dtype, device=entries.device
    )
    return sum_rows(table, entries, (position[:, None] + windows.first).view(-1))


def by_arm(indices: Tensor, group: Tensor, stride: int) -> Tensor:
    """A group's indices for each of its arms, into rows of which every arm has `stride`; flat."""
    offset = torch.arange(len(group), dtype=indices.dtype, device=group.device) * stride
    return (indices.flatten(1)[group] + offset[:, None]).view(-1)


def project(
    rows: Tensor, filters: Tensor, scale: Tensor, shift: Tensor, group: Tensor, dtype: torch.dtype
) -> Tensor:
    """Every tap of every filter on every word of a batch.

    Args:
        rows: x̂, normalised word rows without γ and β; row 0 is zero, `[G, 1 + U, D]`.
        filters: W, `[A, D, K]`.
        scale: γ, `[A, D]`.
        shift: β, `[A, D]`.
        group: of each arm, `[A]`.
        dtype: to which products are rounded.

    Returns:
        `[A, 1 + U, K]`, row 0 zero.
    """
    projected: Tensor = _Project.apply(  # type: ignore[no-untyped-call]
        rows, filters, scale, shift, group, dtype
    )
    return projected


class _Project(Function):
    """P = (γ ∘ x̂ + β) W, and zero in row 0. With G = x̂ᵀ ∂P and s the sum of ∂P over words,

        ∂W = γ ∘ G + β sᵀ,   ∂γ = Σ_taps G ∘ W,   ∂β = W s,

    so one product serves the filters and the input's BatchNorm, and none goes back to the rows.
    """

    @staticmethod
    def forward(
        ctx: Any,
        rows: Tensor,
        filters: Tensor,
        scale: Tensor,
        shift: Tensor,
        group: Tensor,
        dtype: torch.dtype,
    ) -> Tensor:
        """See `project`."""
        ctx.save_for_backward(rows, filters, scale, shift, group)
        ctx.dtype = dtype
        scaled = torch.addcmul(shift[:, None], rows[group], scale[:, None])
        scaled[:, 0] = 0
        return product(scaled, filters, dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[None, Tensor, Tensor, Tensor, None, None]:
        """Gradients of filters, scale and shift."""
        rows, filters, scale, shift, group = ctx.saved_tensors
        crossed = product(rows[group].transpose(1, 2), gradient, ctx.dtype)
        total = gradient[:, 1:].sum(dim=1, keepdim=True)
        by_scale = torch.einsum("adk,adk->ad", crossed, filters)
        by_shift = (filters @ total.transpose(1, 2)).squeeze(2)
        by_filters = crossed.mul_(scale[..., None]).baddbmm_(shift[..., None], total)
        return None, by_filters, by_scale, by_shift, None, None


def convolve(projected: Tensor, batch: Batch, group: Tensor, windows: Windows) -> Tensor:
    """Sum the projected words of each window.

    Args:
        projected: of `project`, `[A, 1 + U, taps * filters]`.
        batch: which words each window holds.
        group: of each arm, `[A]`.
        windows: which taps make a window.

    Returns:
        z, `[A, P, maps]`; maps are heights x filters.
    """
    maps: Tensor = _Convolve.apply(projected, batch, group, windows)  # type: ignore[no-untyped-call]
    return maps


class _Convolve(Function):
    """z[p, h] = Σ P[word(p, k), k] over taps k of h; ∂P[u, k] = Σ ∂z[p, h] over p with word u."""

    @staticmethod
    def forward(
        ctx: Any, projected: Tensor, batch: Batch, group: Tensor, windows: Windows
    ) -> Tensor:
        """See `convolve`."""
        ctx.save_for_backward(group)
        ctx.batch, ctx.windows = batch, windows
        arms, rows = projected.shape[:2]
        entries = by_arm(batch.entries, group, rows * windows.taps)
        table = projected.detach().view(arms * rows * windows.taps, -1)
        return sum_windows(table, entries, windows).view(arms, batch.entries.shape[1], -1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:
        """Gradient of the projected words."""
        (group,) = ctx.saved_tensors
        batch, windows = ctx.batch, ctx.windows
        arms, positions, maps = gradient.shape
        heights = len(windows.heights)
        uses = by_arm(batch.uses, group, positions * heights)
        starts = by_arm(batch.use_starts, group, batch.uses.shape[1])
        table = gradient.contiguous().view(-1, maps // heights)
        by_projected = sum_rows(table, uses, starts)
        return by_projected.view(arms, -1, windows.taps * (maps // heights)), None, None, None


def pool(values: Tensor, batch: Batch, group: Tensor) -> tuple[Tensor, Tensor]:
    """Maximum over the positions of each text.

    Args:
        values: `[A, P, maps]`.
        batch: which of them belong to which text.
        group: of each arm, `[A]`.

    Returns:
        Maxima and the rows of the A * P where they are, both `[A * b, maps]`.
    """
    rows = by_arm(batch.text_rows, group, values.shape[1])
    starts = by_arm(batch.text_starts, group, values.shape[1])
    flat = values.view(-1, values.shape[2])
    pooled, _, _, winners = torch.embedding_bag(flat, rows, starts, mode=_MAX)
    return pooled, winners.long()


def norm_pool(
    maps: Tensor, scale: Tensor, shift: Tensor, batch: Batch, group: Tensor, epsilon: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Normalise with the statistics of the batch, and pool.

    Args:
        maps: z, `[A, P, maps]`.
        scale: γ, `[A, maps]`.
        shift: β, `[A, maps]`.
        batch: weights, and which positions belong to which text.
        group: of each arm, `[A]`.
        epsilon: added to the variance.

    Returns:
        Maxima `[A * b, maps]`, mean and (biased) variance of each map `[A, maps]`.
    """
    done: tuple[Tensor, Tensor, Tensor] = _NormPool.apply(  # type: ignore[no-untyped-call]
        maps, scale, shift, batch, group, epsilon
    )
    return done


class _NormPool(Function):
    """BatchNorm of the maps with the batch's statistics, then their maximum over each text.

    Only the maxima pass a gradient g on. With ẑ the normalised maps and w the weights (Σ w = 1),

        ∂γ = Σ g ẑ,   ∂β = Σ g,   ∂z = γ/σ (g at the maxima − w (Σ g + ẑ Σ g ẑ)).
    """

    @staticmethod
    def forward(
        ctx: Any,
        maps: Tensor,
        scale: Tensor,
        shift: Tensor,
        batch: Batch,
        group: Tensor,
        epsilon: float,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """See `norm_pool`."""
        weight = batch.weight[group][:, None]
        mean = weight @ maps
        centred = maps - mean
        var = weight @ centred.square()
        inverse = torch.rsqrt(var + epsilon)
        slope = scale[:, None] * inverse
        pooled, winners = pool(torch.addcmul(shift[:, None], centred, slope), batch, group)
        ctx.save_for_backward(centred, slope, inverse, weight, winners)
        mean, var = mean.squeeze(1), var.squeeze(1)
        ctx.mark_non_differentiable(mean, var)
        return pooled, mean, var

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any, gradient: Tensor, *_: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, None, None, None]:
        """Gradients of maps, scale and shift."""
        centred, slope, inverse, weight, winners = ctx.saved_tensors
        arms, _, width = centred.shape
        flat = centred.view(-1, width)
        per_arm = gradient.view(arms, -1, width)
        winning = flat.gather(0, winners).view_as(per_arm)
        by_shift = per_arm.sum(dim=1, keepdim=True)
        by_scale = (per_arm * winning).sum(dim=1, keepdim=True) * inverse
        dense = torch.addcmul(slope * by_shift, centred, slope * inverse * by_scale)
        by_maps = dense.mul_(-weight.transpose(1, 2))
        by_maps.view(-1, width).scatter_add_(0, winners, (per_arm * slope).view(-1, width))
        return by_maps, by_scale.squeeze(1), by_shift.squeeze(1), None, None, None
