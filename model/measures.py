"""What is recorded of a split at an epoch: hard metrics, soft metrics, counts.

All arms of a stack at once and where their logits are, so that no device waits for the host.
"""

from functools import cache
from typing import Any

import torch
from torch import Tensor

from model.metrics import METRICS, precision, recall, split_sums
from model.surrogates import Loss, get_loss

SATURATED = 15.0
"""Beyond this |logit| the sigmoid's derivative is under 3e-7: training cannot move the output."""

SOFT_METRICS = ("soft_accuracy", "soft_micro_f1", "soft_macro_f1")
"""The paper's soft metrics, recorded on full splits at every epoch (its Figure 3)."""


@cache
def _soft_metric(name: str) -> Loss:
    return get_loss(name)


def measure(logits: Tensor, labels: Tensor) -> list[dict[str, Any]]:
    """Metrics of one split by arm and name, in [0, 1].

    Args:
        logits: `[A, m, C]`; where one is not finite, its arm's numbers mean nothing.
        labels: 0/1, `[m, C]`.

    Returns:
        Of each arm every hard metric, `precision`, `recall`, the paper's soft metrics, `saturated`,
        the share of outputs with |logit| above `SATURATED`, and `predicted`, for how many texts
        each label is.
    """
    wide = sum_type(logits.device)
    gold, classes = labels.bool(), labels.shape[1]
    y, o = labels.to(wide), logits.to(wide).sigmoid()
    soft = [torch.vmap(_soft_metric(name).function, (0, None))(o, y) for name in SOFT_METRICS]
    saturated = (logits.abs() > SATURATED).to(wide).mean(dim=(1, 2))
    sums = summed_statistics(gold, logits >= 0, wide)
    values = torch.cat([sums, torch.stack([*soft, saturated], dim=1)], dim=1).cpu().double().numpy()
    totals, rest = values[:, : 3 * classes + 2], values[:, 3 * classes + 2 :]
    named = split_sums(totals)
    columns = {
        **{name: metric(totals) for name, metric in METRICS.items()},
        "precision": precision(named),
        "recall": recall(named),
        **dict(zip((*SOFT_METRICS, "saturated"), rest.T, strict=True)),
    }
    return [
        {
            "predicted": named.predicted[arm].astype(int).tolist(),
            **{name: float(column[arm]) for name, column in columns.items()},
        }
        for arm in range(len(logits))
    ]


def sum_type(device: torch.device) -> torch.dtype:
    """Type in which sums are made: float64 where a device has it."""
    return torch.float32 if device.type == "mps" else torch.float64


def summed_statistics(gold: Tensor, predicted: Tensor, dtype: torch.dtype) -> Tensor:
    """Column sums of `model.metrics.statistics` for every arm.

    Args:
        gold: `[m, C]`.
        predicted: `[A, m, C]`, of arms, or of thresholds.
        dtype: of the sums.

    Returns:
        `[A, 3C + 2]`.
    """
    both, union = predicted & gold, predicted | gold
    shared, either = both.sum(dim=2).to(dtype), union.sum(dim=2).to(dtype)
    jaccard = torch.where(either > 0, shared / either.clamp(min=1), 1.0).sum(dim=1, keepdim=True)
    texts = torch.full_like(jaccard, len(gold))
    counts = [v.sum(dim=1).to(dtype) for v in (both, predicted, gold.expand_as(predicted))]
    return torch.cat([*counts, jaccard, texts], dim=1)
