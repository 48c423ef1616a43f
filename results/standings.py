"""A leaderboard: every loss on one metric, best first, and what the numbers hide.

Each arm's epoch was chosen by that metric. Losses are ordered, and compared with BCE, at one tuned
threshold each: so what a loss gains is not merely another operating point.
"""

from collections.abc import Sequence
from pathlib import Path

from model.metrics import METRICS
from results.asked import check_metric
from results.derived import current_table
from results.errors import RecordError
from results.labels import (
    cell_labels,
    named,
    of_loss,
    several_batches,
    told_apart,
    with_batch,
)
from results.layout import (
    TUNED_MARK,
    UNSCORED,
    Score,
    figure,
    is_first,
    only_ranks,
    seeds,
    trained_unlike,
    where,
)
from results.light import rows_where
from results.render import Cell, Table
from results.run import Run
from results.stems import stems
from results.thresholds import THRESHOLDS

_NAMED = 3
"""Cells, and labels of each, that a warning names."""


def leaderboard(run: str | Path, metric: str, language: str | None = None) -> list[Table]:
    """Every loss of a run on one metric, best first: a table for each corpus and language.

    Example:
        >>> leaderboard("runs/sample", "macro_f1", "es")  # doctest: +SKIP

    Args:
        run: the run folder.
        metric: a name in `model.metrics.METRICS`.
        language: the only one to show; by default all.

    Raises:
        RecordError: the metric or the language is unknown, the folder is missing, or records are
            damaged or incomplete.
    """
    check_metric(metric)
    opened = Run(run)
    recorded = sorted(opened.arms_table["language"].unique().to_pylist())
    if language is not None and language not in recorded:
        raise RecordError(f"{run}: no arms of language {language}; there are {', '.join(recorded)}")
    only = {} if language is None else {"language": language}
    scores = rows_where(current_table(opened, "scores"), metric=metric, chosen_by=metric, **only)
    return leaderboards(scores.to_pylist(), metric)


def leaderboards(scores: Sequence[Score], metric: str) -> list[Table]:
    """Leaderboards of scores, named `leaderboard_{metric}_{language}`.

    Args:
        scores: rows of `results.scores.SCORES`; those at epochs chosen by the metric are shown.
        metric: a name in `model.metrics.METRICS`.
    """
    by_pair: dict[tuple[str, str], list[Score]] = {}
    for score in scores:
        if score["metric"] == score["chosen_by"] == metric:
            by_pair.setdefault((score["corpus"], score["language"]), []).append(score)
    named = stems(list(by_pair))
    return [
        _table(f"leaderboard_{metric}_{named[pair]}", metric, by_pair[pair])
        for pair in sorted(by_pair, key=lambda pair: pair[::-1])
    ]


def warnings_of(scores: Sequence[Score]) -> list[str]:
    """A line for each corpus and language in which some cell never predicts some label.

    Judged where an arm's own metric chose the epoch, at the threshold a loss is first judged by.

    Args:
        scores: rows of `results.scores.SCORES`.
    """
    by_pair: dict[tuple[str, str], dict[str, Score]] = {}
    for score in scores:
        if score["chosen_by"] == "own" and is_first(score):
            by_pair.setdefault((score["language"], score["corpus"]), {})[score["cell"]] = score
    lines = []
    for (language, corpus), group in sorted(by_pair.items()):
        cells = list(group.values())
        if line := _collapsed(cells, cell_labels(cells)):
            lines.append(f"{language} ({corpus}): {line}")
    return lines


def _table(name: str, metric: str, scores: Sequence[Score]) -> Table:
    """The leaderboard of one corpus and language."""
    shown, left_out = of_search_by(metric, scores)
    cells: dict[str, dict[str, Score]] = {}
    for score in shown:
        cells.setdefault(score["cell"], {})[score["threshold"]] = score
    judged = {key: next(filter(is_first, cell.values())) for key, cell in cells.items()}
    apart = told_apart(list(judged.values()))
    labels = {key: named(first["label"], apart[key]) for key, first in judged.items()}

    # Where no logits of dev are recorded, nothing is tuned.
    tuned = {key: cell.get("tuned", judged[key]) for key, cell in cells.items()}

    def order(key: str) -> tuple[float, str, int]:
        value = -1.0 if tuned[key]["value"] is None else tuned[key]["value"]
        return (-value, labels[key], judged[key]["batch_size"])

    ranked = sorted(judged, key=order)
    columns = sorted({name for found in apart.values() for name in found if not of_loss(name)})
    several_b = several_batches(judged.values())
    several_seeds = len({first["seeds_ok"] for first in judged.values()}) > 1
    best = {
        threshold: max(
            (cells[key][threshold]["value"] or 0.0 for key in ranked if threshold in cells[key]),
            default=0.0,
        )
        for threshold in THRESHOLDS
    }
    headings = ("at 0.5", "tuned", "per label")
    rows: list[tuple[Cell, ...]] = []
    for place, key in enumerate(ranked, start=1):
        first, cell = judged[key], cells[key]
        parameters = {name: value for name, value in apart[key].items() if of_loss(name)}
        rows.append(
            (
                place if first["value"] is not None else None,
                named(first["label"], parameters) + TUNED_MARK * only_ranks(first),
                *(apart[key].get(name) for name in columns),
                *([first["batch_size"] or None] if several_b else []),
                *(
                    figure(score, best=score is not None and score["value"] == best[each])
                    for each in THRESHOLDS
                    for score in [cell.get(each)]
                ),
                *([first["seeds_ok"]] if several_seeds else []),
                _interval(tuned[key], "both"),
                _to_control(tuned[key]),
                None if first["never_predicted"] is None else len(first["never_predicted"]),
            )
        )
    of_ranked = [judged[key] for key in ranked]
    scored = (key for key in ranked if judged[key]["value"] is not None)
    untuned = [labels[key] for key in scored if "tuned" not in cells[key]]
    return Table(
        name,
        f"Leaderboard: {METRICS[metric].label}, {where(of_ranked[0])}, by {METRICS[metric].label}; "
        f"{seeds(of_ranked)}",
        (
            "rank",
            "Loss",
            *(name.replace("_", " ") for name in columns),
            *(["b"] if several_b else []),
            *headings,
            *(["seeds"] if several_seeds else []),
            "over texts and seeds",
            "to tuned BCE",
            "labels never predicted",
        ),
        tuple(rows),
        tuple(_notes(of_ranked, labels, metric, left_out, untuned)),
        figures=frozenset(headings),
        headline=False,
        spare=("per label", "at 0.5", "over texts and seeds", "labels never predicted"),
    )


def of_search_by(metric: str, scores: Sequence[Score]) -> tuple[list[Score], list[str]]:
    """The scores to show, and the metrics of searches left out because one was by this metric."""
    others = {score["searched_by"] for score in scores} - {None, metric}
    if not others or not any(score["searched_by"] == metric for score in scores):
        return list(scores), []
    return [score for score in scores if score["searched_by"] not in others], sorted(others)


def _interval(score: Score, of: str) -> str:
    """A 95% interval in points, or why there is none; empty where there is no value either."""
    low, high = score[f"{of}_lo"], score[f"{of}_hi"]
    if low is None:
        return "one seed" if score["value"] is not None else ""
    sign = _signed if of == "to_control" else _points
    return f"[{sign(low)}, {sign(high)}]"


def _to_control(score: Score) -> str:
    """The difference to the control, with its interval; where there is none, why."""
    value = score["to_control"]
    if score["control"] == score["cell"]:
        return "control"
    if value is not None:
        return f"{_signed(value)} {_interval(score, 'to_control')}"
    if score["value"] is None or score["threshold"] != "tuned":
        return ""
    return "no seed in common" if score["control"] else "no such BCE"


def _points(value: float) -> str:
    return f"{100 * value:.2f}".replace("-", "−")


def _signed(value: float) -> str:
    return f"{100 * value:+.2f}".replace("-", "−")


def _notes(
    cells: Sequence[Score],
    names: dict[str, str],
    metric: str,
    left_out: Sequence[str],
    untuned: Sequence[str],
) -> list[str]:
    """What orders the table, what the intervals cover, and what the numbers hide."""
    label = METRICS[metric].label
    notes = [line] if (line := _collapsed(cells, names)) else []
    notes.append(
        f"In the order of {label} with one tuned threshold. ±: 95% percentile interval over "
        f"{cells[0]['resamples']:,} resamples of {cells[0]['texts']:,} texts, at the mean over "
        "seeds. tuned, per label: one threshold, and one for each label, tuned for this metric on "
        "what chose the epoch."
    )
    if untuned:
        notes.append(
            f"No predictions for dev are recorded of {', '.join(untuned)}, so nothing is tuned: "
            "in order, and compared, at 0.5."
        )
    if any(only_ranks(cell) for cell in cells):
        notes.append(f"{TUNED_MARK} only ranks the labels: no threshold is natural to it.")
    control = (
        "to tuned BCE: the difference in points, both with one tuned threshold, to BCE of the same "
        "settings, over the shared seeds (where it was not trained so, to BCE without warm-up, "
        "weight of BCE or polarisation, else to the only BCE at another learning rate)"
    )
    if any(cell["to_control"] is not None for cell in cells):
        both = "its 95% interval is over texts and seeds"
        if any(cell["control_seeds"] == 1 for cell in cells):
            both += ", and over texts alone where one seed is shared: other seeds may differ more"
        notes.append(f"{control}; {both}.")
        compared = sum(
            cell["to_control"] is not None and cell["control"] != cell["cell"] for cell in cells
        )
        if compared > 1:
            notes.append(f"These {compared} differences are not corrected for their number.")
    if any(cell["seeds_ok"] == 1 for cell in cells):
        notes.append("With one seed, nothing is known of how other seeds would do.")
    if left_out:
        others = " and ".join(METRICS[name].label if name in METRICS else name for name in left_out)
        notes.append(f"Settings searched by {others} are left out: others were by {label}.")
    partial = [
        f"{with_batch(names[cell['cell']], cell)} {cell['seeds_failed']} of {cell['seeds']}"
        for cell in cells
        if 0 < cell["seeds_ok"] < cell["seeds"]
    ]
    if partial:
        notes.append(f"† seeds that diverged or failed are left out: {'; '.join(partial)}.")
    if any(cell["status"] == "unscored" for cell in cells):
        notes.append(UNSCORED)
    if mixed := trained_unlike(cells):
        notes.append(
            f"These arms were not all trained alike: they differ in {' and '.join(mixed)}, which "
            "alone can change their numbers."
        )
    return notes


def _collapsed(cells: Sequence[Score], names: dict[str, str]) -> str:
    """Which cells never predict which labels, worst first; empty where there are none."""
    found = sorted(
        (cell for cell in cells if cell["never_predicted"]),
        key=lambda cell: (-len(cell["never_predicted"]), names[cell["cell"]], cell["batch_size"]),
    )
    if not found:
        return ""
    several = several_batches(cells)
    texts = []
    for cell in found[:_NAMED]:
        labels = cell["never_predicted"]
        listed = ", ".join(labels[:_NAMED]) + ", …" * (len(labels) > _NAMED)
        name = names[cell["cell"]]
        texts.append(
            f"{with_batch(name, cell) if several else name} never predicts {listed} "
            f"({len(labels)} of {cell['labels']} labels)"
        )
    rest = len(found) - len(texts)
    return "; ".join(texts) + (f"; and {rest} more" if rest else "") + "."
