"""Cross-entropy against targets that are less than certain."""

from torch import Tensor
from torch.nn import functional

from model import loss


@loss(label="smoothed BCE", source="Szegedy et al. 2016; Müller, Kornblith, Hinton 2019")
def label_smoothing(logits: Tensor, y: Tensor, *, epsilon: float = 0.1) -> Tensor:
    """mean_ij [ −y' log o − (1 − y') log(1 − o) ], y' = (1 − ε) y + ε/2"""
    smooth = (1 - epsilon) * y + epsilon / 2
    return functional.binary_cross_entropy_with_logits(logits, smooth)
