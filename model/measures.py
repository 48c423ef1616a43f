"""What is recorded of a split at an epoch: hard metrics, soft metrics, counts."""

from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray

from model.metrics import METRICS, precision, recall, split_sums, statistics
from model.surrogates import Loss, get_loss

SATURATED = 15.0
"""Beyond this |logit| the sigmoid's derivative is under 3e-7: training cannot move the output."""

SOFT_METRICS = ("soft_accuracy", "soft_micro_f1", "soft_macro_f1")
"""The paper's soft metrics, recorded on full splits at every epoch (its Figure 3)."""


@cache
def _soft_metric(name: str) -> Loss:
    return get_loss(name)


def measure(logits: NDArray[np.float32], labels: NDArray[np.uint8]) -> dict[str, float]:
    """Metrics of one split in [0, 1], by name.

    Args:
        logits: `[m, C]`, finite.
        labels: 0/1, `[m, C]`.

    Returns:
        Every hard metric, `precision`, `recall`, the paper's soft metrics, and `saturated`, the
        share of outputs with |logit| above `SATURATED`.
    """
    sums = statistics(labels.astype(bool), logits >= 0).sum(axis=0)
    o, y = torch.from_numpy(logits).double().sigmoid(), torch.from_numpy(labels).double()
    return {
        **{name: float(metric(sums)) for name, metric in METRICS.items()},
        "precision": float(precision(split_sums(sums))),
        "recall": float(recall(split_sums(sums))),
        **{name: float(_soft_metric(name).function(o, y)) for name in SOFT_METRICS},
        "saturated": float((np.abs(logits) > SATURATED).mean()),
    }


def predicted_counts(logits: NDArray[np.float32]) -> list[int]:
    """Texts for which each label is predicted, length C."""
    return [int(count) for count in (logits >= 0).sum(axis=0)]
