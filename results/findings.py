"""All that is known of a run, each part made on first use and kept: what tables are made from."""

from functools import cached_property
from typing import TYPE_CHECKING, Any

from results.judged import Judged
from results.run import Run

if TYPE_CHECKING:
    from results.answers import Answer
    from results.claims.verdicts import Verdict
    from results.corpus import LabelCounts
    from results.curves import Curves
    from results.evidence import Evidence

Row = dict[str, Any]
"""A row of one of the tables below."""


class Findings:
    """A run's derived tables, as lists of rows.

    Attributes:
        run: the run.
    """

    def __init__(self, run: Run, evidence: "Evidence | None" = None) -> None:
        """Find the cells.

        Args:
            run: the run.
            evidence: its scores and comparisons, where they are made already.

        Raises:
            RecordError: records are damaged or incomplete; so does every part on first use.
        """
        self.run = run
        self._evidence = evidence

    @cached_property
    def judged(self) -> Judged:
        """The cells with their predicted labels."""
        return Judged(self.run)

    @cached_property
    def evidence(self) -> "Evidence":
        """Scores and comparisons, as tables."""
        from results.evidence import evidence_of

        return self._evidence or evidence_of(self.judged)

    @cached_property
    def scores(self) -> list[Row]:
        """Rows of `results.scores.SCORES`."""
        rows: list[Row] = self.evidence.scores.to_pylist()
        return rows

    @cached_property
    def comparisons(self) -> list[Row]:
        """Rows of `results.comparisons.COMPARISONS`."""
        rows: list[Row] = self.evidence.comparisons.to_pylist()
        return rows

    @cached_property
    def answers(self) -> "list[Answer]":
        """Which loss to train with, a sentence for each metric, corpus and language."""
        from results.answers import answers

        return answers(self.scores, self.comparisons)

    @cached_property
    def claims(self) -> "list[Verdict]":
        """What the run says of the paper's claims."""
        from results.claims.verdicts import verdicts

        return verdicts(self)

    @cached_property
    def corpora(self) -> "list[LabelCounts]":
        """How many texts of each corpus and language have each label."""
        from results.corpus import label_counts

        return label_counts(self.run)

    @cached_property
    def per_class(self) -> list[Row]:
        """Rows of `results.perclass.PER_CLASS`."""
        from results.perclass import per_class_rows

        return per_class_rows(self.judged)

    @cached_property
    def curves(self) -> "Curves":
        """What was measured at every epoch."""
        from results.curves import Curves

        return Curves(self.run)

    @cached_property
    def convergence(self) -> list[Row]:
        """Rows of `results.convergence.CONVERGENCE`."""
        from results.convergence import convergence_rows

        return convergence_rows(self.judged, self.curves)
