"""Cells by what a user calls them: a loss, or `loss@key=value,key=value`."""

import json
from collections.abc import Sequence
from typing import Any

from results.cells import Cell
from results.errors import RecordError
from results.labels import cell_labels

_LISTED = 8
"""Cells that a message names."""


def find_cell(cells: Sequence[Cell], text: str) -> Cell:
    """The one cell that is meant.

    A loss goes by its name or its label. Keys are `batch_size` (or `b`) and names of settings:
    `bce@b=16,learning_rate=0.001`; a loss's own parameters go without their `loss.`. A cell's key,
    or the beginning of one, will do as well.

    Args:
        cells: of one corpus and language.
        text: what a user typed.

    Raises:
        RecordError: none is meant, or several are: the message lists them.
    """
    loss, _, rest = text.partition("@")
    wanted = [part.partition("=") for part in rest.split(",") if part]
    if wrong := [key for key, sign, _ in wanted if not sign]:
        raise RecordError(f"{text}: expected loss@key=value, found {wrong[0]!r} without a value")
    named = _named(cells, loss)
    known = sorted({name for cell in cells for name in _settings(cell)})
    if unknown := [key for key, _, _ in wanted if key not in known]:
        raise RecordError(f"{text}: no setting {unknown[0]}; there are {', '.join(known)}")
    found = [cell for cell in named if all(_has(cell, key, value) for key, _, value in wanted)]
    if len(found) == 1:
        return found[0]
    if not named:
        losses = ", ".join(sorted({cell.facts["loss"] for cell in cells}))
        raise RecordError(f"no cell of {loss}; the losses recorded here are {losses}")
    shown = [_called(cell, cells) for cell in (found or named)]
    listed = "; ".join(shown[:_LISTED]) + ("; …" if len(shown) > _LISTED else "")
    if not found:
        raise RecordError(f"no cell is {text}; of {loss} there are: {listed}")
    raise RecordError(
        f"{text} may be {len(found)} cells, tell them apart by loss@key=value: {listed}"
    )


def find_pairs(
    cells: Sequence[Cell], a: str, b: str, language: str | None = None
) -> list[tuple[Cell, Cell]]:
    """The two cells that are meant, in each corpus and language that records both.

    Args:
        cells: of a run.
        a: what a user typed for one.
        b: for the other.
        language: the only one to look in; by default all.

    Raises:
        RecordError: the language is unknown, or a cell is: the message lists those there are.
    """
    by_pair: dict[tuple[str, str], list[Cell]] = {}
    for cell in cells:
        if language in (None, cell.pair[1]):
            by_pair.setdefault(cell.pair, []).append(cell)
    if not by_pair:
        languages = ", ".join(sorted({cell.pair[1] for cell in cells}))
        raise RecordError(f"no arms of language {language}; there are {languages}")
    groups = [by_pair[pair] for pair in sorted(by_pair)]
    if len(groups) > 1:  # a loss may be recorded in one language and not in another
        groups = [group for group in groups if is_named(group, a) and is_named(group, b)] or groups
    found = [(find_cell(group, a), find_cell(group, b)) for group in groups]
    if any(one is other for one, other in found):
        raise RecordError(f"{a} and {b} are the same cell: name two")
    return found


def is_named(cells: Sequence[Cell], text: str) -> bool:
    """Whether any cell is of the loss that a user typed."""
    return bool(_named(cells, text.partition("@")[0]))


def _named(cells: Sequence[Cell], loss: str) -> list[Cell]:
    """The cells of a loss, else those whose keys begin so."""
    of_loss = [cell for cell in cells if loss in (cell.facts["loss"], cell.facts["label"])]
    return of_loss or [cell for cell in cells if len(loss) > 3 and cell.key.startswith(loss)]


def _has(cell: Cell, key: str, value: str) -> bool:
    """Whether a setting of a cell has this value, numbers compared as numbers."""
    setting = _settings(cell).get(key, 0)  # one that came in later was off
    try:
        return bool(float(setting) == float(value))
    except (TypeError, ValueError):
        return (setting if isinstance(setting, str) else json.dumps(setting)) == value


def _settings(cell: Cell) -> dict[str, Any]:
    """The settings by which a cell can be named."""
    size = cell.facts["batch_size"]
    parameters = {name.removeprefix("loss."): value for name, value in cell.settings.items()}
    return {"b": size, "batch_size": size, **parameters, **cell.settings}


def _called(cell: Cell, cells: Sequence[Cell]) -> str:
    """A cell's name among others, with its batch size."""
    label = cell_labels([one.columns for one in cells])[cell.key]
    return f"{label}, batch size {cell.facts['batch_size']} ({cell.key[:12]})"
