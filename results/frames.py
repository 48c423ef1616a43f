"""A run as pandas frames: what a user of the Python interface reads."""

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from results.derived import derived_table, kept_table
from results.findings import Findings
from results.run import Run, plain_lists

if TYPE_CHECKING:
    import pandas as pd


def open_run(path: str | Path) -> "Frames":
    """Open a run folder for reading.

    Example:
        >>> frame = open_run("runs/sample").scores  # doctest: +SKIP

    Raises:
        RecordError: the folder is missing or holds no records.
    """
    return Frames(path)


class Frames(Run):
    """What a run folder holds. Frames are read on first use and kept; logits are lists."""

    @cached_property
    def arms(self) -> "pd.DataFrame":
        """One row per arm (`results.schemas.ARMS`)."""
        return _frame(self.arms_table)

    @cached_property
    def epochs(self) -> "pd.DataFrame":
        """One row per arm, epoch and split (`results.schemas.epochs_schema`)."""
        return _frame(self.epochs_table)

    @cached_property
    def predictions(self) -> "pd.DataFrame":
        """One row per arm, chosen epoch, split and text (`results.schemas.predictions_schema`)."""
        groups = [plain_lists(group, "logits") for group in self.prediction_groups()]
        return _frame(pa.concat_tables(groups) if groups else pa.table({}))

    @cached_property
    def examples(self) -> "pd.DataFrame":
        """One row per text (`results.schemas.examples_schema`) and `gold`, its labels' names."""
        return _frame(self.examples_table)

    @cached_property
    def scores(self) -> "pd.DataFrame":
        """Scores with their intervals (`results.scores.SCORES`), of what is recorded now."""
        return self._derived("scores")

    @cached_property
    def comparisons(self) -> "pd.DataFrame":
        """What cells differ by (`results.comparisons.COMPARISONS`)."""
        return self._derived("comparisons")

    @cached_property
    def per_class(self) -> "pd.DataFrame":
        """Precision, recall and F1 of every class (`results.perclass.PER_CLASS`)."""
        return self._derived("per_class")

    @cached_property
    def convergence(self) -> "pd.DataFrame":
        """How fast and how far cells learn (`results.convergence.CONVERGENCE`)."""
        return self._derived("convergence")

    @cached_property
    def _findings(self) -> Findings:
        return Findings(self)

    def _derived(self, name: str) -> "pd.DataFrame":
        """The kept table, if it is of what is recorded now, else made anew."""
        kept = kept_table(self, name)
        return _frame(derived_table(self._findings, name) if kept is None else kept)


def _frame(table: pa.Table) -> "pd.DataFrame":
    """A table as a pandas frame."""
    frame: pd.DataFrame = table.to_pandas()
    return frame
