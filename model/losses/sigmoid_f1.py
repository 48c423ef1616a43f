"""Macro-F1 with counts through a sigmoid of its own slope and offset."""

from torch import Tensor

from model import loss, ratio


@loss(label="sigmoidF1", source="Bénédict, Koops, Odijk, de Rijke 2022")
def sigmoid_f1(logits: Tensor, y: Tensor, *, beta: float = 2.0, eta: float = 0.0) -> Tensor:
    """1 − mean_j [ 2 Σ_i y·s / Σ_i (y + s) ], s = σ(β (z + η))

    On logits, as in the paper. β and η are tuned there for each data set; β = 1, η = 0 is
    `soft_macro_f1`.
    """
    s = (beta * (logits + eta)).sigmoid()
    return 1 - ratio(2 * (y * s).sum(dim=0), (y + s).sum(dim=0), empty=0.0).mean()
