"""The soft version of subset accuracy: all labels of a text right."""

from torch import Tensor
from torch.nn import functional

from model import loss


@loss(
    label="SSub", source="expected exact match under independent labels (Dembczyński et al. 2012)"
)
def soft_subset_accuracy(logits: Tensor, y: Tensor) -> Tensor:
    """−mean_i Π_j o^y (1 − o)^(1 − y)

    The product is taken as the exponential of the summed cross-entropy, whose gradient needs no
    division. It vanishes with the number of labels that are far off.
    """
    cross_entropy = functional.binary_cross_entropy_with_logits(logits, y, reduction="none")
    return -(-cross_entropy.sum(dim=1)).exp().mean()
