"""Hinge loss of every pair of a gold label and another of one text."""

from torch import Tensor

from model import loss, ratio


@loss(label="ranking", ranks=True, source="Weston, Bengio, Usunier 2011; Gong et al. 2014, eq. 3")
def pairwise_ranking(logits: Tensor, y: Tensor, *, margin: float = 1.0) -> Tensor:
    """mean_i mean_(y_q=1, y_p=0) max(0, margin + z_p − z_q)

    0, with gradient 0, for a text with all labels or none. It ranks: no threshold is natural to
    it. Takes memory for b·C² pairs.
    """
    pairs = y[:, :, None] * (1 - y[:, None, :])
    gaps = (margin + logits[:, None, :] - logits[:, :, None]).relu()
    return ratio((pairs * gaps).sum(dim=(1, 2)), pairs.sum(dim=(1, 2)), empty=0.0).mean()
