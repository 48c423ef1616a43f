"""Macro-F1 with outputs amplified towards 0 and 1."""

from torch import Tensor

from model import ratio, soft_metric


@soft_metric(label="AnyLoss", approximates="macro_f1", source="Han, Moniz, Chawla 2024, by class")
def anyloss_f1(o: Tensor, y: Tensor, *, amplification: float = 73.0) -> Tensor:
    """mean_j [ 2 Σ_i y·a / Σ_i (y + a) ], a = σ(L (o − ½))

    The larger the amplification L, the closer to the hard metric and the fewer the outputs that
    have a gradient: those near ½.
    """
    a = (amplification * (o - 0.5)).sigmoid()
    return ratio(2 * (y * a).sum(dim=0), (y + a).sum(dim=0), empty=0.0).mean()
