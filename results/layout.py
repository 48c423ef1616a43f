"""The layout of the paper's Tables 2 and 3: losses down, metrics across.

The files of `results/tables` choose which scores go in and what the title says.
"""

import csv
import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from model.metrics import METRICS
from results.labels import cell_labels, several_batches, with_batch
from results.render import Cell, Figure, Table
from results.schemas import EXTERNAL
from results.stems import stems
from results.thresholds import operating_point

Score = dict[str, Any]
"""A row of `results.scores.SCORES`."""

LOSS_ORDER = ("soft_accuracy", "soft_macro_f1", "soft_micro_f1", "bce", "mse")
"""The order of rows in the paper; other losses follow by name."""

LANGUAGES = {"ar": "Arabic", "en": "English", "es": "Spanish"}
"""Names of languages in titles; others go by their code."""

PAPER_CORPUS = "semeval2018-ec"
"""The corpus on which the paper's figures were measured."""

PAPER_BATCH = 16
"""The batch size at which the paper's Tables 2 and 3 were measured."""

PAPER_TABLES = {"en": 2, "es": 3}
"""Numbers of the paper's tables of scores, by language."""

STAND_IN = "sample"
"""The built-in corpus that stands in for the paper's, in tables of the same titles."""

UNSCORED = (
    "unscored: no predictions for the test split, which arrived later: no weights were kept (or "
    "`softsweep score` was not run since), or none were imported for it."
)
"""What it means that a cell has no number though its arms are ok."""

_LAST = 2**31
"""Orders imported predictions, which have no batch size, behind all others."""

TUNED_MARK = "‡"
"""Behind a loss that is shown at a tuned threshold, for it has no other."""

PAPER_LOSSES = {
    "SAcc": "soft_accuracy",
    "SM-F1": "soft_macro_f1",
    "Sm-F1": "soft_micro_f1",
    "BCE": "bce",
    "MSE": "mse",
}
"""Names of losses in the paper's tables, and ours."""

_PAPER_COLUMNS = {"acc": "Acc", "macro_f1": "MF1", "micro_f1": "mF1"}


def by_language(scores: Sequence[Score], rule: str) -> list[tuple[str, list[Score]]]:
    """Scores under one rule, a table's worth at a time.

    Args:
        scores: rows of `SCORES`; those at the threshold that a loss is first judged at are kept.
        rule: the `chosen_by` to keep; "metric" keeps each metric at the epoch it chose.

    Returns:
        For each corpus and language: a stem for file names and the scores.
    """
    groups: dict[tuple[str, str], list[Score]] = {}
    for score in scores:
        chosen = score["chosen_by"] == (score["metric"] if rule == "metric" else rule)
        if chosen and is_first(score):
            groups.setdefault((score["corpus"], score["language"]), []).append(score)
    named = stems(list(groups))
    return [(named[pair], groups[pair]) for pair in sorted(groups, key=lambda pair: pair[::-1])]


def heading(
    row: Mapping[str, Any], numbers: Mapping[str, int] = PAPER_TABLES, otherwise: str = "Scores"
) -> tuple[str, str]:
    """How the title and the file name of a table begin: the paper's tables go by number.

    Args:
        row: any of the table's.
        numbers: the paper's, by language.
        otherwise: what the table is of.

    Returns:
        "Table 2: " and "table2_", or "Scores: " and "scores_".
    """
    number = numbers.get(row["language"])
    if number is None or row["corpus"] not in (PAPER_CORPUS, STAND_IN):
        return f"{otherwise}: ", f"{otherwise.lower()}_"
    return f"Table {number}: ", f"table{number}_"


def where(score: Score) -> str:
    """Language, corpus, split and protocol, for a title."""
    language = LANGUAGES.get(score["language"], score["language"])
    if score["protocol"] == "dev halves":
        split = "dev set, two-halves rule: epoch chosen on one half, scored on the other"
    else:
        split = "test set, epoch chosen on dev"
    return f"{language} ({score['corpus']}), {split}"


def seeds(scores: Sequence[Score]) -> str:
    """How many seeds the rows are means of, for a title."""
    least, most = (end(score["seeds"] for score in scores) for end in (min, max))
    if most == 1:
        return "one seed"
    return f"mean over {most} seeds" if least == most else f"mean over {least} to {most} seeds"


def scores_table(name: str, title: str, scores: Sequence[Score], headline: bool = True) -> Table:
    """Losses down, metrics across, `value ± half-width` in points, the best of a column marked.

    A column `b` appears where batch sizes differ, settings that differ are named beside the loss,
    and the paper's figures stand on the right where they were measured on the same corpus.

    Args:
        name: stem of the table's files.
        title: its title.
        scores: of one corpus and language, one per cell and metric.
        headline: whether the command line prints the table.
    """
    cells: dict[str, dict[str, Score]] = {}
    for score in scores:
        cells.setdefault(score["cell"], {})[score["metric"]] = score
    metrics = [metric for metric in METRICS if any(metric in cell for cell in cells.values())]
    named = cell_labels([next(iter(cell.values())) for cell in cells.values()])
    ordered = sorted(cells.values(), key=lambda cell: cell_order(next(iter(cell.values())), named))
    firsts = [next(iter(cell.values())) for cell in ordered]
    published = published_scores(firsts[0])
    several = several_batches(firsts)
    at_half = [cell for cell, first in zip(ordered, firsts, strict=True) if not only_ranks(first)]
    best = {
        metric: max((c[metric]["value"] or 0.0 for c in at_half if metric in c), default=0.0)
        for metric in metrics
    }
    rows: list[tuple[Cell, ...]] = []
    for cell, first in zip(ordered, firsts, strict=True):
        paper = published.get(first["loss"], {}) if first["batch_size"] == PAPER_BATCH else {}
        rows.append(
            (
                named[first["cell"]] + TUNED_MARK * only_ranks(first),
                *([first["batch_size"] or None] if several else []),
                *(_starred(cell.get(metric), best[metric]) for metric in metrics),
                *(paper.get(metric) for metric in metrics if published),
            )
        )
    headings = [METRICS[metric].label for metric in metrics]
    beside = [f"paper {heading}" for heading in headings if published]
    return Table(
        name,
        title,
        ("Loss", *(["b"] if several else []), *headings, *beside),
        tuple(rows),
        tuple(_notes(firsts, bool(published))),
        frozenset(
            row
            for row in range(1, len(firsts))
            if firsts[row]["batch_size"] != firsts[row - 1]["batch_size"]
        ),
        frozenset([*headings, *beside]),
        headline,
    )


def _starred(score: Score | None, best: float) -> Cell:
    """A score beside the others of the paper's tables; one at a tuned threshold is never best."""
    if score is None:
        return None
    is_best = score["value"] == best and not only_ranks(score)
    return figure(score, best=is_best, star=bool(score["paper_star"]))


def figure(score: Score | None, *, best: bool, star: bool = False) -> Cell:
    """A score in points, or what became of the cell; empty where there is no such score.

    Args:
        score: a row of `results.scores.SCORES`.
        best: whether it is the best of its column.
        star: whether it has the paper's asterisk.
    """
    if score is None:
        return None
    if score["value"] is None:
        return str(score["status"])
    return Figure(
        100 * score["value"], 100 * score["half_width"], star, best, score["seeds_failed"] > 0
    )


def is_first(score: Score) -> bool:
    """Whether a score is at the threshold that its loss is first judged by."""
    return bool(score["threshold"] == operating_point(json.loads(score["settings"])))


def only_ranks(score: Score) -> bool:
    """Whether a score is of a loss without a natural threshold."""
    return bool(json.loads(score["settings"]).get("ranks"))


def cell_order(score: Score, named: dict[str, str]) -> tuple[int, int, str, str]:
    """Batch size, then the paper's order of losses, then settings; imported predictions last."""
    loss = score["loss"]
    place = LOSS_ORDER.index(loss) if loss in LOSS_ORDER else len(LOSS_ORDER)
    return (score["batch_size"] or _LAST, place, loss, named[score["cell"]])


def _notes(firsts: Sequence[Score], published: bool) -> list[str]:
    """What the signs mean and what the intervals cover."""
    first = firsts[0]
    notes = [
        f"± half the width of the 95% percentile interval over {first['resamples']:,} resamples of "
        f"{first['texts']:,} texts, at the mean over seeds: it covers the choice of texts, not of "
        "seeds.",
        "* the paper's rule: the interval of one run (mean over seeds) lies above those of BCE "
        "and MSE of the same settings, where those are recorded.",
    ]
    if any(score["seeds_ok"] == 1 for score in firsts):
        notes.append(
            "With one seed, a star says these trained networks differ, not that the losses do."
        )
    if mixed := trained_unlike(firsts):
        notes.append(
            f"These arms were not all trained alike: they differ in {' and '.join(mixed)}, which "
            "alone can change their numbers."
        )
    if any(only_ranks(score) for score in firsts):
        notes.append(
            f"{TUNED_MARK} a loss that only ranks the labels: shown at the threshold tuned on what "
            "chose the epoch, and not compared with the others."
        )
    partial = [
        f"{with_batch(score['label'], score)} {score['seeds_failed']} of {score['seeds']}"
        for score in firsts
        if 0 < score["seeds_ok"] < score["seeds"]
    ]
    if partial:
        notes.append(f"† seeds that diverged or failed are left out: {'; '.join(partial)}.")
    if any(score["status"] == "unscored" for score in firsts):
        notes.append(UNSCORED)
    if published:
        notes.append(
            f"paper: its published figures (test set, b = {PAPER_BATCH}, one run per loss)."
        )
    return notes


def trained_unlike(firsts: Sequence[Score]) -> list[str]:
    """Where and how the arms of a table were trained, where that differs."""
    mixed = []
    for column, name in {"device": "device", "threads": "threads", "width": "stack width"}.items():
        ours = (score for score in firsts if score["device"] != EXTERNAL)
        found = {value for score in ours for value in score[column].split(", ") if value}
        if len(found) > 1:
            ordered = sorted(found, key=lambda value: (len(value), value))  # 2 before 16
            mixed.append(f"{name} ({', '.join(ordered)})")
    return mixed


def published_scores(score: Score) -> dict[str, dict[str, Figure]]:
    """The paper's Table 2 or 3 by loss and metric; empty for other corpora."""
    if score["corpus"] != PAPER_CORPUS:
        return {}
    text = (files("results") / "paper" / "table2_3.csv").read_text(encoding="utf-8")
    return {
        PAPER_LOSSES[row["loss"]]: {
            metric: Figure(
                float(row[column]), float(row[f"{column}_hw"]), row[f"{column}_star"] == "1"
            )
            for metric, column in _PAPER_COLUMNS.items()
        }
        for row in csv.DictReader(text.splitlines())
        if row["lang"] == score["language"]
    }
