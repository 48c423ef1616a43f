"""Numbers -> a trained network: losses, metrics, the CNN, its training.

    from model import get_loss                      # a plain (logits, targets) callable
    from model import loss, ratio, soft_metric      # to write your own

Names load when first used (PEP 562), so that importing `model.metrics` costs no torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from model.errors import LossError as LossError
    from model.surrogates import get_loss as get_loss
    from model.surrogates import loss as loss
    from model.surrogates import ratio as ratio
    from model.surrogates import soft_metric as soft_metric

_HOMES = {
    "LossError": "model.errors",
    "get_loss": "model.surrogates",
    "loss": "model.surrogates",
    "ratio": "model.surrogates",
    "soft_metric": "model.surrogates",
}

__all__ = ["LossError", "get_loss", "loss", "ratio", "soft_metric"]


def __getattr__(name: str) -> object:
    """Load a public name from its home."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'model' has no attribute {name!r}")
