"""Mean squared error of the sigmoid outputs."""

import torch
from torch import Tensor
from torch.nn import functional

from model import loss


@loss(label="MSE", source="baseline of Hurtado, González, Pla 2019")
def mse(logits: Tensor, y: Tensor) -> Tensor:
    """mean_ij (y − o)²"""
    return functional.mse_loss(torch.sigmoid(logits), y)
