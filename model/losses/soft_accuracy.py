"""The soft version of Accuracy, the sample-averaged Jaccard index."""

from torch import Tensor

from model import ratio, soft_metric


@soft_metric(label="SAcc", approximates="acc", source="Hurtado, González, Pla 2019, eq. 9")
def soft_accuracy(o: Tensor, y: Tensor) -> Tensor:
    """mean_i [ Σ_j y·o / Σ_j (y + o − y·o) ]

    A text without labels and without outputs is accurate (1), as in the official scorer. Gradient,
    equation 12: 1/(m U) where y = 1, −I/(m U²) where y = 0, so 0 for a text without labels.
    """
    shared = (y * o).sum(dim=1)
    union = (y + o - y * o).sum(dim=1)
    return ratio(shared, union, empty=1.0).mean()
