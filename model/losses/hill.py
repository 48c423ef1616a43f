"""A loss that trusts confident outputs against missing labels."""

import torch
from torch import Tensor
from torch.nn import functional

from model import loss


@loss(label="Hill", source="Zhang et al. 2021")
def hill(
    logits: Tensor, y: Tensor, *, lamb: float = 1.5, margin: float = 1.0, gamma: float = 2.0
) -> Tensor:
    """mean_ij [ −y (1 − o_m)^γ log o_m + (1 − y) (λ − o) o² ], o_m = σ(z − margin)

    A negative whose output is high is pushed down less: its label may be missing.
    """
    shifted = logits - margin
    positive = -(gamma * functional.logsigmoid(-shifted)).exp() * functional.logsigmoid(shifted)
    o = torch.sigmoid(logits)
    return (y * positive + (1 - y) * (lamb - o) * o.square()).mean()
