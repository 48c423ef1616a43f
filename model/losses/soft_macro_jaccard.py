"""The soft version of the macro-averaged Jaccard index."""

from torch import Tensor

from model import ratio, soft_metric


@soft_metric(label="SM-Jac", source="Rahman and Wang 2016, by class")
def soft_macro_jaccard(o: Tensor, y: Tensor) -> Tensor:
    """mean_j [ Σ_i y·o / Σ_i (y + o − y·o) ]

    0 for a class with neither labels nor outputs.
    """
    shared = (y * o).sum(dim=0)
    return ratio(shared, (y + o - y * o).sum(dim=0), empty=0.0).mean()
