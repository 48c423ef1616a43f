"""Figure 2: the dev metric at every epoch by batch size, a panel for each loss and language."""

from typing import TYPE_CHECKING

from model.metrics import METRICS
from results.cells import Cell
from results.curves import Curves
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
from results.learning import by_pair, first_of_each, language_of, left_out

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.figure import Figure

_LOSSES = 3
"""Losses across; the paper's three soft ones where they are there."""

_HEIGHT = 1.2
"""Of a row of panels, in inches."""

Grid = dict[tuple[str, str], dict[str, dict[int, Cell]]]
"""Cells by corpus and language, loss and batch size."""


def figures(findings: Findings) -> list[Drawing]:
    """One figure, `figure2`: rows are languages, columns losses, lines batch sizes."""
    by_language = by_pair(findings.judged.cells, findings.curves)
    grid = {pair: first_of_each(cells, _LOSSES) for pair, cells in by_language.items()}
    if not grid:
        return []
    every = [cell for cells in by_language.values() for cell in cells]
    shown = [cell for of in grid.values() for sizes in of.values() for cell in sizes.values()]
    caption = [
        "Figure 2: each loss's own metric on dev at every epoch, by batch size b. Lines: mean over "
        "seeds; bands: from the least to the greatest of the seeds, where there are several.",
        *left_out(every, shown),
    ]
    return [Drawing("figure2", " ".join(caption), lambda: _draw(grid, findings.curves))]


def _draw(grid: Grid, curves: Curves) -> "Figure":
    """The panels."""
    columns = max(len(of_pair) for of_pair in grid.values())
    sizes = sorted({b for of_pair in grid.values() for cells in of_pair.values() for b in cells})
    looks = {b: SERIES[place % len(SERIES)] for place, b in enumerate(sizes)}
    lines: dict[str, Artist] = {}
    width = COLUMN + (PAGE - COLUMN) * (columns - 1) / (_LOSSES - 1)
    margins = Margins(top=0.42, down=0.3)
    figure, panels = new_figure(width, [_HEIGHT] * len(grid), columns, margins)
    for row, (pair, of_pair) in zip(panels, grid.items(), strict=True):
        for axes in row[len(of_pair) :]:
            axes.set_axis_off()
        for axes, cells in zip(row, of_pair.values(), strict=False):
            for b, cell in cells.items():
                values = 100 * curves.of_cell(cell, "dev", cell.own_metric)
                lines[f"b = {b}"] = curve(axes, values, looks[b])
            first = next(iter(cells.values()))
            axes.set_title(drawable(f"{first.facts['label']}, {language_of(pair)}"))
            last = "epoch" if row is panels[-1] else None
            name_axes(axes, last, f"dev {METRICS[first.own_metric].label} (points)")
    legend_above(figure, {f"b = {b}": lines[f"b = {b}"] for b in sizes})
    return figure
