"""The soft version of sample-averaged F-beta."""

from torch import Tensor

from model import ratio, soft_metric


@soft_metric(
    label="SS-Fβ", source="example-based F-beta on the counts of Hurtado et al. 2019, eq. 9"
)
def soft_sample_fbeta(o: Tensor, y: Tensor, *, beta: float = 2.0) -> Tensor:
    """mean_i [ (1 + β²) Σ_j y·o / Σ_j (β² y + o) ]

    β = 0 is precision, a large β recall. 1 for a text with neither labels nor outputs.
    """
    shared = (y * o).sum(dim=1)
    return ratio((1 + beta**2) * shared, (beta**2 * y + o).sum(dim=1), empty=1.0).mean()
