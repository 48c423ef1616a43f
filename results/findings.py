"""All that is known of a run, each part made on first use and kept: what tables are made from."""

from functools import cached_property
from typing import TYPE_CHECKING, Any

from results.judged import Judged
from results.run import Run

if TYPE_CHECKING:
    import pyarrow as pa

Row = dict[str, Any]
"""A row of one of the tables below."""


class Findings:
    """A run's derived tables, as lists of rows.

    Attributes:
        run: the run.
    """

    def __init__(self, run: Run, scores: "pa.Table | None" = None) -> None:
        """Find the cells.

        Args:
            run: the run.
            scores: its scores, where they are made already.

        Raises:
            RecordError: records are damaged or incomplete; so does every part on first use.
        """
        self.run = run
        self._scores = scores

    @cached_property
    def judged(self) -> Judged:
        """The cells with their predicted labels."""
        return Judged(self.run)

    @cached_property
    def scores(self) -> list[Row]:
        """Rows of `results.scores.SCORES`."""
        from results.scores import scores_of

        table = self._scores if self._scores is not None else scores_of(self.judged)
        rows: list[Row] = table.to_pylist()
        return rows
