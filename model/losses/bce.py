"""Binary cross-entropy, the usual loss of multi-label classifiers."""

from torch import Tensor
from torch.nn import functional

from model import loss


@loss(label="BCE", source="baseline of Hurtado, González, Pla 2019")
def bce(logits: Tensor, y: Tensor) -> Tensor:
    """mean_ij [ −y log o − (1 − y) log(1 − o) ]

    Computed from logits, so it is finite everywhere.
    """
    return functional.binary_cross_entropy_with_logits(logits, y)
