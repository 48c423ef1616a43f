"""Cross-entropy and the order of the outputs within a text."""

import torch
from torch import Tensor
from torch.nn import functional

from model import loss, ratio


@loss(label="BCE+LCA", source="Alhuzali and Ananiadou 2021 (SpanEmo), after Yeh et al. 2017")
def correlation_aware_bce(logits: Tensor, y: Tensor, *, alpha: float = 0.2) -> Tensor:
    """(1 − α) BCE + α mean_i mean_(y_p=0, y_q=1) e^(o_p − o_q)

    The mean over pairs is a product of two means. 0 for a text with all labels or none.
    """
    o = torch.sigmoid(logits)
    others, golden = ((1 - y) * o.exp()).sum(dim=1), (y * (-o).exp()).sum(dim=1)
    order = ratio(others * golden, (1 - y).sum(dim=1) * y.sum(dim=1), empty=0.0).mean()
    return (1 - alpha) * functional.binary_cross_entropy_with_logits(logits, y) + alpha * order
