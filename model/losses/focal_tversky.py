"""A power of the Tversky error that weighs the classes which are still far off."""

import torch
from torch import Tensor

from model import loss, ratio


@loss(label="focal Tversky", source="Abraham and Khan 2019")
def focal_tversky(
    logits: Tensor, y: Tensor, *, alpha: float = 0.3, beta: float = 0.7, gamma: float = 4 / 3
) -> Tensor:
    """mean_j (1 − TP / (TP + α FP + β FN))^(1/γ)

    α weighs false positives and β false negatives, as in `tversky` (their letters are swapped).
    """
    o = torch.sigmoid(logits)
    tp, fp, fn = (y * o).sum(dim=0), ((1 - y) * o).sum(dim=0), (y * (1 - o)).sum(dim=0)
    error = 1 - ratio(tp, tp + alpha * fp + beta * fn, empty=0.0)
    # The slope of a power below 1 is infinite at 0, where a class is learned.
    return error.clamp(min=1e-7).pow(1 / gamma).mean()
