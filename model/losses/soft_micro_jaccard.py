"""The soft version of the micro-averaged Jaccard index."""

from torch import Tensor

from model import ratio, soft_metric


@soft_metric(label="Sm-Jac", source="Rahman and Wang 2016")
def soft_micro_jaccard(o: Tensor, y: Tensor) -> Tensor:
    """ΣΣ y·o / ΣΣ (y + o − y·o)

    0 for a batch with neither labels nor outputs.
    """
    shared = (y * o).sum()
    return ratio(shared, (y + o).sum() - shared, empty=0.0)
