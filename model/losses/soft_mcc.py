"""The soft version of the macro-averaged Matthews correlation coefficient."""

import torch
from torch import Tensor

from model import loss


@loss(label="SM-MCC", source="Abhishek and Hamarneh 2021, by class")
def soft_mcc(logits: Tensor, y: Tensor) -> Tensor:
    """1 − mean_j (TP·TN − FP·FN) / √((TP+FP)(TP+FN)(TN+FP)(TN+FN))

    By class; with means p of y and q of o it is (mean y·o − p q) / √(p (1−p) q (1−q)). A class that
    all texts of the batch have, or none, counts as uncorrelated, with gradient 0.
    """
    o = logits.sigmoid()
    p, q = y.mean(dim=0), o.mean(dim=0)
    covariance = (y * o).mean(dim=0) - p * q
    spread = p * (1 - p) * q * (-logits).sigmoid().mean(dim=0)
    # The root's gradient is infinite at 0, so its argument is replaced there, not its value.
    defined = spread > 1e-30
    root = torch.where(defined, spread, 1.0).sqrt()
    return 1 - torch.where(defined, covariance / root, 0.0).mean()
