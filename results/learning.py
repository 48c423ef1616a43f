"""Which cells the learning curves of a figure show: a figure of every cell could not be read."""

from collections.abc import Iterator, Sequence

import numpy as np

from results.cells import Cell
from results.curves import Curves
from results.labels import cell_labels
from results.layout import LANGUAGES, LOSS_ORDER, cell_order


def by_pair(cells: Sequence[Cell], curves: Curves) -> dict[tuple[str, str], list[Cell]]:
    """The cells whose own metric was measured on dev at every epoch, by corpus and language.

    Args:
        cells: of a run; those without a seed that is ok, or of another program, have no curves.
        curves: of the run.
    """
    found: dict[tuple[str, str], list[Cell]] = {}
    for cell in cells:
        if cell.external:
            continue
        values = curves.of_cell(cell, "dev", cell.own_metric)
        if values.size and not np.isnan(values).any():
            found.setdefault(cell.pair, []).append(cell)
    return dict(sorted(found.items(), key=lambda item: item[0][::-1]))


def language_of(pair: tuple[str, str]) -> str:
    """The name of a language."""
    return LANGUAGES.get(pair[1], pair[1])


def first_of_each(cells: Sequence[Cell], most: int) -> dict[str, dict[int, Cell]]:
    """For the first losses, and each batch size of theirs, one cell: the plainest by name.

    Args:
        cells: of one corpus and language.
        most: losses; the paper's come first, in its order.

    Returns:
        By name of the loss, by batch size.
    """
    named = cell_labels([cell.columns for cell in cells])
    ordered = sorted(cells, key=lambda cell: cell_order(cell.columns, named))
    places = {name: place for place, name in enumerate(LOSS_ORDER)}
    losses = sorted({cell.facts["loss"] for cell in cells}, key=lambda n: (places.get(n, 99), n))
    found: dict[str, dict[int, Cell]] = {loss: {} for loss in losses[:most]}
    for cell in ordered:
        if (loss := cell.facts["loss"]) in found:
            found[loss].setdefault(cell.facts["batch_size"], cell)
    return found


def left_out(cells: Sequence[Cell], shown: Sequence[Cell]) -> Iterator[str]:
    """Says how many cells a figure does not show, where it does not show all."""
    if rest := len({cell.key for cell in cells} - {cell.key for cell in shown}):
        yield (
            f"{rest} further cells are left out: other losses, and of several settings of a loss "
            "all but the first by name."
        )
