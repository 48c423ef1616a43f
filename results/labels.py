"""What a cell is called among others: its loss, with the settings in which they differ."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from results.schemas import EXTERNAL

_LOSS = "loss."
"""How names of settings begin that are a loss's own parameters."""

FILE = "file"
"""Stands for the version of a loss's file."""


def cell_labels(cells: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Label of each cell by its key: its loss, with the settings in which these cells differ.

    Args:
        cells: rows of `results.scores.SCORES`.
    """
    apart = told_apart(cells)
    return {cell["cell"]: named(cell["label"], apart[cell["cell"]]) for cell in cells}


def named(label: str, settings: Mapping[str, str]) -> str:
    """A loss's label with settings behind it: `BCE (learning_rate=0.01)`."""
    beside = [
        f"{name} {value}" if name == FILE else f"{name.removeprefix(_LOSS)}={value}"
        for name, value in settings.items()
    ]
    return label + (f" ({', '.join(beside)})" if beside else "")


def told_apart(cells: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    """Of each cell by its key, the settings in which these cells differ, and their values.

    A loss's own parameters are told from those of the same loss only. Where a search chose other
    settings on either half of dev, both are shown: `0.001/0.0003`. A setting that came in after an
    arm was recorded is not shown of it; it was off, which is 0, or a loss's default. Imported
    predictions have no settings.

    Args:
        cells: rows of `results.scores.SCORES`.
    """
    settings = {cell["cell"]: json.loads(cell["settings"]) for cell in cells}
    imported = {key for key, found in settings.items() if found.get(EXTERNAL)}
    settings |= {key: {} for key in imported}  # where it was imported from is no setting
    names = sorted({name for found in settings.values() for name in found} - {"ranks"})
    values: dict[tuple[str, str], set[str]] = {}
    files: dict[str, set[str]] = {}
    for cell in cells:
        if cell["cell"] in imported:
            continue
        files.setdefault(cell["loss"], set()).add(cell["loss_sha256"])
        mine = settings[cell["cell"]]
        for name in names:
            if name in mine or not name.startswith(_LOSS):
                found = values.setdefault((_scope(cell, name), name), set())
                found.add(_shown(mine.get(name, 0)))
    apart = {}
    for cell in cells:
        mine = settings[cell["cell"]]
        beside = {
            name: _shown(mine[name])
            for name in names
            if name in mine and len(values[_scope(cell, name), name]) > 1
        }
        if len(files.get(cell["loss"], ())) > 1:  # the loss's file was edited between runs
            beside[FILE] = cell["loss_sha256"][:8]
        apart[cell["cell"]] = beside
    return apart


def several_batches(cells: Iterable[Mapping[str, Any]]) -> bool:
    """Whether batch sizes differ; that of imported predictions is 0, which is none.

    Args:
        cells: rows of `results.scores.SCORES`.
    """
    return len({cell["batch_size"] for cell in cells} - {0}) > 1


def with_batch(name: str, cell: Mapping[str, Any]) -> str:
    """A cell's name with its batch size, if it has one: `BCE (b=16)`."""
    if not cell["batch_size"]:
        return name
    batch = f"b={cell['batch_size']})"
    return f"{name[:-1]}, {batch}" if name.endswith(")") else f"{name} ({batch}"


def full_labels(cells: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """`cell_labels` with the batch size behind each where these cells differ in it.

    Args:
        cells: rows of `results.scores.SCORES`.
    """
    labels = cell_labels(cells)
    if not several_batches(cells):
        return labels
    return {cell["cell"]: with_batch(labels[cell["cell"]], cell) for cell in cells}


def of_loss(name: str) -> bool:
    """Whether a setting in which cells differ belongs to the loss: a parameter, or its file."""
    return name == FILE or name.startswith(_LOSS)


def _scope(cell: Mapping[str, Any], name: str) -> str:
    """Among which cells a setting is told apart: those of a loss, or all."""
    return str(cell["loss"]) if name.startswith(_LOSS) else ""


def _shown(value: object) -> str:
    """A setting's value as in JSON, without quotes; of halves that chose differently both."""
    if isinstance(value, dict):
        return "/".join(_shown(chosen) for chosen in value.values())
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return f"{value:.6g}"  # 0.0 is 0
    return json.dumps(value)
