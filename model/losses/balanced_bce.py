"""Cross-entropy in which the presence and the absence of every label weigh the same."""

from torch import Tensor
from torch.nn import functional

from model import loss, ratio


@loss(label="balanced BCE", source="King and Zeng 2001 (weights inverse to frequency), by class")
def balanced_bce(logits: Tensor, y: Tensor, *, prior: Tensor) -> Tensor:
    """mean_ij [ −y log o / (2π_j) − (1 − y) log(1 − o) / (2 (1 − π_j)) ]

    π is the frequency of a label in train; an outcome that train lacks weighs nothing.
    """
    half = prior.new_full(prior.shape, 0.5)
    weight = y * ratio(half, prior, empty=0.0) + (1 - y) * ratio(half, 1 - prior, empty=0.0)
    return functional.binary_cross_entropy_with_logits(logits, y, weight)
