"""The soft version of macro-averaged F-beta."""

from torch import Tensor

from model import ratio, soft_metric


@soft_metric(
    label="SM-Fβ", source="van Rijsbergen 1979, on the counts of Hurtado et al. 2019, eq. 11"
)
def soft_macro_fbeta(o: Tensor, y: Tensor, *, beta: float = 2.0) -> Tensor:
    """mean_j [ (1 + β²) Σ_i y·o / Σ_i (β² y + o) ]

    β = 0 is precision, a large β recall. 0 for a class with neither labels nor outputs.
    """
    shared = (y * o).sum(dim=0)
    return ratio((1 + beta**2) * shared, (beta**2 * y + o).sum(dim=0), empty=0.0).mean()
