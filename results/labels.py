"""What a cell is called among others: its loss, with the settings in which they differ."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

_LOSS = "loss."
"""How names of settings begin that are a loss's own parameters."""


def cell_labels(cells: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Label of each cell by its key: its loss, with the settings in which these cells differ.

    A loss's own parameters are told from those of the same loss only. Where a search chose other
    settings on either half of dev, both are shown: `learning_rate=0.001/0.0003`. A setting that
    came in after an arm was recorded is not shown of it, and was off, which is 0.

    Args:
        cells: rows of `results.scores.SCORES`.
    """
    settings = {cell["cell"]: json.loads(cell["settings"]) for cell in cells}
    names = sorted({name for found in settings.values() for name in found} - {"ranks"})
    values: dict[tuple[str, str], set[str]] = {}
    files: dict[str, set[str]] = {}
    for cell in cells:
        files.setdefault(cell["loss"], set()).add(cell["loss_sha256"])
        for name in names:
            found = values.setdefault((_scope(cell, name), name), set())
            found.add(_shown(settings[cell["cell"]].get(name, 0)))
    labels = {}
    for cell in cells:
        beside = [
            f"{name.removeprefix(_LOSS)}={_shown(settings[cell['cell']][name])}"
            for name in names
            if len(values[_scope(cell, name), name]) > 1 and name in settings[cell["cell"]]
        ]
        if len(files[cell["loss"]]) > 1:  # the loss's file was edited between runs
            beside.append(f"file {cell['loss_sha256'][:8]}")
        labels[cell["cell"]] = cell["label"] + (f" ({', '.join(beside)})" if beside else "")
    return labels


def _scope(cell: Mapping[str, Any], name: str) -> str:
    """Among which cells a setting is told apart: those of a loss, or all."""
    return str(cell["loss"]) if name.startswith(_LOSS) else ""


def _shown(value: object) -> str:
    """A setting's value as in JSON, without quotes; of halves that chose differently both."""
    if isinstance(value, dict):
        return "/".join(_shown(chosen) for chosen in value.values())
    if isinstance(value, str):
        return value
    return json.dumps(0 if value == 0 and value is not False else value)  # 0.0 is 0
