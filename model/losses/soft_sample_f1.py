"""The soft version of sample-averaged F1."""

from torch import Tensor

from model import ratio, soft_metric


@soft_metric(label="SS-F1", source="example-based F1 on the counts of Hurtado et al. 2019, eq. 9")
def soft_sample_f1(o: Tensor, y: Tensor) -> Tensor:
    """mean_i [ 2 Σ_j y·o / Σ_j (y + o) ]

    1 for a text with neither labels nor outputs, as in `soft_accuracy`.
    """
    return ratio(2 * (y * o).sum(dim=1), (y + o).sum(dim=1), empty=1.0).mean()
