"""Cross-entropy with the first coefficient of its power series raised."""

from torch import Tensor
from torch.nn import functional

from model import loss


@loss(label="Poly-1", source="Leng et al. 2022 (PolyLoss)")
def poly_bce(logits: Tensor, y: Tensor, *, epsilon: float = 1.0) -> Tensor:
    """mean_ij [ −log p_t + ε (1 − p_t) ], p_t = o where y = 1, else 1 − o"""
    towards = (2 * y - 1) * logits
    return (epsilon * (-towards).sigmoid() - functional.logsigmoid(towards)).mean()
