"""Zero-bounded log-sum-exp ranking: gold logits above 0, the others below."""

import math

import torch
from torch import Tensor

from model import loss


@loss(label="ZLPR", source="Su et al. 2022")
def zlpr(logits: Tensor, y: Tensor) -> Tensor:
    """mean_i [ log(1 + Σ_(y=0) e^z) + log(1 + Σ_(y=1) e^−z) ]"""
    gold, zero = y > 0, torch.zeros_like(logits[:, :1])
    others = torch.cat([zero, logits.masked_fill(gold, -math.inf)], dim=1)
    golden = torch.cat([zero, (-logits).masked_fill(~gold, -math.inf)], dim=1)
    return (others.logsumexp(dim=1) + golden.logsumexp(dim=1)).mean()
