"""Log-sum-exp pairwise ranking of the labels of a text."""

import math

from torch import Tensor
from torch.nn import functional

from model import loss


@loss(label="LSEP", ranks=True, source="Li, Song, Luo 2017")
def lsep(logits: Tensor, y: Tensor) -> Tensor:
    """mean_i log(1 + Σ_(y_p=0) Σ_(y_q=1) e^(z_p − z_q))

    The double sum is a product of two sums, so it costs no pairs. 0, with gradient 0, for a text
    with all labels or none. It ranks: no threshold is natural to it.
    """
    gold = y > 0
    others = logits.masked_fill(gold, -math.inf).logsumexp(dim=1)
    golden = (-logits).masked_fill(~gold, -math.inf).logsumexp(dim=1)
    return functional.softplus(others + golden).mean()
