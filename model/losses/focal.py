"""Cross-entropy that weighs down what is already right."""

from torch import Tensor
from torch.nn import functional

from model import loss


@loss(label="focal", source="Lin et al. 2017")
def focal(logits: Tensor, y: Tensor, *, gamma: float = 2.0, alpha: float = 0.25) -> Tensor:
    """mean_ij [ −α_t (1 − p_t)^γ log p_t ], p_t = o, α_t = α where y = 1, else 1 − o, 1 − α

    The power is taken of log(1 − p_t), so that its gradient is finite for every γ.
    """
    towards = (2 * y - 1) * logits
    share = alpha * y + (1 - alpha) * (1 - y)
    hard = (gamma * functional.logsigmoid(-towards)).exp()
    return -(share * hard * functional.logsigmoid(towards)).mean()
