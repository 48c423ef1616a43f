"""Forest plots of the leaderboards: every cell with its interval, BCE as the line to beat."""

from collections import Counter
from collections.abc import Sequence
from functools import partial
from itertools import product
from typing import TYPE_CHECKING

from model.metrics import METRICS
from results.drawing import COLUMN, PAGE, SERIES, Drawing, Margins, drawable, new_figure
from results.findings import Findings
from results.labels import cell_labels
from results.layout import Score, where
from results.standings import of_search_by
from results.stems import stems

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST = 30
"""Cells in a figure."""

_LONG = 24
"""Letters of a name from which on a column is too narrow."""

_LETTER = 0.057
"""Width of a letter, in inches; few words are wider."""

_ROW = 0.16
"""Height of a line, in inches."""


def figures(findings: Findings) -> list[Drawing]:
    """A figure for each metric, corpus and language, `forest_macro_f1_en`."""
    by_pair: dict[tuple[str, str], list[Score]] = {}
    for score in findings.scores:
        tuned = score["threshold"] == "tuned" and score["metric"] == score["chosen_by"]
        if tuned and score["value"] is not None:
            by_pair.setdefault((score["corpus"], score["language"]), []).append(score)
    found = []
    for (pair, stem), metric in product(stems(list(by_pair)).items(), METRICS):
        of_metric = [score for score in by_pair[pair] if score["metric"] == metric]
        scores, _ = of_search_by(metric, of_metric)
        if scores:
            found.append(_leaderboard(f"forest_{metric}_{stem}", metric, scores))
    return found


def _leaderboard(name: str, metric: str, scores: Sequence[Score]) -> Drawing:
    """The figure of one leaderboard."""
    ranked = sorted(scores, key=lambda score: -score["value"])
    control = _control(ranked)
    shown = ranked[:_MOST]
    if control is not None and control not in shown:
        shown[-1] = control
    label = METRICS[metric].label
    caption = [
        f"{label}, {where(ranked[0])}, by {label}: mean over seeds, with one threshold tuned on "
        "what chose the epoch."
    ]
    if any(score["both_lo"] is not None for score in shown):
        caption.append("Lines: 95% intervals over texts and seeds.")
    if any(score["both_lo"] is None for score in shown):
        caption.append("Hollow: one seed, 95% interval over texts alone.")
    if control is not None:
        caption.append(f"Square and dashed line: {control['label']}, with which most are compared.")
    if rest := len(ranked) - len(shown):
        caption.append(f"{rest} cells that rank lower are left out.")
    return Drawing(name, " ".join(caption), partial(_draw, shown, control, label))


def _control(ranked: Sequence[Score]) -> Score | None:
    """The cell that is the control of most."""
    counted = Counter(score["control"] for score in ranked if score["control"])
    if not counted:
        return None
    (key, _), *_ = counted.most_common(1)
    return next((score for score in ranked if score["cell"] == key), None)


def _draw(scores: Sequence[Score], control: Score | None, label: str) -> "Figure":
    """A line for each cell, the best above, its numbers on the right."""
    names = _names(scores)
    longest = max(map(len, names))
    margins = Margins(left=0.1 + _LETTER * longest, right=1.05, top=0.05)
    width = PAGE if longest > _LONG else COLUMN
    figure, ((axes,),) = new_figure(width, [_ROW * len(scores)], margins=margins)
    for place, score in enumerate(scores):
        several = score["both_lo"] is not None
        low, high = (100 * score[f"both_{end}" if several else end] for end in ("lo", "hi"))
        value = 100 * score["value"]
        look = SERIES[1] if score is control else SERIES[0]
        axes.plot([low, high], [place, place], color=look["color"], linewidth=1.0, zorder=2)
        axes.plot(
            value,
            place,
            color=look["color"],
            marker=look["marker"],
            markerfacecolor=look["color"] if several else "white",
            markersize=3.5,
            zorder=3,
        )
        numbers = f"{value:.1f} [{low:.1f}, {high:.1f}]"
        axes.text(1.03, place, numbers, transform=axes.get_yaxis_transform(), va="center", size=6.5)
    if control is not None:
        value = 100 * control["value"]
        axes.axvline(value, color=SERIES[1]["color"], linestyle="--", linewidth=0.8, zorder=1)
    axes.set_yticks(range(len(scores)), names)
    axes.set_ylim(len(scores) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    axes.xaxis.set_label_coords(0.5, -0.22 / (_ROW * len(scores)))
    axes.set_xlabel(f"{label} (points)")
    return figure


def _names(scores: Sequence[Score]) -> list[str]:
    """What the cells are called, with their batch size where it differs."""
    named = cell_labels(scores)
    sizes = [score["batch_size"] for score in scores]  # 0 of another program's predictions
    several = len({*sizes} - {0}) > 1
    return [
        drawable(named[score["cell"]] + (f" (b={b})" if several and b else ""))
        for score, b in zip(scores, sizes, strict=True)
    ]
