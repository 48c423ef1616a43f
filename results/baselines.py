"""What scores are compared with: cells of BCE and MSE that are like a cell in all but the loss."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from results.cells import Cell
from results.pairing import Measured, paired

BASELINES = ("bce", "mse")
"""The losses over whose intervals an asterisk must stand, as in the paper."""

CONTROL = "bce"
"""The loss that, with a tuned threshold, is every other one's control."""

_HELP = ("bce_weight", "polarisation", "reset_optimizer", "warmup_epochs")
"""Settings that help another loss along, with which BCE itself is seldom trained."""

_Like = tuple[object, ...]


def like(cell: Cell, but: Sequence[str] = ()) -> _Like:
    """All that two cells must share to be compared: everything but the loss and what was searched.

    A setting that is 0 is the same as none: it came in after the arm was recorded.

    Args:
        cell: the cell.
        but: names of settings that may differ as well.
    """
    ignored = {"ranks", *cell.searched, *but}
    settings = {
        name: value
        for name, value in cell.settings.items()
        if value != 0 and name not in ignored and not name.startswith("loss.")
    }
    shared = json.dumps(settings, sort_keys=True)
    return (*cell.pair, cell.facts["batch_size"], cell.searched_by, shared)


def add_stars(scored: Sequence[tuple[Cell, Sequence[dict[str, Any]]]]) -> None:
    """Set `paper_star`: at 0.5, the interval lies above BCE's and MSE's of the same settings.

    This rule reproduces every asterisk of the paper's Tables 2 and 3.

    Args:
        scored: cells with their rows of `results.scores.SCORES`.
    """
    rows = [
        ((*like(cell), row["chosen_by"], row["metric"]), row)
        for cell, of_cell in scored
        for row in of_cell
        if row["threshold"] == "0.5" and row["status"] == "ok"
    ]
    highs: dict[_Like, dict[str, float]] = {}
    for key, row in rows:
        if row["loss"] in BASELINES:
            of_loss = highs.setdefault(key, {})
            of_loss[row["loss"]] = max(row["hi"], of_loss.get(row["loss"], row["hi"]))
    for key, row in rows:
        baselines = highs.get(key, {})
        if len(baselines) == len(BASELINES):
            row["paper_star"] = row["lo"] > max(baselines.values())


class Controls:
    """Cells of BCE with a tuned threshold, by what they are like."""

    def __init__(self) -> None:
        self._found: dict[tuple[_Like, str], tuple[Cell, Mapping[int, Measured]]] = {}
        self._all: dict[_Like, dict[str, tuple[Cell, Mapping[int, Measured]]]] = {}

    def add(self, cell: Cell, metric: str, values: Mapping[int, Measured]) -> None:
        """Add a cell's values of a metric at the epoch which that metric chose.

        Of several cells that are alike (such as other searches) the one finished last counts: a
        control that is chosen by its score would be scored on what chose it.
        """
        self._keep((like(cell), metric), cell, values)
        if not any(cell.settings.get(name) for name in _HELP if name not in cell.searched):
            self._keep((("plain", *like(cell)), metric), cell, values)
        self._all.setdefault(_beside(cell, metric), {})[cell.key] = cell, values

    def compared(
        self, cell: Cell, metric: str, values: Mapping[int, Measured]
    ) -> dict[str, str | float | int]:
        """Columns of `scores` that compare values with the control's, where there is one.

        The control is BCE of the same settings or, where that was not trained, BCE without what
        helped this cell along, such as a warm-up; else the only BCE at another learning rate, as
        each loss may have its own. Among several, none is picked.
        """
        found = self._found.get((like(cell), metric)) or self._found.get(
            (("plain", *like(cell, _HELP)), metric)
        )
        if found is None and len(only := self._all.get(_beside(cell, metric), {})) == 1:
            (found,) = only.values()
        if found is None or (difference := paired(values, found[1])) is None:
            return {}
        low, high = difference.both or (difference.lo, difference.hi)
        return {
            "control": found[0].key,
            "to_control": difference.value,
            "to_control_lo": low,
            "to_control_hi": high,
            "control_seeds": len(difference.seeds),
        }

    def _keep(self, key: tuple[_Like, str], cell: Cell, values: Mapping[int, Measured]) -> None:
        """Keep these values, or those held of a cell finished later."""
        if key not in self._found or cell.finished > self._found[key][0].finished:
            self._found[key] = cell, values


def _beside(cell: Cell, metric: str) -> _Like:
    """What cells share that differ in the loss, its learning rate and what helps it along."""
    return (*like(cell, (*_HELP, "learning_rate")), metric)
