"""Cells of two runs that are the same but for what the runs differ in."""

import json
from collections.abc import Callable, Hashable, Sequence

from results.cells import Cell

Match = tuple[Hashable, ...]
"""What two cells share when they are the same."""


def but_for_features(cell: Cell) -> Match:
    """What cells of runs on other features share.

    Nor need the settings be the same that a search chose, for it chose on other features.
    """
    settings = {name: cell.settings[name] for name in cell.settings.keys() - cell.searched}
    return (*_what(cell), cell.facts["loss_sha256"], json.dumps(settings, sort_keys=True))


def but_for_version(cell: Cell) -> Match:
    """What cells of runs of two versions of softsweep share.

    The text of a loss may have changed; a setting that one of them does not know is off.
    """
    settings = {name: value for name, value in cell.settings.items() if value}
    return (*_what(cell), json.dumps(settings, sort_keys=True))


def _what(cell: Cell) -> Match:
    """Corpus, language, batch size, loss, and what searched."""
    return (*cell.pair, cell.facts["batch_size"], cell.facts["loss"], cell.searched_by)


def by_match(cells: Sequence[Cell], match: Callable[[Cell], Match]) -> dict[Match, Cell]:
    """Cells by what they share with others; of several, the one that was finished last."""
    return {match(cell): cell for cell in sorted(cells, key=lambda cell: cell.finished)}
