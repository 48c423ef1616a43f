"""Macro-F1 of the labels and of their absence, both soft."""

from torch import Tensor

from model import ratio, soft_metric


@soft_metric(label="2SM-F1", source="Maiza 2019, The unknown benefits of using a soft-F1 loss")
def double_soft_f1(o: Tensor, y: Tensor) -> Tensor:
    """mean_j ½ [ F1(o, y) + F1(1 − o, 1 − y) ], F1(o, y) = 2 Σ_i y·o / Σ_i (y + o)

    Unlike `soft_macro_f1`, a class absent from the batch has a gradient: that of its absence.
    """
    present = ratio(2 * (y * o).sum(dim=0), (y + o).sum(dim=0), empty=0.0)
    absent = ratio(2 * ((1 - y) * (1 - o)).sum(dim=0), (2 - y - o).sum(dim=0), empty=0.0)
    return (present + absent).mean() / 2
