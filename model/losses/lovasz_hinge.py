"""The convex Lovász surrogate of the Jaccard error of a text."""

import torch
from torch import Tensor

from model import loss


@loss(label="Lovász", source="Berman, Rannen Triki, Blaschko 2018")
def lovasz_hinge(logits: Tensor, y: Tensor) -> Tensor:
    """mean_i Σ_k max(0, e_k) (J_k − J_(k−1)), e = 1 − (2y − 1) z falling, J_k = Jaccard error of k

    J_k is the Jaccard error of a text when its k labels of largest e are wrong.
    """
    errors, order = (1 - (2 * y - 1) * logits).sort(dim=1, descending=True)
    gold = y.gather(1, order)
    labels = y.sum(dim=1, keepdim=True)
    shared, union = labels - gold.cumsum(dim=1), labels + (1 - gold).cumsum(dim=1)
    steps = torch.diff(1 - shared / union, dim=1, prepend=torch.zeros_like(labels))
    return (errors.relu() * steps).sum(dim=1).mean()
