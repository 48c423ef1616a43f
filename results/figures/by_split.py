"""Figure 3: what a loss and its metric do at every epoch on train, dev and test."""

from functools import partial
from typing import TYPE_CHECKING, Any

from model.metrics import METRICS
from results.cells import Cell
from results.curves import SOFT, SPLITS, Curves
from results.drawing import (
    COLUMN,
    PAGE,
    SERIES,
    Drawing,
    Margins,
    curve,
    drawable,
    legend_above,
    name_axes,
    new_figure,
)
from results.findings import Findings
from results.layout import PAPER_BATCH
from results.learning import by_pair, first_of_each, language_of, left_out
from results.stems import stems

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LOSSES = 5
"""Losses across; the paper's where they are there."""

_HEIGHTS = (1.4, 0.9)
"""Of the panels of metrics and of losses, in inches."""


def figures(findings: Findings) -> list[Drawing]:
    """A figure for each corpus and language, `figure3_en`: losses across, metric above loss."""
    found = []
    by_language = by_pair(findings.judged.cells, findings.curves)
    named = stems(list(by_language))
    for pair, cells in by_language.items():
        shown = [_of_paper(sizes) for sizes in first_of_each(cells, _LOSSES).values()]
        caption = [
            f"Figure 3, {language_of(pair)} ({pair[0]}): above, each loss's own metric at every "
            "epoch (solid) and, for the paper's soft losses, the soft metric that is the loss with "
            "its sign changed (dashed, hollow markers); below, the loss that was minimised, mean "
            "over the batches of train, in its own unit. Lines: mean over seeds; bands (not of the "
            "soft metric): from the least to the greatest of the seeds, where there are several.",
            *left_out(cells, shown),
        ]
        draw = partial(_draw, shown, findings.curves)
        found.append(Drawing(f"figure3_{named[pair]}", " ".join(caption), draw))
    return found


def _of_paper(sizes: dict[int, Cell]) -> Cell:
    """The cell of the paper's batch size, else of the smallest."""
    return sizes.get(PAPER_BATCH) or sizes[min(sizes)]


def _draw(cells: list[Cell], curves: Curves) -> "Figure":
    """A column of two panels for each cell."""
    looks = dict(zip(SPLITS, SERIES, strict=False))
    lines: dict[str, Artist] = {}
    width = max(COLUMN, PAGE * len(cells) / _LOSSES)
    figure, (above, below) = new_figure(
        width, _HEIGHTS, len(cells), Margins(left=0.5, top=0.42, down=0.15)
    )
    for metric, loss, cell in zip(above, below, cells, strict=True):
        lines |= _metric(metric, cell, curves, looks)
        curve(loss, curves.of_cell(cell, "train", "loss"), looks["train"])
        name_axes(loss, "epoch", "loss on train" if loss is below[0] else "", beside=0.38)
    legend_above(figure, lines)
    return figure


def _metric(
    axes: "Axes", cell: Cell, curves: Curves, looks: dict[str, dict[str, Any]]
) -> "dict[str, Artist]":
    """A cell's own metric on every split, and the soft metric where that is its loss."""
    metric = cell.own_metric
    lines = {}
    for split, look in looks.items():
        values = curves.of_cell(cell, split, metric)
        if not values.size:
            continue
        lines[split] = curve(axes, 100 * values, look | {"linestyle": "-"})
        if SOFT.get(metric) == cell.facts["loss"]:
            soft = look | {"linestyle": "--", "markerfacecolor": "white"}
            values = curves.of_cell(cell, split, SOFT[metric])
            lines[f"{split}, soft"] = curve(axes, 100 * values, soft, band=False)
    axes.set_title(drawable(cell.facts["label"]))
    name_axes(axes, None, f"{METRICS[metric].label} (points)")
    return lines
