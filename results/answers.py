"""The answer: which loss to train with, for each metric, corpus and language, in one sentence."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from model.metrics import METRICS
from results.contrast import ALPHA
from results.words import interval, metric_name, p_value, points

Row = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """What a run says of one metric, corpus and language.

    Attributes:
        corpus: its name.
        language: its language.
        metric: a name in `model.metrics.METRICS`.
        sentence: the answer.
        cell: key of the cell to train with; None where nothing can be said.
        row: the row of `results.comparisons.COMPARISONS` behind it, if there is one.
    """

    corpus: str
    language: str
    metric: str
    sentence: str
    cell: str | None
    row: Row | None


def answers(scores: Sequence[Row], comparisons: Sequence[Row]) -> list[Answer]:
    """An answer for every corpus and language and every metric, at tuned thresholds.

    The loss to train with is the best of those shown to beat BCE with a tuned threshold, after
    correction for their number; where there is none, that is the answer.

    Args:
        scores: rows of `results.scores.SCORES`.
        comparisons: rows of `results.comparisons.COMPARISONS`.
    """
    pairs = sorted({(row["corpus"], row["language"]) for row in scores})
    return [
        _answer(pair, metric, _of(scores, pair, metric), _of(comparisons, pair, metric))
        for pair in pairs
        for metric in METRICS
    ]


def _of(rows: Sequence[Row], pair: tuple[str, str], metric: str) -> list[Row]:
    """The rows of a metric, corpus and language at tuned thresholds."""
    return [
        row
        for row in rows
        if (row["corpus"], row["language"]) == pair
        and row["metric"] == metric == row.get("chosen_by", metric)
        and row["threshold"] == "tuned"
    ]


def _answer(
    pair: tuple[str, str], metric: str, scores: Sequence[Row], comparisons: Sequence[Row]
) -> Answer:
    """The answer on one metric, from its rows at tuned thresholds."""
    name = metric_name(metric)
    ranked = sorted(
        (row for row in scores if row["value"] is not None), key=lambda row: -row["value"]
    )
    if not ranked:
        why = "no arm is finished" if scores else "no tuned thresholds, for dev is not recorded"
        return Answer(*pair, metric, f"Nothing can be said of {name} yet: {why}.", None, None)
    to_control = {
        row["a"]: row for row in comparisons if row["family"] != "pair" and row["p"] is not None
    }
    compared = [to_control[row["cell"]] for row in ranked if row["cell"] in to_control]
    better = [row for row in compared if row["p_max_t"] < ALPHA and row["difference"] > 0]
    if better:
        row = better[0]
        sentence = (
            f"Train with {row['label_a']} if you are judged by {name}: "
            f"{points(row['difference'], signed=True)} points over {row['label_b']} with a tuned "
            f"threshold, {interval(row)}{_corrected(row, compared)}."
        )
        return Answer(*pair, metric, sentence, row["a"], row)
    best = ranked[0]
    if not compared:
        return Answer(*pair, metric, _untested(best, name, comparisons), best["cell"], None)
    row = compared[0]
    if best["control"] == best["cell"]:
        sentence = (
            f"Train with {row['label_b']} and a tuned threshold if you are judged by {name}: no "
            f"loss has a better mean; the next, {row['label_a']}, is at "
            f"{points(row['difference'], signed=True)} points, {interval(row)}."
        )
        return Answer(*pair, metric, sentence, best["cell"], row)
    sentence = (
        f"No loss is shown to beat {row['label_b']} with a tuned threshold on {name}: the best, "
        f"{row['label_a']}, is at {points(row['difference'], signed=True)} points, "
        f"{interval(row)}{_corrected(row, compared)}{_would_decide(row)}."
    )
    return Answer(*pair, metric, sentence, row["b"], row)


def _corrected(row: Row, compared: Sequence[Row]) -> str:
    """The p value behind an interval, and for how many comparisons it is corrected."""
    number = sum(one["family"] == row["family"] for one in compared)
    if number == 1:
        return f", {p_value(row['p'])}"
    return f", {p_value(row['p_max_t'])} corrected for all {row['family']} comparisons"


def _would_decide(row: Row) -> str:
    """How many seeds would decide, where some would."""
    if row["seeds_needed"] is None:
        return ""
    return f"; {row['seeds_needed']} seeds would decide it with 80% power"


def _untested(best: Row, name: str, comparisons: Sequence[Row]) -> str:
    """What can be said where nothing was tested."""
    reasons = sorted({row["reason"] for row in comparisons if row["reason"]})
    why = f" ({'; '.join(reasons)})" if reasons else ""
    return (
        f"{best['label']} has the best {name}, {points(best['value'])}, but no loss was tested "
        f"against BCE with a tuned threshold{why}."
    )
