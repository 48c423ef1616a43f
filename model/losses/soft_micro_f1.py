"""The soft version of micro-averaged F1."""

from torch import Tensor

from model import ratio, soft_metric


@soft_metric(label="Sm-F1", approximates="micro_f1", source="Hurtado, González, Pla 2019, eq. 10")
def soft_micro_f1(o: Tensor, y: Tensor) -> Tensor:
    """2 Σ_i Σ_j y·o / Σ_i Σ_j (y + o)

    0 for a batch with neither labels nor outputs. Gradient, equation 13: 2(D − N)/D² where y = 1,
    −2N/D² where y = 0.
    """
    return ratio(2 * (y * o).sum(), (y + o).sum(), empty=0.0)
