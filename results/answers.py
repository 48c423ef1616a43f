"""The answer: which loss to train with, for each metric, corpus and language, in one sentence."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from model.metrics import METRICS
from results.baselines import CONTROL
from results.contrast import ALPHA
from results.labels import full_labels
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
    correction for their number, if no other cell of BCE has a better mean; where there is none,
    that is the answer.

    Args:
        scores: rows of `results.scores.SCORES`.
        comparisons: rows of `results.comparisons.COMPARISONS`.
    """
    pairs = sorted({(row["corpus"], row["language"]) for row in scores})
    families = Counter(
        row["family"] for row in comparisons if row["threshold"] == "tuned" and row["p"] is not None
    )
    return [
        _answer(pair, metric, _of(scores, pair, metric), _of(comparisons, pair, metric), families)
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
    pair: tuple[str, str],
    metric: str,
    scores: Sequence[Row],
    comparisons: Sequence[Row],
    families: Mapping[str, int],
) -> Answer:
    """The answer on one metric, from its rows at tuned thresholds and the sizes of families."""
    ranked = sorted(
        (row for row in scores if row["value"] is not None), key=lambda row: -row["value"]
    )
    if not ranked:
        why = "no arm is finished" if scores else "no tuned thresholds, for dev is not recorded"
        sentence = f"Nothing can be said of {metric_name(metric)} yet: {why}."
        return Answer(*pair, metric, sentence, None, None)
    labels = full_labels(list({row["cell"]: row for row in ranked}.values()))
    to_control = {row["a"]: row for row in comparisons if row["family"] != "pair"}
    tested = {cell: row for cell, row in to_control.items() if row["p"] is not None}
    best_control = next((row for row in ranked if row["loss"] == CONTROL), None)
    if best_control is None or not tested:
        sentence = _untested(ranked[0], labels, metric, to_control)
        return Answer(*pair, metric, sentence, ranked[0]["cell"], None)
    others = [row for row in ranked if row["loss"] != CONTROL and row["cell"] in tested]
    ahead = [row for row in others if row["value"] > best_control["value"]]
    shown = [row for row in ahead if _is_shown(tested[row["cell"]])]
    aside = _untested_above(ranked, shown or ahead or [best_control], labels, to_control)
    name = metric_name(metric)
    if shown:
        row = tested[shown[0]["cell"]]
        sentence = (
            f"Train with {labels[row['a']]} if you are judged by {name}: "
            f"{points(row['difference'], signed=True)} points over {row['label_b']} with a tuned "
            f"threshold, {interval(row)}{_corrected(row, families)}."
        )
        return Answer(*pair, metric, sentence + aside, row["a"], row)
    if ahead:
        row = tested[ahead[0]["cell"]]
        sentence = (
            f"No loss is shown to beat {row['label_b']} with a tuned threshold on {name}: the "
            f"best, {labels[row['a']]}, is at {points(row['difference'], signed=True)} points, "
            f"{interval(row)}{_corrected(row, families)}{_would_decide(row)}."
        )
        return Answer(*pair, metric, sentence + aside, row["b"], row)
    sentence = (
        f"Train with {labels[best_control['cell']]} and a tuned threshold if you are judged by "
        f"{name}: no loss tested has a better mean than its {points(best_control['value'])}"
    )
    against = [row for row in tested.values() if row["b"] == best_control["cell"]]
    if not against:
        return Answer(*pair, metric, f"{sentence}.{aside}", best_control["cell"], None)
    row = max(against, key=lambda row: row["difference"])
    sentence += (
        f"; the next, {labels[row['a']]}, is at {points(row['difference'], signed=True)} points, "
        f"{interval(row)}."
    )
    return Answer(*pair, metric, sentence + aside, best_control["cell"], row)


def _is_shown(row: Row) -> bool:
    """Whether a loss is shown to beat its control, after correction."""
    return bool(row["p_max_t"] < ALPHA and row["difference"] > 0)


def _corrected(row: Row, families: Mapping[str, int]) -> str:
    """The p value behind an interval, and for how many comparisons it is corrected."""
    number = families[row["family"]]
    if number == 1:
        return f", {p_value(row['p'])}"
    return f", {p_value(row['p_max_t'])} corrected for {number} {row['family']} comparisons"


def _would_decide(row: Row) -> str:
    """How many seeds would decide, where some would."""
    if row["seeds_needed"] is None:
        return ""
    return f"; {row['seeds_needed']} seeds would decide it with 80% power"


def _untested_above(
    ranked: Sequence[Row],
    named: Sequence[Row],
    labels: Mapping[str, str],
    to_control: Mapping[str, Row],
) -> str:
    """A sentence on the best of those that stand above the one named but were not tested."""
    above = [
        row
        for row in ranked
        if row["value"] > named[0]["value"]
        and row["loss"] != CONTROL
        and to_control.get(row["cell"], {}).get("p") is None
    ]
    if not above:
        return ""
    reason = to_control.get(above[0]["cell"], {}).get("reason") or "it has no control"
    return f" {labels[above[0]['cell']]} has a better mean, but was not tested: {reason}."


def _untested(
    best: Row, labels: Mapping[str, str], metric: str, to_control: Mapping[str, Row]
) -> str:
    """What can be said where nothing was tested."""
    reason = to_control.get(best["cell"], {}).get("reason")
    if not reason:  # it is BCE itself, or of one seed as all are
        reason = next((row["reason"] for row in to_control.values() if row["reason"]), "")
    return (
        f"{labels[best['cell']]} has the best {metric_name(metric)}, {points(best['value'])}, but "
        f"no loss was tested against BCE with a tuned threshold"
        + (f": {reason}." if reason else ".")
    )
