"""How fast and how far each cell learns, and whether its loss tells: one number a learning curve.

Every number is of one seed's curve first, then averaged over seeds; lists keep the seeds apart for
tests. Epochs are counted from 1, warm-up ones included, but a best value and what is said of the
soft metric and the loss are of the epochs after warm-up only, as in training.
"""

import math
from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa

from model.metrics import METRICS, Floats
from results.cells import CELL, Cell
from results.curves import SOFT, SPLITS, Curves
from results.judged import Judged

REACHED = 0.99
"""The share of its best value at which a curve has converged."""

_FEWEST = 3
"""Epochs from which a rank correlation is given."""

CONVERGENCE = pa.schema(
    [
        *CELL,
        ("metric", pa.string()),
        ("split", pa.string()),  # train, dev or test: all that follows was measured there
        ("status", pa.string()),  # ok if any seed is, else what became of the seeds
        ("seeds", pa.int32()),  # those in the means
        ("epochs", pa.int32()),  # trained
        ("updates_per_epoch", pa.int32()),  # train texts / batch size, rounded up
        ("best_epoch", pa.float64()),  # the first with the best value
        ("best_value", pa.float64()),  # in [0, 1]
        ("final_value", pa.float64()),  # at the last epoch
        ("epochs_to_99", pa.float64()),  # the first epoch with 99% of the best value
        ("updates_to_99", pa.float64()),
        ("soft_metric", pa.string()),  # the soft metric of this metric, a column of epochs
        ("soft_gap", pa.float64()),  # soft metric - metric, mean over epochs
        ("soft_exceeds", pa.float64()),  # share of epochs at which the soft metric is greater
        ("soft_correlation", pa.float64()),  # Spearman, soft metric with metric over epochs
        ("loss_correlation", pa.float64()),  # Spearman, train loss with metric over epochs
        ("seed_numbers", pa.list_(pa.int64())),  # the seeds of the lists below
        ("best_epochs", pa.list_(pa.float64())),
        ("best_values", pa.list_(pa.float64())),
        ("epochs_to_99_by_seed", pa.list_(pa.float64())),
        ("soft_exceeds_by_seed", pa.list_(pa.float64())),
        ("loss_correlations", pa.list_(pa.float64())),
        ("reason", pa.string()),  # why numbers are null; '' where none is
    ]
)
"""A row for a cell, metric and recorded split."""


def convergence_rows(judged: Judged, curves: Curves) -> list[dict[str, Any]]:
    """Rows of `CONVERGENCE`: every cell, metric and split that its corpus has curves of.

    Another program's predictions have no curves, and no rows.

    Args:
        judged: the run's cells.
        curves: those of the run.

    Raises:
        RecordError: a part is damaged.
    """
    texts = _train_texts(judged)
    rows = []
    for cell in judged.cells:
        if cell.external:  # nothing is known of its training
            continue
        updates = math.ceil(texts[cell.pair] / cell.facts["batch_size"]) or None
        for split in SPLITS:
            if split == "test" and judged.texts[cell.pair].split != "test":
                continue
            for metric in METRICS:
                facts = {**dict.fromkeys(CONVERGENCE.names), **cell.columns}
                facts |= {"metric": metric, "split": split, "seeds": len(cell.ok)}
                facts |= {"updates_per_epoch": updates}
                rows.append(facts | _of_curves(curves, cell, split, metric, updates))
    return rows


def _train_texts(judged: Judged) -> Counter[tuple[str, str]]:
    """How many texts each corpus and language trains on; 0 where they are not recorded."""
    table = judged.run.examples_table
    columns = (table[name].to_pylist() for name in ("corpus", "language", "split"))
    return Counter(
        (c, language) for c, language, split in zip(*columns, strict=True) if split == "train"
    )


def _of_curves(
    curves: Curves, cell: Cell, split: str, metric: str, updates: int | None
) -> dict[str, Any]:
    """The columns that hang on what was measured."""
    found: dict[str, Any] = {"soft_metric": SOFT.get(metric)}
    hard = curves.of_cell(cell, split, metric)
    if not hard.size or np.isnan(hard).any():
        return found | {"reason": "not measured" if cell.ok else "no seed is ok"}
    warm = _warmup(cell)
    epochs = np.arange(warm + 1, hard.shape[1] + 1)
    after = hard[:, warm:]
    if not after.size:
        return found | {"epochs": hard.shape[1], "reason": "all epochs are warm-up"}
    best = after.max(axis=1)
    best_epoch = epochs[after.argmax(axis=1)]
    reached = epochs[(after >= REACHED * best[:, None]).argmax(axis=1)]
    loss = curves.of_cell(cell, "train", "loss")[:, warm:]
    correlated = [rank_correlation(a, b) for a, b in zip(loss, after, strict=True)]
    found |= {
        "epochs": hard.shape[1],
        "best_epoch": float(best_epoch.mean()),
        "best_value": float(best.mean()),
        "final_value": float(after[:, -1].mean()),
        "epochs_to_99": float(reached.mean()),
        "updates_to_99": float(reached.mean() * updates) if updates else None,
        "loss_correlation": _mean(correlated),
        "seed_numbers": [seed.seed for seed in cell.ok],
        "best_epochs": best_epoch.tolist(),
        "best_values": best.tolist(),
        "epochs_to_99_by_seed": reached.tolist(),
        "loss_correlations": correlated,
    }
    reasons = ["updates: train texts are not recorded"] * (updates is None)
    if (best == after.min(axis=1)).any() and len(epochs) > 1:  # it never learns: it has no best
        found |= dict.fromkeys(_OF_EPOCHS)
        reasons.append("epochs: a seed's curve is constant")
    reasons += ["loss_correlation: a constant curve or too short"] * (None in correlated)
    if metric in SOFT:
        soft = curves.of_cell(cell, split, SOFT[metric])[:, warm:]
        exceeds = (soft > after).mean(axis=1)
        correlated = [rank_correlation(a, b) for a, b in zip(soft, after, strict=True)]
        reasons += ["soft_correlation: a constant curve or too short"] * (None in correlated)
        found |= {
            "soft_gap": float((soft - after).mean()),
            "soft_exceeds": float(exceeds.mean()),
            "soft_correlation": _mean(correlated),
            "soft_exceeds_by_seed": exceeds.tolist(),
        }
    else:
        reasons.append("soft: no soft metric approximates it")
    return found | {"reason": "; ".join(reasons)}


_OF_EPOCHS = (
    "best_epoch",
    "epochs_to_99",
    "updates_to_99",
    "best_epochs",
    "epochs_to_99_by_seed",
)
"""Columns that say when something was reached."""


def _warmup(cell: Cell) -> int:
    """Epochs of warm-up; where the halves chose differently the more."""
    setting = cell.settings.get("warmup_epochs", 0)
    return max(setting.values()) if isinstance(setting, dict) else int(setting)


def rank_correlation(a: Floats, b: Floats) -> float | None:
    """Spearman's rank correlation of two curves `[E]`; None for constant or too short ones."""
    if len(a) < _FEWEST or np.isnan(a).any() or np.ptp(a) == 0 or np.ptp(b) == 0:
        return None
    return float(np.corrcoef(_ranks(a), _ranks(b))[0, 1])


def _ranks(values: Floats) -> Floats:
    """Ranks from 1, equal values sharing the mean of theirs."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: Floats = (counts.cumsum() - (counts - 1) / 2)[place]
    return ranks


def _mean(values: list[float | None]) -> float | None:
    """Mean over seeds, where each has the number."""
    numbers = [value for value in values if value is not None]
    return float(np.mean(numbers)) if len(numbers) == len(values) else None
