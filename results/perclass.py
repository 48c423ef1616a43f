"""Precision, recall and F1 of every class, as in the paper's Tables 4 and 5.

All of it follows from three counts a class: texts in which it is gold, is predicted, is both.
"""

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from model.metrics import METRICS, Floats, quotient
from results.cells import CELL, Cell
from results.classintervals import f1_intervals
from results.judged import Judged
from results.predicted import PROTOCOLS
from results.thresholds import THRESHOLDS

MACRO, MICRO = "MACRO", "MICRO"
"""The rows below the classes: the mean over classes, and all classes counted together."""

WITH_INTERVALS = ("own", "macro_f1")
"""The rules of choosing the epoch under which F1 has an interval."""

PER_CLASS = pa.schema(
    [
        *CELL,
        ("split", pa.string()),
        ("protocol", pa.string()),
        ("chosen_by", pa.string()),  # own, or the metric that chose the epoch
        ("threshold", pa.string()),  # one of results.thresholds.THRESHOLDS
        ("class", pa.string()),  # its name, MACRO or MICRO
        ("status", pa.string()),  # ok if any seed is, else what became of the seeds
        ("precision", pa.float64()),  # in [0, 1], mean over the seeds that predict the class
        ("recall", pa.float64()),  # mean over seeds, as f1; null for a class without gold texts
        ("f1", pa.float64()),  # 0 for a class neither gold nor predicted, as the official scorer
        ("f1_sd", pa.float64()),  # over seeds; null for one
        ("f1_lo", pa.float64()),  # 95% interval over texts and seeds; one seed: over texts
        ("f1_hi", pa.float64()),
        ("tp", pa.float64()),  # texts, means over seeds, as the next three; null for MACRO
        ("fp", pa.float64()),
        ("fn", pa.float64()),
        ("predicted", pa.float64()),
        ("support", pa.int32()),  # gold texts; null for MACRO
        ("never_predicted_seeds", pa.int32()),  # seeds that predict the class for no text
        ("seeds", pa.int32()),  # those in the means
        ("reason", pa.string()),  # why a number is null; '' where none is
    ]
)
"""A row for a cell, rule of choosing the epoch, rule of the threshold, and class."""


def per_class_rows(judged: Judged) -> list[dict[str, Any]]:
    """Rows of `PER_CLASS`: every cell, rule of the epoch and threshold that `scores` has.

    Args:
        judged: the run's cells.

    Raises:
        RecordError: records are damaged or incomplete.
    """
    return [row for cell in judged.cells for row in rows_of_cell(judged, cell)]


def rows_of_cell(judged: Judged, cell: Cell) -> Iterator[dict[str, Any]]:
    """Rows of `PER_CLASS` of one cell.

    Args:
        judged: the run's cells.
        cell: one of them.

    Raises:
        RecordError: records are damaged or incomplete.
    """
    texts = judged.texts[cell.pair]
    facts = {**cell.columns, "split": texts.split, "protocol": PROTOCOLS[texts.split]}
    support = texts.gold.sum(axis=0)
    thresholds = THRESHOLDS[1:] if cell.ranks else THRESHOLDS
    known: dict[bytes, list[tuple[float, float] | None]] = {}
    for rule, threshold in product(("own", *METRICS), thresholds):
        labels = judged.labels(cell, rule, threshold)
        if labels is None:
            continue
        both = [np.count_nonzero(texts.gold & found, axis=0) for found in labels.values()]
        predicted = [np.count_nonzero(found, axis=0) for found in labels.values()]
        rows = rows_of_counts(texts.names, both, predicted, support)
        if labels and rule in WITH_INTERVALS:
            key = np.packbits([*labels.values()]).tobytes()  # both rules often choose alike
            if key not in known:
                known[key] = f1_intervals(texts.gold, [*labels.values()])
            for row, interval in zip(rows, known[key], strict=True):
                row["f1_lo"], row["f1_hi"] = interval or (None, None)
        for row in rows:
            yield {**facts, "chosen_by": rule, "threshold": threshold, **row}


def rows_of_counts(
    names: Sequence[str],
    both: Sequence[NDArray[np.intp]],
    predicted: Sequence[NDArray[np.intp]],
    support: NDArray[np.intp],
) -> list[dict[str, Any]]:
    """What counts say of every class, then MACRO and MICRO: columns of `PER_CLASS`.

    Precision of a class never predicted, and recall of one without gold texts, are undefined: null
    here, and 0 within the macro average, as the official scorer has it.

    Args:
        names: of the C classes.
        both: for each of K seeds, texts in which each class is gold and predicted, `[C]`.
        predicted: likewise, texts in which it is predicted.
        support: texts in which it is gold, `[C]`.
    """
    unknown = dict.fromkeys(PER_CLASS.names[PER_CLASS.names.index("precision") :])
    if not both:
        lost = unknown | {"seeds": 0, "reason": "no seed is ok"}
        return [{"class": name, **lost} for name in (*names, MACRO, MICRO)]
    tp, pp = _with_sum(np.array(both)), _with_sum(np.array(predicted))
    gold = _with_sum(support)
    precision = quotient(tp, pp, empty=np.nan)
    recall = quotient(tp, gold, empty=np.nan)
    f1 = quotient(2 * tp, pp + gold, empty=0.0)
    rows = []
    for place, name in enumerate((*names, MICRO)):
        never = int((pp[:, place] == 0).sum())
        rows.append(
            {
                "class": name,
                **unknown,
                **_over_seeds(precision[:, place], recall[:, place], f1[:, place]),
                "tp": float(tp[:, place].mean()),
                "fp": float((pp - tp)[:, place].mean()),
                "fn": float((gold - tp)[:, place].mean()),
                "predicted": float(pp[:, place].mean()),
                "support": int(gold[place]),
                "never_predicted_seeds": never,
                "reason": _reason(never == len(both), not gold[place]),
            }
        )
    classes = (np.nan_to_num(of[:, :-1]).mean(axis=1) for of in (precision, recall, f1))
    rows.insert(len(names), {"class": MACRO, **unknown, **_over_seeds(*classes), "reason": ""})
    return rows


def _with_sum(counts: NDArray[np.intp]) -> Floats:
    """Counts of the classes, and behind them of all classes together, `[..., C + 1]`."""
    return np.concatenate([counts, counts.sum(axis=-1, keepdims=True)], axis=-1).astype(np.float64)


def _over_seeds(precision: Floats, recall: Floats, f1: Floats) -> dict[str, Any]:
    """Means over the seeds for which a number is defined, `[K]` each; None where it is for none."""
    several = len(f1) > 1
    return {
        "precision": _mean(precision),
        "recall": _mean(recall),
        "f1": float(f1.mean()),
        "f1_sd": float(f1.std(ddof=1)) if several else None,
        "seeds": len(f1),
    }


def _mean(values: Floats) -> float | None:
    """Mean of what is defined."""
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if len(defined) else None


def _reason(never_predicted: bool, without_gold: bool) -> str:
    """Why precision or recall is null."""
    reasons = ["precision: predicted for no text"] * never_predicted
    reasons += ["recall: no text has it"] * without_gold
    return "; ".join(reasons)
