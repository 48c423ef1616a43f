"""Losses that rank leave open from which logit on a label is present: dev tells, metric by metric.

0 stands for a probability of 0.5, which means nothing to them.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from model.measures import sum_type, summed_statistics
from model.metrics import METRICS, Floats, precision, recall, split_sums

CANDIDATES = 50
"""Thresholds tried: that many of the logits themselves, evenly spread over their ranks."""

PLACES = 2**24
"""Texts x classes x thresholds looked at together; bounds the memory taken."""


def tune(logits: Tensor, labels: Tensor) -> dict[str, float]:
    """The threshold at which each hard metric is best; of equally good ones, the lowest.

    Args:
        logits: of one arm, `[m, C]`.
        labels: 0/1, `[m, C]`.
    """
    ordered = logits.flatten().sort().values
    spread = torch.arange(CANDIDATES, device=logits.device)
    candidates = ordered[spread * (len(ordered) - 1) // (CANDIDATES - 1)]
    sums = _sums(logits, labels, candidates)
    return {name: float(candidates[metric(sums).argmax()]) for name, metric in METRICS.items()}


def measure_at(
    thresholds: Mapping[str, float], own_metric: str, logits: Tensor, labels: Tensor
) -> dict[str, Any]:
    """Each hard metric at its threshold; `precision`, `recall`, `predicted` at the own metric's.

    Args:
        thresholds: by metric.
        own_metric: of the loss.
        logits: of one arm, `[m, C]`.
        labels: 0/1, `[m, C]`.
    """
    at = torch.tensor(list(thresholds.values()), dtype=logits.dtype, device=logits.device)
    sums = dict(zip(thresholds, _sums(logits, labels, at), strict=True))
    own = split_sums(sums[own_metric])
    return {
        **{name: float(METRICS[name](sums[name])) for name in thresholds},
        "precision": float(precision(own)),
        "recall": float(recall(own)),
        "predicted": own.predicted.astype(int).tolist(),
    }


def _sums(logits: Tensor, labels: Tensor, thresholds: Tensor) -> Floats:
    """Sums of `model.metrics.statistics` at each threshold: `[T]` -> `[T, 3C + 2]`."""
    gold, wide = labels.bool(), sum_type(logits.device)
    at_once = thresholds[:, None, None].split(max(1, PLACES // logits.numel()))
    sums = torch.cat([summed_statistics(gold, logits >= some, wide) for some in at_once])
    return sums.cpu().double().numpy()
