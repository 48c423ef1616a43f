"""Cross-entropy of logits moved by the log odds of their labels."""

from torch import Tensor
from torch.nn import functional

from model import loss


@loss(label="LA-BCE", source="Menon et al. 2021, for each label by itself")
def logit_adjusted_bce(
    logits: Tensor, y: Tensor, *, prior: Tensor, temperature: float = 1.0
) -> Tensor:
    """BCE of z + τ log(π_j / (1 − π_j)), π_j the frequency of label j in train

    The network learns what a text says beyond the prior, so rare labels are predicted more often.
    """
    adjusted = logits + temperature * prior.logit(eps=1e-6)
    return functional.binary_cross_entropy_with_logits(adjusted, y)
