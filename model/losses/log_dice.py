"""The negative logarithm of the Dice coefficient, by class."""

import torch
from torch import Tensor

from model import loss


@loss(label="log Dice", source="Wong et al. 2018 (exponential logarithmic loss), with exponent 1")
def log_dice(logits: Tensor, y: Tensor, *, smoothing: float = 1.0) -> Tensor:
    """mean_j −log [ (2 Σ_i y·o + s) / (Σ_i (y + o) + s) ]

    A class far from its labels weighs more than in `dice`. Smoothing s above 0 keeps it finite.
    """
    o = torch.sigmoid(logits)
    shared, both = 2 * (y * o).sum(dim=0), (y + o).sum(dim=0)
    return ((both + smoothing).log() - (shared + smoothing).log()).mean()
