"""Claims of order: cells on one side against cells on the other, on one measure or several."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from results.cells import Cell
from results.claims.decision import Opinion, Part, decided, in_brief
from results.claims.measures import Measure, Measures, Pair
from results.errors import RecordError
from results.labels import cell_labels, several_batches, with_batch
from results.pairing import paired
from results.words import at_threshold


@dataclass(frozen=True)
class Order:
    """Every cell on the left beside every one on the right, on every measure.

    Attributes:
        left: cells as a user names them.
        sign: ">", "<" or "=".
        right: the others.
        measures: what they are compared on.
    """

    left: tuple[str, ...]
    sign: str
    right: tuple[str, ...]
    measures: tuple[Measure, ...]


@dataclass(frozen=True)
class Ordering:
    """A claim of order.

    Attributes:
        number: what it goes by.
        words: what it says.
        source: where it is from, or why it should hold.
        orders: all of which it claims.
        margin: how far apart the sides are; for "=" at most. As the measure is recorded: a share
            in [0, 1], not points.
        thresholds: the first decides, the others are told beside it.
        chosen_by: what chooses epochs; None for the measure's own metric.
        at: settings of every cell, unless its name says another value.
        languages: the only ones that it is about; empty for all.
    """

    number: str
    words: str
    orders: tuple[Order, ...]
    source: str = ""
    margin: float = 0.0
    thresholds: tuple[str, ...] = ("tuned",)
    chosen_by: str | None = None
    at: Mapping[str, Any] = field(default_factory=dict)
    languages: tuple[str, ...] = ()

    def opinion(self, measures: Measures, pair: Pair) -> Opinion:
        """What a corpus and language say of it.

        Args:
            measures: of the run.
            pair: corpus and language.

        Raises:
            RecordError: a cell is not recorded, or a measure of one.
        """
        compared = self._compared(measures, pair)
        first, *others = self.thresholds
        found = decided(self._parts(measures, compared, first))
        if not others or all(measure.of_curve for _, _, _, measure in compared):
            return found
        begin = at_threshold(first).capitalize()
        beside = [
            f"{at_threshold(one).capitalize()}: {in_brief(self._parts(measures, compared, one))}."
            for one in others
        ]
        return Opinion(found.verdict, " ".join([f"{begin}: {found.because}", *beside]))

    def _compared(self, measures: Measures, pair: Pair) -> list[tuple[Cell, str, Cell, Measure]]:
        """What is compared with what."""
        found = []
        for order in self.orders:
            for a in order.left:
                for b in order.right:
                    left, right = (measures.cell(pair, side, self.at) for side in (a, b))
                    if left is right:
                        raise RecordError(f"{a} and {b} are the same cell")
                    found += [(left, order.sign, right, on) for on in order.measures]
        return found

    def _parts(
        self, measures: Measures, compared: list[tuple[Cell, str, Cell, Measure]], threshold: str
    ) -> list[Part]:
        """The differences."""
        cells = {cell.key: cell.columns for left, _, right, _ in compared for cell in (left, right)}
        labels = cell_labels([*cells.values()])
        if several_batches(cells.values()):
            labels = {key: with_batch(labels[key], cells[key]) for key in cells}
        several = len({on for _, _, _, on in compared}) > 1
        parts = []
        for left, sign, right, on in compared:
            found = paired(
                *(measures.of(cell, on, threshold, self.chosen_by) for cell in (left, right))
            )
            name = f"{labels[left.key]} over {labels[right.key]}"
            if found is None:
                raise RecordError(f"{name}: no seed is ok in both")
            name += f" on {on}" if several else ""
            parts.append(Part(name, found, sign, self.margin, on.unit))
        return parts
