"""The soft version of micro-averaged F-beta."""

from torch import Tensor

from model import ratio, soft_metric


@soft_metric(
    label="Sm-Fβ", source="van Rijsbergen 1979, on the counts of Hurtado et al. 2019, eq. 10"
)
def soft_micro_fbeta(o: Tensor, y: Tensor, *, beta: float = 2.0) -> Tensor:
    """(1 + β²) ΣΣ y·o / ΣΣ (β² y + o)

    β = 0 is precision, a large β recall. 0 for a batch with neither labels nor outputs.
    """
    return ratio((1 + beta**2) * (y * o).sum(), (beta**2 * y + o).sum(), empty=0.0)
