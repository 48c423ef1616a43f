"""Thresholds other than 0.5: one for all labels, or one for each, tuned for a metric.

A threshold lies on the scale of logits: a label is predicted iff its logit is at least that. Tuning
tries thresholds just below the logits of gold labels; lower ones would predict more without finding
more. Label for label, a step changes one column of predictions, so the metric of every candidate
follows from the sums of `model.metrics.statistics` without those of the other labels.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.metrics import Floats, Metric, statistics

THRESHOLDS = ("0.5", "tuned", "per label")
"""The rules by which outputs become labels; 0.5 is a logit of 0."""

_CANDIDATES = {"tuned": 100, "per label": 50}
"""Most candidates, spread evenly over the gold labels' logits."""

_PASSES = 5
"""Most passes over the labels; two or three are usual."""

_ALIKE = 1e-12
"""Values of a metric closer than this are equal but for rounding."""


def operating_point(settings: Mapping[str, Any]) -> str:
    """The rule that a loss is first judged by: 0.5, or a tuned threshold where it only ranks."""
    return "tuned" if settings.get("ranks") else "0.5"


class Tuning:
    """The thresholds that suit logits best, by any metric."""

    def __init__(self, logits: NDArray[np.float32], gold: NDArray[np.bool_]) -> None:
        """Take what to tune on: nothing that is to be scored.

        Args:
            logits: `[m, C]`, finite.
            gold: gold labels, `[m, C]`.
        """
        self._logits = logits.astype(np.float64)
        self._gold = gold

    def tuned(self, metric: Metric) -> float:
        """The logit from which on any label is best predicted; of equals the nearest to 0."""
        cuts, sums = self._for_all_labels
        return float(cuts[_first_best(metric(sums))])

    def per_label(self, metric: Metric) -> Floats:
        """The logit from which on each label is best predicted, `[C]`.

        Found label by label, from the best common threshold on, until a pass gains nothing. So it
        is never worse than that one on what it is tuned on, but may miss the very best set.
        """
        gold, classes = self._gold, self._gold.shape[1]
        cuts, predicted, counts = self._by_label
        chosen = np.full(classes, self.tuned(metric))
        labels = self._logits >= chosen
        sums = statistics(gold, labels).sum(axis=0)
        value = float(metric(sums))
        for _ in range(_PASSES):
            before = chosen.copy()
            shared, union = (labels & gold).sum(axis=1), (labels | gold).sum(axis=1)
            for label in range(classes):
                here, is_gold = labels[:, label], gold[:, label]
                shared_else, union_else = shared - (here & is_gold), union - (here | is_gold)
                # Jaccard of each text if this label is not predicted, and what predicting it adds.
                without = _jaccard(shared_else, union_else + is_gold)
                added = _jaccard(shared_else + is_gold, union_else + 1) - without
                tried = np.repeat(sums[None], cuts.shape[1], axis=0)
                tried[:, [label, classes + label]] = counts[label]
                tried[:, -2] = without.sum() + predicted[label] @ added
                values = metric(tried)
                best = _first_best(values)
                gain = values[best] - value
                nearer = abs(cuts[label, best]) < abs(chosen[label])
                if gain > _ALIKE or (gain > -_ALIKE and nearer):
                    chosen[label], value, sums = cuts[label, best], values[best], tried[best]
                    labels[:, label] = self._logits[:, label] >= chosen[label]
                    shared = shared_else + (labels[:, label] & is_gold)
                    union = union_else + (labels[:, label] | is_gold)
            if (chosen == before).all():
                break
        return chosen

    @cached_property
    def _for_all_labels(self) -> tuple[Floats, Floats]:
        """Candidates for all labels, nearest to 0 first, `[K]`, and their sums `[K, 3C + 2]`."""
        logits, gold = self._logits, self._gold
        texts, classes = gold.shape
        cuts = np.sort(_candidates(logits.ravel(), gold.ravel(), _CANDIDATES["tuned"]))
        # At how many of the cuts, from the lowest on, each label of each text is predicted.
        reached = np.searchsorted(cuts, logits, side="right")
        by_text = _predicted_at(reached, np.arange(texts)[:, None], texts, len(cuts))
        shared = _predicted_at(reached, np.arange(texts)[:, None], texts, len(cuts), gold)
        by_label = _predicted_at(reached, np.arange(classes), classes, len(cuts))
        both = _predicted_at(reached, np.arange(classes), classes, len(cuts), gold)
        jaccard = _jaccard(shared, by_text + gold.sum(axis=1)[:, None] - shared).sum(axis=0)
        shape = (len(cuts), classes)
        sums = [both.T, by_label.T, np.broadcast_to(gold.sum(axis=0), shape), jaccard]
        order = np.argsort(np.abs(cuts), kind="stable")
        return cuts[order], np.column_stack([*sums, np.full(len(cuts), texts)])[order]

    @cached_property
    def _by_label(self) -> tuple[Floats, Floats, Floats]:
        """Candidates for each label, nearest to 0 first, and what they predict.

        Returns:
            Cuts `[C, K]`; predictions `[C, K, m]` as 0 and 1; gold and predicted texts, and
            predicted texts, `[C, K, 2]`.
        """
        logits, gold = self._logits.T, self._gold.T
        most = _CANDIDATES["per label"]
        found = [_candidates(row, mask, most) for row, mask in zip(logits, gold, strict=True)]
        cuts = np.zeros((len(found), max(map(len, found))))  # those that some lack are 0 again
        for row, candidates in zip(cuts, found, strict=True):
            row[: len(candidates)] = candidates
        cuts = np.take_along_axis(cuts, np.argsort(np.abs(cuts), axis=1, kind="stable"), axis=1)
        predicted = (logits[:, None] >= cuts[:, :, None]).astype(np.float64)
        counts = predicted @ np.stack([gold, np.ones_like(gold)], axis=2).astype(np.float64)
        return cuts, predicted, counts


def _candidates(values: Floats, gold: NDArray[np.bool_], most: int) -> Floats:
    """Thresholds halfway below gold values, one above all values, and 0, `[<= most + 2]`."""
    ordered, wanted = np.unique(values), np.unique(values[gold])
    if len(wanted) > most:
        wanted = wanted[np.linspace(0, len(wanted) - 1, most).round().astype(int)]
    place = np.searchsorted(ordered, wanted)
    below = np.where(place > 0, ordered[place - 1], wanted - 1)
    return np.concatenate([(wanted + below) / 2, [ordered[-1] + 1, 0.0]])


def _predicted_at(
    reached: NDArray[np.intp],
    rows: NDArray[np.intp],
    number: int,
    cuts: int,
    where: NDArray[np.bool_] | None = None,
) -> NDArray[np.intp]:
    """How many labels of a row (a text or a class) are predicted at each cut, `[number, cuts]`.

    Args:
        reached: number of cuts, from the lowest on, at which a label is predicted, `[m, C]`.
        rows: the row that each counts for, broadcast to `[m, C]`.
        number: of rows.
        cuts: their number.
        where: labels to count, `[m, C]`; all by default.
    """
    flat = rows * (cuts + 1) + reached
    chosen = flat.ravel() if where is None else flat[where]
    counts = np.bincount(chosen, minlength=number * (cuts + 1)).reshape(number, cuts + 1)
    from_the_top: NDArray[np.intp] = counts[:, :0:-1].cumsum(axis=1)[:, ::-1]
    return from_the_top


def _jaccard(shared: NDArray[np.intp], union: NDArray[np.intp]) -> Floats:
    """Shared by united labels; 1 where there are none, as in `model.metrics.statistics`."""
    return np.where(union > 0, shared / np.maximum(union, 1), 1.0)


def _first_best(values: Floats) -> int:
    """The first of the values that equal the greatest."""
    return int(np.argmax(values >= values.max() - _ALIKE))
