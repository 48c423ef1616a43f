"""The difference of two cells on a metric, paired over seeds and texts (`results.pairing`).

The two cells may lie in two runs, such as runs on other features: the texts, and with them the
resamples, are then the same in both, or there is no comparison.
"""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from results.bootstrap import Resamples
from results.cells import Cell, keys_of, scored_cells
from results.errors import RecordError
from results.pairing import Difference, Measured, measured, paired
from results.predicted import Predicted, scored_texts
from results.run import Run
from results.scores import resamples_of


class Cells:
    """The cells of a run, ready to be compared: its predictions are read once."""

    def __init__(self, run: Run) -> None:
        """Read the predictions of every arm.

        Raises:
            RecordError: records are damaged or incomplete.
        """
        self.run = run
        self.texts = scored_texts(run)
        cells = scored_cells(run, self.texts)
        self.cells: dict[str, Cell] = {cell.key: cell for cell in cells}
        self._predicted = Predicted(run, self.texts, keys_of(cells))
        self._drawn: dict[tuple[str, str], Resamples] = {}

    def measure(
        self, cell: str, metric: str, rule: str, threshold: str = "0.5"
    ) -> dict[int, Measured]:
        """A metric of a cell by seed: of those that are ok and have an epoch chosen by the rule.

        Args:
            cell: its key; of a group where a search chose two cells.
            metric: a name in `model.metrics.METRICS`.
            rule: what chose each arm's epoch.
            threshold: one of `results.thresholds.THRESHOLDS`.
        """
        if cell not in self.cells:
            return {}
        found = self.cells[cell]
        labels = {
            seed.seed: matrix
            for seed in found.ok
            if (matrix := self._predicted(seed.keys, rule, threshold)) is not None
        }
        if not labels:
            return {}
        return measured(self._resamples(found.pair), labels, [metric])[metric]

    def _resamples(self, pair: tuple[str, str]) -> Resamples:
        """The resamples of a corpus and language: equal in every run that holds its texts."""
        if pair not in self._drawn:
            self._drawn[pair] = resamples_of(pair, self.texts[pair])
        return self._drawn[pair]


def difference(
    run: str | Path,
    a: str,
    b: str,
    metric: str,
    rule: str | None = None,
    run_of_b: str | Path | None = None,
    threshold: str = "0.5",
) -> Difference:
    """Difference of cell A and cell B on the texts that chose no epoch.

    The interval covers the choice of texts only, not of seeds.

    Args:
        run: the run folder.
        a: key of cell A.
        b: key of cell B, of the same corpus and language.
        metric: a name in `model.metrics.METRICS`.
        rule: what chose each arm's epoch; by default this metric, for both alike.
        run_of_b: the run folder of cell B, where it is another one.
        threshold: for both, one of `results.thresholds.THRESHOLDS`.

    Raises:
        RecordError: a cell is not recorded, they are of different corpora or texts, or they share
            no seed that is ok in both and has an epoch chosen by this rule.
    """
    of_a = Cells(Run(run))
    of_b = of_a if run_of_b is None else Cells(Run(run_of_b))
    pairs = {cells[key].pair for cells, key in ((of_a.cells, a), (of_b.cells, b)) if key in cells}
    if len(pairs) != 1:
        raise RecordError(
            f"{_places(of_a, of_b)}: cells {a} and {b} cannot be compared: "
            + (f"they are of {sorted(pairs)}" if pairs else "neither is recorded")
        )
    if of_b is not of_a:
        check_same_texts(of_a.run, of_b.run, pairs.pop())
    rule = rule or metric
    found = paired(
        of_a.measure(a, metric, rule, threshold), of_b.measure(b, metric, rule, threshold)
    )
    if found is None:
        raise RecordError(
            f"{_places(of_a, of_b)}: cells {a} and {b} share no seed that is ok in both "
            f"with an epoch chosen by {rule}"
        )
    return found


def _places(of_a: Cells, of_b: Cells) -> str:
    """The folders of two cells, for a message."""
    return " and ".join(dict.fromkeys([str(of_a.run.path), str(of_b.run.path)]))


def check_same_texts(a: Run, b: Run, pair: tuple[str, str]) -> None:
    """Make sure that two runs hold the same texts of a corpus and language.

    Raises:
        RecordError: ids, gold labels, splits or halves differ, so nothing can be paired.
    """
    if not _texts(a, pair).equals(_texts(b, pair)):
        raise RecordError(
            f"{a.path} and {b.path} cannot be compared: their texts of {pair[0]}, language "
            f"{pair[1]}, differ in ids, gold labels or splits; run both on the same corpus"
        )


def _texts(run: Run, pair: tuple[str, str]) -> pa.Table:
    """The examples of a corpus and language in a fixed order."""
    table = run.examples_table
    here = pc.and_(pc.equal(table["corpus"], pair[0]), pc.equal(table["language"], pair[1]))
    order = [("split", "ascending"), ("example", "ascending")]
    return table.filter(here).sort_by(order)
