"""Cross-entropy rebalanced for texts of several labels, tolerant of negatives."""

from torch import Tensor
from torch.nn import functional

from model import loss


@loss(label="DB", source="Wu et al. 2020")
def distribution_balanced(
    logits: Tensor,
    y: Tensor,
    *,
    prior: Tensor,
    alpha: float = 0.1,
    beta: float = 10.0,
    mu: float = 0.2,
    scale: float = 5.0,
    kappa: float = 0.05,
) -> Tensor:
    """mean_ij w [ y log(1 + e^−(z−ν)) + (1 − y) log(1 + e^λ(z−ν)) / λ ], ν_j = κ log(1/π_j − 1)

    w = α + σ(β (r − μ)), r = (1/π_j) / Σ_l (y_l/π_l): how often class j would be drawn over how
    often text i is, when classes are drawn alike. A text without labels is never drawn, so r is
    as good as infinite. λ is `scale`. Without the focal factor that the authors add.
    """
    rarity = 1 / prior.clamp(min=1e-6)
    repeated = rarity / (y * rarity).sum(dim=1, keepdim=True).clamp(min=1e-6)
    weight = alpha + (beta * (repeated - mu)).sigmoid()
    margin = logits + kappa * prior.logit(eps=1e-6)
    positive, negative = functional.softplus(-margin), functional.softplus(scale * margin) / scale
    return (weight * (y * positive + (1 - y) * negative)).mean()
