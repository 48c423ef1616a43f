"""The soft version of macro-averaged F1."""

from torch import Tensor

from model import ratio, soft_metric


@soft_metric(label="SM-F1", approximates="macro_f1", source="Hurtado, González, Pla 2019, eq. 11")
def soft_macro_f1(o: Tensor, y: Tensor) -> Tensor:
    """mean_j [ 2 Σ_i y·o / Σ_i (y + o) ]

    0 for a class with neither labels nor outputs. Gradient, equation 14, with N and D per class:
    (2/n)(D − N)/D² where y = 1, −(2/n) N/D² where y = 0, so 0 for a class absent from the batch.
    """
    return ratio(2 * (y * o).sum(dim=0), (y + o).sum(dim=0), empty=0.0).mean()
