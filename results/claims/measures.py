"""What a claim may be on: a number of each seed of a cell, with its resamples where texts vary it.

* a metric: `acc`;
* of a class `f1[trust]`, `recall[trust]`, and `predicted[trust]`: texts it is predicted for, as a
  multiple of those that have it;
* of learning curves on dev `best_value[acc]`, `final_value[acc]`, `best_epoch[acc]` and
  `epochs_to_99[acc]` (`results.convergence`).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from model.metrics import METRICS, Floats, quotient
from results.cells import Cell
from results.claims.decision import EPOCHS, PLAIN, POINTS, Unit
from results.convergence import convergence_rows
from results.errors import RecordError
from results.labels import with_batch
from results.naming import find_cell
from results.pairing import Measured, Measurements

if TYPE_CHECKING:
    from results.findings import Findings

OF_CLASS = {"f1": POINTS, "recall": POINTS, "predicted": PLAIN}
"""Measures of a class."""

OF_CURVE = {
    "best_value": POINTS,
    "final_value": POINTS,
    "best_epoch": EPOCHS,
    "epochs_to_99": EPOCHS,
}
"""Measures of a learning curve."""

_LISTS = {
    "best_value": "best_values",
    "best_epoch": "best_epochs",
    "epochs_to_99": "epochs_to_99_by_seed",
}
"""Columns of `results.convergence.CONVERGENCE` with their values by seed."""

_FORM = re.compile(r"(\w+)(?:\[(.+)\])?")

Pair = tuple[str, str]
"""Corpus and language."""


@dataclass(frozen=True)
class Measure:
    """What a claim is on.

    Attributes:
        name: a metric, or a name in `OF_CLASS` or `OF_CURVE`.
        of: the class or metric that it is of; empty for a metric.
    """

    name: str
    of: str = ""

    @property
    def unit(self) -> Unit:
        """What it is counted in."""
        return {**OF_CLASS, **OF_CURVE}.get(self.name, POINTS)

    @property
    def of_curve(self) -> bool:
        """Whether it is read off a learning curve."""
        return self.name in OF_CURVE

    @property
    def chooses(self) -> str:
        """The metric that chooses epochs for it, where nothing else is said."""
        return self.name if self.name in METRICS else "macro_f1"

    def __str__(self) -> str:
        if self.name in METRICS:
            return METRICS[self.name].label
        of = METRICS[self.of].label if self.of_curve else self.of
        return f"{self.name.replace('_', ' ')} of {of}"


def measure(text: str) -> Measure | None:
    """The measure that a text names; None where it names none."""
    found = _FORM.fullmatch(text)
    if found is None:
        return None
    name, of = found[1], found[2] or ""
    known = (
        (name in METRICS and not of)
        or (name in OF_CLASS and bool(of))
        or (name in OF_CURVE and of in METRICS)
    )
    return Measure(name, of) if known else None


class Measures:
    """The measures of a run's cells, each made on first use and kept.

    Attributes:
        findings: what is known of the run.
        pairs: its corpora and languages.
    """

    def __init__(self, findings: "Findings") -> None:
        """Find the cells.

        Raises:
            RecordError: records are damaged or incomplete.
        """
        self.findings = findings
        self._cells: dict[Pair, list[Cell]] = {}
        for cell in findings.judged.cells:
            self._cells.setdefault(cell.pair, []).append(cell)
        self.pairs: list[Pair] = sorted(self._cells)
        self._known: dict[tuple[str, Measure, str, str], Measurements] = {}
        self._counted: dict[tuple[str, str, str], dict[int, Floats]] = {}
        self._learned: dict[str, list[dict[str, Any]]] = {}

    def cells(self, pair: Pair) -> Sequence[Cell]:
        """The cells of a corpus and language."""
        return self._cells[pair]

    def cell(self, pair: Pair, text: str, at: Mapping[str, Any] | None = None) -> Cell:
        """The cell that is meant (`results.naming.find_cell`).

        Args:
            pair: corpus and language.
            text: a loss, or loss@key=value.
            at: settings that it has unless the text says another value.

        Raises:
            RecordError: none is meant, or several are.
        """
        loss, sign, rest = text.partition("@")
        said = {part.partition("=")[0] for part in rest.split(",")}
        said |= {"b", "batch_size"} if said & {"b", "batch_size"} else set()
        others = [f"{key}={_plain(value)}" for key, value in (at or {}).items() if key not in said]
        settings = ",".join([*([rest] if sign else []), *others])
        return find_cell(self._cells[pair], f"{loss}@{settings}" if settings else loss)

    def of(
        self, cell: Cell, on: Measure, threshold: str = "0.5", chosen_by: str | None = None
    ) -> Measurements:
        """A measure of a cell by seed, of those that are ok.

        Args:
            cell: the cell.
            on: what is measured.
            threshold: one of `results.thresholds.THRESHOLDS`; learning curves are at 0.5.
            chosen_by: own, or the metric that chooses the epoch; by default the measure's own.

        Raises:
            RecordError: it was not recorded, or no text has the class.
        """
        rule = chosen_by or on.chooses
        key = cell.key, on, threshold, rule
        if key not in self._known:
            self._known[key] = self._made(cell, on, threshold, rule)
        return self._known[key]

    def _made(self, cell: Cell, on: Measure, threshold: str, rule: str) -> Measurements:
        if not cell.ok:
            raise RecordError(f"no seed of {cell.facts['label']} is ok")
        if cell.ranks and threshold == "0.5":
            raise RecordError(f"{cell.facts['label']} only ranks the labels: it has none at 0.5")
        if on.of_curve:
            found: Measurements = fixed(self._of_curve(cell, on))
        elif on.name in METRICS:
            found = self.findings.judged.measure(cell.key, on.name, rule, threshold)
        else:
            found = self._of_class(cell, on, threshold, rule)
        if not found:
            raise RecordError(f"{on} of {cell.facts['label']} is not recorded at {threshold}")
        return found

    def _of_curve(self, cell: Cell, on: Measure) -> dict[int, float]:
        """A number of each seed's learning curve on dev."""
        if cell.key not in self._learned:
            judged = self.findings.judged.only([cell])
            self._learned[cell.key] = convergence_rows(judged, self.findings.curves)
        for row in self._learned[cell.key]:
            if (row["split"], row["metric"]) == ("dev", on.of) and row["seed_numbers"]:
                if on.unit is EPOCHS:
                    _converged(cell, row)
                if on.name == "final_value":
                    values = self.findings.curves.of_cell(cell, "dev", on.of)[:, -1].tolist()
                else:
                    values = row[_LISTS[on.name]]
                return dict(zip(row["seed_numbers"], values, strict=True))
        raise RecordError(f"no learning curve of {cell.facts['label']} on dev is recorded")

    def _of_class(self, cell: Cell, on: Measure, threshold: str, rule: str) -> dict[int, Measured]:
        """A measure of one class by seed, on the texts and on every resample of them."""
        texts = self.findings.judged.texts[cell.pair]
        if on.of not in texts.names:
            raise RecordError(f"no class {on.of}; the classes are {', '.join(texts.names)}")
        at = list(texts.names).index(on.of)
        if not texts.gold[:, at].any():
            raise RecordError(f"no text has {on.of}")
        key = cell.key, threshold, rule
        if key not in self._counted:
            self._counted[key] = self._counts(cell, threshold, rule)
        found = {}
        for seed, counts in self._counted[key].items():
            values = _of_counts(on.name, *counts[:, at].T.astype(np.float64))
            found[seed] = Measured(float(values[0]), values[1:].astype(np.float32))
        return found

    def _counts(self, cell: Cell, threshold: str, rule: str) -> dict[int, Floats]:
        """Texts that have each class, are predicted to, and both, by seed, `[1 + R, C, 3]`.

        The texts themselves come first, then their resamples.
        """
        judged = self.findings.judged
        labels = judged.labels(cell, rule, threshold) or {}
        resamples = judged.resamples(cell.pair)
        gold = resamples.gold
        columns = [gold, *(both for found in labels.values() for both in (found, gold & found))]
        once = np.stack(columns, axis=-1).astype(np.float32)  # [m, C, 1 + 2K]
        flat = once.reshape(len(once), -1)
        drawn = np.concatenate([chunk @ flat for chunk in resamples.chunks()])
        sums = np.concatenate([flat.sum(axis=0)[None], drawn]).reshape(-1, *once.shape[1:])
        return {
            seed: sums[:, :, [0, 1 + 2 * place, 2 + 2 * place]] for place, seed in enumerate(labels)
        }


def _converged(cell: Cell, row: Mapping[str, Any]) -> None:
    """Refuse curves that were still rising when training ended.

    Raises:
        RecordError: half of the seeds or more are best at their last epoch, or a curve is constant.
    """
    if row["best_epochs"] is None:
        name = with_batch(cell.facts["label"], cell.facts)
        raise RecordError(f"{name}: a seed's curve is constant, so it never learns")
    last = sum(best == row["epochs"] for best in row["best_epochs"])
    if 2 * last >= row["seeds"]:
        name = with_batch(cell.facts["label"], cell.facts)
        raise RecordError(
            f"{name} is best at its last epoch, {row['epochs']}, in {last} of {row['seeds']} "
            "seeds: how long it takes is not known, train longer"
        )


def fixed(values: Mapping[int, float]) -> dict[int, Measured]:
    """Numbers by seed that hang on no choice of texts: none of these is resampled."""
    return {
        seed: Measured(value, np.full(2, value, dtype=np.float32)) for seed, value in values.items()
    }


def known_measures() -> Iterable[str]:
    """All that a claim may be on, as it is written."""
    yield from METRICS
    yield from (f"{name}[class]" for name in OF_CLASS)
    yield from (f"{name}[metric]" for name in OF_CURVE)


def _of_counts(name: str, gold: Floats, predicted: Floats, both: Floats) -> Floats:
    """A measure of a class from counts of texts, elementwise; 0/0 is 0."""
    if name == "f1":
        return quotient(2 * both, predicted + gold, empty=0.0)
    return quotient(both if name == "recall" else predicted, gold, empty=0.0)


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
