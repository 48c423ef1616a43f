"""The layout of the paper's Tables 4 and 5: precision, recall and F1 of every class, two arms.

The paper's tables fit the rule by which an arm's own metric chooses one epoch: the micro-F1 of
SM-F1 there is not that of its Table 2, where each column has an epoch of its own.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from model.metrics import METRICS
from results.asked import check_metric, check_threshold
from results.errors import RecordError
from results.judged import Judged
from results.labels import cell_labels
from results.layout import (
    PAPER_BATCH,
    PAPER_CORPUS,
    PAPER_LOSSES,
    seeds,
    where,
)
from results.naming import find_pairs
from results.perclass import MACRO, MICRO, rows_of_cell
from results.render import Cell, Table, TwoDecimals
from results.run import Run
from results.stems import stems

Row = dict[str, Any]
"""A row of `results.perclass.PER_CLASS`."""

MEASURES = {"precision": "P", "recall": "R", "f1": "F1"}
"""The columns of an arm, and their headings."""

_THRESHOLDS = {"0.5": "", "tuned": ", one tuned threshold", "per label": ", a threshold a label"}


def named_arms(arms: Sequence[Sequence[Row]]) -> dict[str, Sequence[Row]]:
    """Arms by what columns call them: the loss, and where it is the same the settings as well.

    Args:
        arms: the rows of each, of different cells.
    """
    labels = [rows[0]["label"] for rows in arms]
    if len(set(labels)) < len(arms):
        labels = _told_apart(arms)
    return dict(zip(labels, arms, strict=True))


def title_of(begin: str, arms: Sequence[Sequence[Row]]) -> str:
    """The title of a table of classes.

    Args:
        begin: how it begins.
        arms: the rows of each, of different cells.
    """
    first = arms[0][0]
    by = "the arm's own metric"
    if first["chosen_by"] in METRICS:
        by = METRICS[first["chosen_by"]].label
    named = " and ".join(_told_apart(arms))
    rows = [row for of_arm in arms for row in of_arm]
    return (
        f"{begin}{named}, {where(first)}, by {by}{_THRESHOLDS[first['threshold']]}; {seeds(rows)}"
    )


def _told_apart(arms: Sequence[Sequence[Row]]) -> list[str]:
    """Names of arms, with all in which these differ."""
    named = cell_labels([rows[0] for rows in arms])
    sizes = [rows[0]["batch_size"] for rows in arms]  # 0 of another program's predictions
    several = len({*sizes} - {0}) > 1
    return [
        named[rows[0]["cell"]] + (f" (b={b})" if several and b else "")
        for rows, b in zip(arms, sizes, strict=True)
    ]


def classes_table(name: str, title: str, arms: Mapping[str, Sequence[Row]]) -> Table:
    """Classes down, arms across, in points; the paper's figures below ours where it has them.

    Args:
        name: stem of the table's files.
        title: its title.
        arms: by what an arm is called, its rows of `PER_CLASS` under one rule of the epoch and one
            of the threshold, in their order.
    """
    published = {label: _published(rows[0]) for label, rows in arms.items()}
    both = any(published.values())
    lines: list[tuple[Cell, ...]] = []
    averages = 0
    for of_class in zip(*arms.values(), strict=True):
        name_of_class = of_class[0]["class"]
        if name_of_class == MACRO:
            averages = len(lines)
        ours = [_points(row[measure]) for row in of_class for measure in MEASURES]
        lines.append((name_of_class, *(["run"] if both else []), *ours))
        if both:
            none = dict.fromkeys(MEASURES)
            found = [published[label].get(name_of_class, none) for label in arms]
            lines.append((name_of_class, "paper", *(of[m] for of in found for m in MEASURES)))
    return Table(
        name,
        title,
        (
            "class",
            *(["source"] if both else []),
            *(f"{label} {measure}" for label in arms for measure in MEASURES.values()),
        ),
        tuple(lines),
        tuple(_notes(arms, both)),
        breaks=frozenset({averages}),
        headline=False,
    )


def _points(value: float | None) -> TwoDecimals | None:
    return None if value is None else TwoDecimals(100 * value)


def _notes(arms: Mapping[str, Sequence[Row]], published: bool) -> Iterator[str]:
    """What the numbers are, and which cannot be given."""
    yield (
        "Points. P: precision, R: recall; MACRO: mean over classes; MICRO: of all classes counted "
        "together."
    )
    if any(row["f1_lo"] is not None for rows in arms.values() for row in rows):
        yield "95% intervals of F1 are in `per_class`, a view of `softsweep query`."
    for label, rows in arms.items():
        if not rows[0]["seeds"]:
            yield f"{label}: no seed is ok ({rows[0]['status']}), so there are no numbers."
            continue
        unseen = [
            f"{row['class']} ({row['never_predicted_seeds']} of {row['seeds']} seeds)"
            for row in rows
            if row["never_predicted_seeds"] and row["class"] != MICRO
        ]
        if unseen:
            yield (
                f"{label} never predicts {', '.join(unseen)}: P is over the seeds that do, empty "
                "where none does, and 0 within MACRO."
            )
    without = [row["class"] for row in next(iter(arms.values())) if row["support"] == 0]
    if without:
        yield (
            f"No text has {', '.join(without)}: R cannot be given, and F1 is 0 and lowers MACRO, "
            "as in the official scorer."
        )
    if published:
        yield f"paper: its published figures (test set, b = {PAPER_BATCH}, one run per loss)."


def _published(row: Row) -> dict[str, dict[str, TwoDecimals | None]]:
    """The paper's Table 4 or 5 of an arm by class and measure; empty where it has none of it."""
    measured = row["batch_size"] == PAPER_BATCH and row["threshold"] == "0.5"
    if row["corpus"] != PAPER_CORPUS or not measured:
        return {}
    text = (files("results") / "paper" / "table4_5.csv").read_text(encoding="utf-8")
    return {
        line["class"]: {
            measure: TwoDecimals(line[heading]) for measure, heading in MEASURES.items()
        }
        for line in csv.DictReader(text.splitlines())
        if (line["lang"], PAPER_LOSSES[line["loss"]]) == (row["language"], row["loss"])
    }


def per_class(
    run: str | Path,
    a: str,
    b: str,
    language: str | None = None,
    chosen_by: str = "own",
    threshold: str = "0.5",
) -> list[Table]:
    """Precision, recall and F1 of every class of two cells: the paper's Tables 4 and 5 for any two.

    Example:
        >>> per_class("runs/sample", "soft_macro_f1", "bce")  # doctest: +SKIP

    Args:
        run: the run folder.
        a: a loss, or loss@key=value (`results.naming.find_cell`).
        b: another.
        language: the only one to show; by default each in which both are recorded.
        chosen_by: own, or the metric that chose the epoch of both.
        threshold: for both, one of `results.thresholds.THRESHOLDS`.

    Returns:
        A table, named as `classes_{language}`, for each corpus and language.

    Raises:
        RecordError: the language, a cell, the metric or the threshold is unknown, or not recorded
            for one of the cells, or records are damaged or incomplete.
    """
    if chosen_by != "own":
        check_metric(chosen_by)
    check_threshold(threshold)
    judged = Judged(Run(run))
    pairs = find_pairs(judged.cells, a, b, language)
    named = stems([one.pair for one, _ in pairs])
    judged = judged.only([cell for pair in pairs for cell in pair])
    tables = []
    for pair in pairs:
        arms = [
            [
                row
                for row in rows_of_cell(judged, cell)
                if (row["chosen_by"], row["threshold"]) == (chosen_by, threshold)
            ]
            for cell in pair
        ]
        if not all(arms):
            lacking = next(c for c, rows in zip(pair, arms, strict=True) if not rows)
            raise RecordError(
                f"{run}: {lacking.facts['label']} has no labels at threshold {threshold}, epoch "
                f"chosen by {chosen_by}; a loss that only ranks has them at --threshold tuned"
            )
        title = title_of("Classes: ", arms)
        tables.append(classes_table(f"classes_{named[pair[0].pair]}", title, named_arms(arms)))
    return tables
