"""The hinge loss of every label by itself."""

from torch import Tensor

from model import loss


@loss(label="hinge", source="Cortes and Vapnik 1995, one support vector machine a label")
def hinge(logits: Tensor, y: Tensor, *, margin: float = 1.0) -> Tensor:
    """mean_ij max(0, margin − (2y − 1) z)"""
    return (margin - (2 * y - 1) * logits).relu().mean()
