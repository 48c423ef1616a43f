"""Mean squared error of the sigmoid outputs."""

import torch
import torch.nn.functional as F
from torch import Tensor

from model import loss


@loss(label="MSE", source="baseline of Hurtado, González, Pla 2019")
def mse(logits: Tensor, y: Tensor) -> Tensor:
    """mean_ij (y − o)²"""
    return F.mse_loss(torch.sigmoid(logits), y)
