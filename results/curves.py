"""What was measured at every epoch, as arrays: learning curves of arms and of cells."""

from collections.abc import Iterable

import numpy as np

from model.metrics import METRICS, Floats
from results.cells import Cell
from results.run import Run

SOFT = {"acc": "soft_accuracy", "macro_f1": "soft_macro_f1", "micro_f1": "soft_micro_f1"}
"""The soft metric that approximates a metric, as a column of `epochs`."""

SPLITS = ("train", "dev", "test")
"""The splits that have curves, where they are recorded."""

_COLUMNS = ("loss", *METRICS, *SOFT.values())


class Curves:
    """Learning curves: the columns of `epochs` by arm and split."""

    def __init__(self, run: Run) -> None:
        """Read them.

        Raises:
            RecordError: a part is damaged.
        """
        table = run.epochs_table
        arms = table["arm"].combine_chunks().dictionary_encode()
        splits = table["split"].combine_chunks().dictionary_encode()
        self._arms = {name: place for place, name in enumerate(arms.dictionary.to_pylist())}
        self._splits = {name: place for place, name in enumerate(splits.dictionary.to_pylist())}
        arm, split = arms.indices.to_numpy(), splits.indices.to_numpy()
        order = np.lexsort((table["epoch"].to_numpy(), split, arm))
        self._group = arm[order] * len(self._splits) + split[order]
        self._columns = {name: table[name].to_numpy()[order] for name in _COLUMNS}

    def of_arm(self, arm: str, split: str, column: str) -> Floats:
        """A curve `[E]`, the first epoch first; not a number where nothing was measured.

        Args:
            arm: key of the arm.
            split: train, dev, dev/a, dev/b or test; `[0]` where it is not recorded.
            column: loss, a metric or a soft metric.
        """
        if arm not in self._arms or split not in self._splits:
            return np.empty(0)
        group = self._arms[arm] * len(self._splits) + self._splits[split]
        first, last = np.searchsorted(self._group, [group, group + 1])
        found: Floats = self._columns[column][first:last]
        return found

    def of_cell(self, cell: Cell, split: str, column: str) -> Floats:
        """Curves of a cell's seeds that are ok, `[K, E]`; of a seed with two arms their mean.

        They are as long as the shortest.

        Args:
            cell: the cell.
            split: as in `of_arm`.
            column: as in `of_arm`.
        """
        if not cell.ok:
            return np.empty((0, 0))
        return _stacked(
            _stacked(self.of_arm(arm, split, column) for arm in dict.fromkeys(seed.keys)).mean(
                axis=0
            )
            for seed in cell.ok
        )


def _stacked(curves: Iterable[Floats]) -> Floats:
    """Curves below each other, cut to the shortest, `[K, E]`."""
    found = list(curves)
    shortest = min(map(len, found))
    return np.stack([curve[:shortest] for curve in found])
