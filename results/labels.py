"""What a cell is called among others: its loss, with the settings in which they differ."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

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
    arm was recorded is not shown of it; it was off, which is 0, or a loss's default.

    Args:
        cells: rows of `results.scores.SCORES`.
    """
    settings = {cell["cell"]: json.loads(cell["settings"]) for cell in cells}
    names = sorted({name for found in settings.values() for name in found} - {"ranks"})
    values: dict[tuple[str, str], set[str]] = {}
    files: dict[str, set[str]] = {}
    for cell in cells:
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
        if len(files[cell["loss"]]) > 1:  # the loss's file was edited between runs
            beside[FILE] = cell["loss_sha256"][:8]
        apart[cell["cell"]] = beside
    return apart


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
