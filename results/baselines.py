"""What scores are compared with: cells of BCE and MSE that are like a cell in all but the loss."""

import json
from collections.abc import Sequence
from typing import Any

from results.cells import Cell

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
    """Set `paper_star`: at 0.5, a run's interval lies above BCE's and MSE's of the same settings.

    This rule reproduces every asterisk of the paper's Tables 2 and 3. Where there are several
    seeds, each end of the interval is the mean of those of the single runs.

    Args:
        scored: cells with their rows of `results.scores.SCORES`.
    """
    rows = [
        ((*like(cell), row["chosen_by"], row["metric"]), row)
        for cell, of_cell in scored
        for row in of_cell
        if row["threshold"] == "0.5" and row.get("run_lo") is not None
    ]
    highs: dict[_Like, dict[str, float]] = {}
    for key, row in rows:
        if row["loss"] in BASELINES:
            of_loss = highs.setdefault(key, {})
            of_loss[row["loss"]] = max(row["run_hi"], of_loss.get(row["loss"], row["run_hi"]))
    for key, row in rows:
        baselines = highs.get(key, {})
        if len(baselines) == len(BASELINES):
            row["paper_star"] = row["run_lo"] > max(baselines.values())


class Controls:
    """Which cell of BCE each cell is compared with."""

    def __init__(self, cells: Sequence[Cell]) -> None:
        """Look through the cells of one corpus and language.

        Of several cells of BCE that are alike (such as other searches) the one finished last
        counts: a control that is chosen by its score would be scored on what chose it.
        """
        self._alike: dict[_Like, Cell] = {}
        self._plain: dict[_Like, Cell] = {}
        self._beside: dict[_Like, list[Cell]] = {}
        self._all: list[Cell] = []
        for cell in sorted(cells, key=lambda cell: cell.finished):
            if cell.facts["loss"] == CONTROL and cell.ok:
                self._alike[like(cell)] = cell
                if not any(cell.settings.get(name) for name in _HELP if name not in cell.searched):
                    self._plain[like(cell)] = cell
                self._beside.setdefault(_beside(cell), []).append(cell)
                self._all.append(cell)

    def of(self, cell: Cell) -> Cell | None:
        """The control of a cell; None where there is none, or several among which none is picked.

        It is BCE of the same settings or, where that was not trained, BCE without what helped this
        cell along, such as a warm-up; else the only BCE at another learning rate, as each loss may
        have its own. Imported predictions have no settings: theirs is the only BCE there is.
        """
        if cell.external:
            return self._all[0] if len(self._all) == 1 else None
        found = self._alike.get(like(cell)) or self._plain.get(like(cell, _HELP))
        if found is None and len(beside := self._beside.get(_beside(cell), [])) == 1:
            (found,) = beside
        return found

    def lacking(self, cell: Cell) -> str:
        """Why a cell has no control."""
        if not self._all:
            return "BCE is not recorded"
        several = len(self._all) if cell.external else len(self._beside.get(_beside(cell), []))
        if several > 1:
            return f"{several} cells of BCE could be its control, and none is like it in all else"
        return "BCE was not trained with its batch size and settings"


def _beside(cell: Cell) -> _Like:
    """What cells share that differ in the loss, its learning rate and what helps it along."""
    return like(cell, (*_HELP, "learning_rate"))
