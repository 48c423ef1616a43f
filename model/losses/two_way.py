"""Gold logits above the others: within a text, and within a class over the batch."""

import math

from torch import Tensor
from torch.nn import functional

from model import loss, ratio


@loss(label="two-way", ranks=True, source="Kobayashi 2023")
def two_way(logits: Tensor, y: Tensor, *, t_pos: float = 4.0, t_neg: float = 1.0) -> Tensor:
    """mean_i s_i + mean_j s_j, s = log(1 + e^(T₋ LSE_(y=0)(z/T₋) + T₊ LSE_(y=1)(−z/T₊)))

    s_i runs over the classes of a text and s_j over the texts of a class; the means are over texts
    and classes with a label, 0 if there are none. It ranks: no threshold is natural to it.
    """
    gold = y > 0
    # An empty sum is -inf, and its softplus 0.
    others = (logits / t_neg).masked_fill(gold, -math.inf)
    golden = (-logits / t_pos).masked_fill(~gold, -math.inf)

    def one_way(dim: int) -> Tensor:
        gaps = t_neg * others.logsumexp(dim=dim) + t_pos * golden.logsumexp(dim=dim)
        return ratio(functional.softplus(gaps).sum(), gold.any(dim=dim).to(y).sum(), empty=0.0)

    return one_way(dim=1) + one_way(dim=0)
