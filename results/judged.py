"""A run ready to be judged: its cells, the texts that score them, and what was predicted for these.

Predictions are read, and thresholds tuned, once; scores, comparisons and tables all ask here.
"""

from collections.abc import Sequence
from copy import copy
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from results.bootstrap import Resamples, draw
from results.cells import Cell, keys_of, scored_cells
from results.errors import RecordError
from results.pairing import Measurements, measured
from results.predicted import Predicted, Texts, scored_texts
from results.run import Run
from results.thresholds import operating_point

SEED = 0
"""Seed of the resamples; with the names of corpus and language it fixes them."""

Kept = dict[tuple[str, str, str], Measurements]
"""Values by cell, metric (which chose the epoch) and threshold."""


class Judged:
    """The cells of a run with their predicted labels.

    Attributes:
        run: the run.
        texts: what scores each corpus and language.
        cells: by key (of a group where a search chose two cells), in the order of the run's arms.
        kept: what was measured of some cells, each metric at the epochs that it chose, by cell,
            metric and threshold.
    """

    def __init__(self, run: Run) -> None:
        """Find the cells.

        Raises:
            RecordError: records are damaged or incomplete.
        """
        self.run = run
        run.examine()
        self.texts: dict[tuple[str, str], Texts] = scored_texts(run)
        self.cells: list[Cell] = scored_cells(run, self.texts)
        self.kept: Kept = {}
        self._resamples: dict[tuple[str, str], Resamples] = {}

    def only(self, cells: Sequence[Cell]) -> "Judged":
        """The same run with these cells alone: nothing is read or tuned for the others."""
        found = copy(self)
        found.cells = list(cells)
        for name in ("_predicted", "by_key"):
            vars(found).pop(name, None)
        return found

    @cached_property
    def _predicted(self) -> Predicted:
        return Predicted(self.run, self.texts, keys_of(self.cells))

    @cached_property
    def by_key(self) -> dict[str, Cell]:
        """The cells by key; of a cell that two searches chose, one."""
        return {cell.key: cell for cell in self.cells}

    def labels(
        self, cell: Cell, rule: str, threshold: str = "0.5"
    ) -> dict[int, NDArray[np.bool_]] | None:
        """Predicted labels `[m, C]` by seed, of those that are ok.

        Args:
            cell: one of `cells`.
            rule: what chose each arm's epoch.
            threshold: one of `results.thresholds.THRESHOLDS`.

        Returns:
            None where a seed did not record them, such as by a metric newer than the records.

        Raises:
            RecordError: it should have.
        """
        labels = {}
        for seed in cell.ok:
            found = self._predicted(seed.keys, rule, threshold)
            if found is None:
                if rule == "own" and threshold == operating_point(cell.settings):
                    raise self._incomplete(cell)
                return None
            labels[seed.seed] = found
        return labels

    def resamples(self, pair: tuple[str, str]) -> Resamples:
        """The resamples of a corpus and language: equal in every run that holds its texts."""
        if pair not in self._resamples:
            rng = np.random.default_rng([SEED, *" ".join(pair).encode()])
            self._resamples[pair] = draw(self.texts[pair].gold, rng)
        return self._resamples[pair]

    def measure(self, cell: str, metric: str, rule: str, threshold: str = "0.5") -> Measurements:
        """A metric of a cell by seed, of those that are ok; none where one has no such epoch.

        Args:
            cell: its key.
            metric: a name in `model.metrics.METRICS`.
            rule: what chose each arm's epoch.
            threshold: one of `results.thresholds.THRESHOLDS`.
        """
        if cell not in self.by_key:
            return {}
        if rule == metric and (cell, metric, threshold) in self.kept:
            return self.kept[cell, metric, threshold]
        found = self.by_key[cell]
        labels = self.labels(found, rule, threshold)
        if not labels:
            return {}
        return measured(self.resamples(found.pair), labels, [metric])[metric]

    def _incomplete(self, cell: Cell) -> RecordError:
        """Why a seed that is ok cannot be scored."""
        arm = next(
            arm
            for seed in cell.ok
            for arm in seed.arms
            if cell.ranks or self._predicted((arm["arm"],) * 2, "own", "0.5") is None
        )
        split = "dev" if cell.ranks else self.texts[cell.pair].split
        return RecordError(
            f"{self.run.path}/predictions, part {arm['part']}: arm {arm['arm']} has no {split} "
            "predictions at the epoch chosen by its own metric; delete this part and run again"
        )
