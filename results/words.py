"""Comparisons in words: what a number means, and what it cannot mean."""

from collections.abc import Mapping
from typing import Any

from model.metrics import METRICS
from results.contrast import ALPHA
from results.inference import MOST_SEEDS

ENOUGH_SEEDS = 5
"""Seeds from which on a test hangs little on luck with them."""

_NAMES = {"acc": "accuracy (Jaccard)", "macro_f1": "macro-F1", "micro_f1": "micro-F1"}

_AT = {"0.5": "at 0.5", "tuned": "with a tuned threshold", "per label": "with tuned thresholds"}

Row = Mapping[str, Any]
"""A row of `results.comparisons.COMPARISONS`."""


def metric_name(metric: str) -> str:
    """A metric in a sentence: "macro-F1"."""
    return _NAMES.get(metric, METRICS[metric].label if metric in METRICS else metric)


def at_threshold(threshold: str) -> str:
    """A rule of the threshold behind a loss: "with a tuned threshold"."""
    return _AT[threshold]


def points(value: float, signed: bool = False, digits: int = 1) -> str:
    """A share in points: 4.1, or +4.1; the minus sign is a minus sign, and 0 has none."""
    said = f"{100 * value:{'+' if signed else ''}.{digits}f}".replace("-", "−")
    return said if said.strip("+−0.") else f"{0:.{digits}f}"


def interval(row: Row) -> str:
    """The interval and what it covers: "95% interval 2.9 to 5.2, 5 seeds"."""
    ends = f"95% interval {points(row['lo'])} to {points(row['hi'])}"
    if row["seeds"] == 1:
        return f"{ends} over texts alone, one seed"
    return f"{ends}, {row['seeds']} seeds"


def p_value(p: float) -> str:
    """A p value: "p = 0.021", "p < 0.0001"."""
    return "p < 0.0001" if p < 1e-4 else f"p = {p:.4f}" if p < 0.001 else f"p = {p:.3f}"


def verdict(row: Row) -> str:
    """Whether a comparison decides, in one sentence; by the corrected p where there is one."""
    a, b = row["label_a"], f"{row['label_b']} {at_threshold(row['threshold'])}"
    judged = f"judged by {metric_name(row['metric'])}"
    if row["difference"] is None:
        return f"{a} cannot be compared with {row['label_b'] or 'BCE'}, {judged}: {row['reason']}."
    found = f"{points(row['difference'], signed=True)} points, {interval(row)}"
    if row["p"] is None:
        return f"{a} against {b}, {judged}: {found}. No test: {row['reason']}."
    tested = f"{found}, {p_value(row['p'])}"
    if row["p"] >= ALPHA:
        return f"{a} and {b} are not shown to differ, {judged}: {tested}."
    better = "better" if row["difference"] > 0 else "worse"
    if row["p_max_t"] is not None and row["p_max_t"] >= ALPHA:
        return (
            f"{a} would be {better} than {b}, {judged}, were this the only comparison: {tested}; "
            f"corrected for all {row['family']} ones they are not shown to differ, "
            f"{p_value(row['p_max_t'])}."
        )
    return f"{a} is {better} than {b}, {judged}: {tested}."


def caveats(row: Row) -> list[str]:
    """What to know before believing a comparison, a sentence each."""
    said: list[str] = []
    if row["difference"] is None or row["p"] is None:
        return said
    corrected = row["p_max_t"]
    if corrected is not None:
        said.append(
            f"Corrected for all {row['family']} comparisons with BCE in this run: "
            f"{p_value(corrected)} (max-T), {p_value(row['p_holm'])} (Holm)."
        )
    if row["seeds"] < ENOUGH_SEEDS:
        said.append(
            f"{row['seeds']} seeds are few: the interval allows for that, but how much seeds vary "
            f"is known from {row['seeds']} values only, and flipping their signs cannot give a p "
            f"below {row['sign_flip_floor']:g}. Five seeds or more decide better."
        )
    if (row["p"] if corrected is None else corrected) >= ALPHA:
        said.append(_what_would_decide(row))
    if row["unlike"]:
        said.append(f"Not only the losses differ: {row['unlike']} (first and second).")
    return said


def _what_would_decide(row: Row) -> str:
    """The smallest difference that would have been found, and what would decide this one."""
    text = (
        f"At {row['seeds']} seeds and {row['texts']:,} texts, a difference of "
        f"{points(row['detectable'])} points is found with 80% power"
        + (" after correction" if row["p_max_t"] is not None else "")
    )
    if not row["difference"]:
        return f"{text}."
    ways = []
    if row["seeds_needed"] is not None:
        ways.append(f"{row['seeds_needed']} seeds")
    if row["texts_needed"] is not None:
        ways.append(f"{row['texts_needed']:,} texts with as many seeds")
    if ways:
        return f"{text}; one of {points(abs(row['difference']))} would take {' or '.join(ways)}."
    return (
        f"{text}; one of {points(abs(row['difference']))} neither {MOST_SEEDS:,} seeds on these "
        "texts would decide, nor a thousand times the texts with these seeds."
    )
