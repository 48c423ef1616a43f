"""Focal loss that weighs negatives down more than positives, and drops the easy ones."""

import torch
from torch import Tensor
from torch.nn import functional

from model import loss


@loss(label="ASL", source="Ridnik et al. 2021")
def asymmetric(
    logits: Tensor,
    y: Tensor,
    *,
    gamma_pos: float = 1.0,
    gamma_neg: float = 4.0,
    clip: float = 0.05,
) -> Tensor:
    """mean_ij [ −y (1 − o)^γ₊ log o − (1 − y) o_c^γ₋ log(1 − o_c) ], o_c = max(0, o − clip)

    The mean, where the authors sum. The bounds of 1e-8, theirs, matter for clip = 0 only.
    """
    hard = (gamma_pos * functional.logsigmoid(-logits)).exp()
    positive = hard * functional.logsigmoid(logits)
    clipped = (torch.sigmoid(logits) - clip).clamp(min=1e-8)
    rest = (torch.sigmoid(-logits) + clip).clamp(min=1e-8, max=1.0)
    negative = clipped.pow(gamma_neg) * rest.log()
    return -(y * positive + (1 - y) * negative).mean()
