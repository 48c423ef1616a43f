"""The Dice coefficient with squared outputs, by class."""

from torch import Tensor

from model import ratio, soft_metric


@soft_metric(label="Dice", source="Milletari et al. 2016 (V-Net), smoothed as by Li et al. 2020")
def dice(o: Tensor, y: Tensor, *, smoothing: float = 1.0) -> Tensor:
    """mean_j [ (2 Σ_i y·o + s) / (Σ_i (y² + o²) + s) ]

    With smoothing s > 0 a class absent from the batch has a gradient, towards outputs of 0.
    """
    shared = (y * o).sum(dim=0)
    both = (y.square() + o.square()).sum(dim=0)
    return ratio(2 * shared + smoothing, both + smoothing, empty=0.0).mean()
