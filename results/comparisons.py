"""Comparisons: what two cells differ by on a metric, and how sure that is.

Each is paired over seeds and texts, at epochs that the metric chose and with the same rule of the
threshold for both. Every cell is compared with its control, BCE (`results.baselines`); those of the
losses that an experiment declares are its confirmatory family, others are exploratory. Where a
corpus and language has few cells, all pairs follow.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from model.metrics import METRICS, Floats
from results.baselines import Controls
from results.bootstrap import RESAMPLES
from results.cells import Cell
from results.contrast import ALPHA, difference_row, outlook, randomised, second_opinions
from results.inference import Parts
from results.judged import SEED, Judged, Kept
from results.labels import full_labels
from results.multiplicity import benjamini_hochberg, holm, max_t
from results.pairing import Estimate
from results.scores import ran_on, release
from results.thresholds import THRESHOLDS

COMPARISONS = pa.schema(
    [
        ("corpus", pa.string()),
        ("language", pa.string()),
        ("metric", pa.string()),  # it chose the epoch of both
        ("threshold", pa.string()),  # the same rule for both, of results.thresholds.THRESHOLDS
        ("family", pa.string()),  # confirmatory, exploratory (both: b is the control), or pair
        ("a", pa.string()),  # cells, as in scores
        ("b", pa.string()),
        ("label_a", pa.string()),
        ("label_b", pa.string()),
        ("loss_a", pa.string()),
        ("loss_b", pa.string()),
        ("batch_size_a", pa.int32()),
        ("batch_size_b", pa.int32()),
        ("value_a", pa.float64()),  # means over the shared seeds, in [0, 1]
        ("value_b", pa.float64()),
        ("difference", pa.float64()),  # a - b
        ("lo", pa.float64()),  # 95% interval over what `uncertainty` names
        ("hi", pa.float64()),
        ("se", pa.float64()),
        ("p", pa.float64()),  # two-sided, over texts and seeds; null for one seed
        ("p_holm", pa.float64()),  # corrected within the family, at this threshold
        ("p_max_t", pa.float64()),
        ("q_bh", pa.float64()),
        ("p_bootstrap", pa.float64()),  # second opinions: seeds and texts resampled,
        ("p_randomisation", pa.float64()),  # answers exchanged (these networks only),
        ("p_sign_flip", pa.float64()),  # signs of seeds flipped (these texts only),
        ("sign_flip_floor", pa.float64()),  # and the least that this can be
        ("superiority", pa.float64()),  # share of seeds in which a is better
        ("superiority_lo", pa.float64()),
        ("superiority_hi", pa.float64()),
        ("seeds", pa.int32()),  # shared ones that are ok in both
        ("seed_sd", pa.float64()),  # of the difference
        ("var_seeds", pa.float64()),  # parts of se squared: of seeds alone, of texts alone,
        ("var_texts", pa.float64()),
        ("var_interaction", pa.float64()),  # and of each seed's own reaction to the texts
        ("detectable", pa.float64()),  # smallest difference found with 80% power
        ("seeds_needed", pa.int32()),  # to find this difference with 80% power
        ("texts_needed", pa.int32()),
        ("texts", pa.int32()),
        ("uncertainty", pa.string()),  # "examples and seeds"; for one seed "examples"
        ("unlike", pa.string()),  # where and how the arms were trained, where that differs
        ("reason", pa.string()),  # why a number is null
        ("signature", pa.string()),
    ]
)
"""One row for a metric, threshold and two cells of a corpus and language."""

MOST_CELLS = 40
"""Cells of a corpus and language up to which all pairs are compared."""


Row = dict[str, Any]
"""A row of `COMPARISONS`."""


@dataclass(frozen=True)
class Tested:
    """A comparison with a p value, and what of its distribution others may share.

    Attributes:
        row: its row.
        parts: where its variance comes from.
        over_texts: how far the mean over seeds is on each resample, `[R]`.
    """

    row: Row
    parts: Parts
    over_texts: NDArray[np.float32]


def tested(row: Row, found: Estimate) -> Tested:
    """A comparison that enters a family; of two seeds or more."""
    assert found.parts is not None
    over_texts = found.resampled.mean(axis=0)
    return Tested(row, found.parts, (over_texts - over_texts.mean()).astype(np.float32))


class Comparisons:
    """The comparisons of a run, made for one corpus and language after another."""

    def __init__(self, judged: Judged, confirmatory: Sequence[str]) -> None:
        """Begin with none.

        Args:
            judged: the run's cells.
            confirmatory: names of the losses whose comparisons were declared beforehand.
        """
        self._judged = judged
        self._confirmatory = frozenset(confirmatory)
        self._tested: list[Tested] = []
        self._rows: list[Row] = []

    def add(self, cells: Sequence[Cell], controls: Controls, kept: Kept) -> None:
        """Compare the cells of one corpus and language.

        Args:
            cells: all of them.
            controls: what they are compared with.
            kept: their values.
        """
        cells = list({cell.key: cell for cell in cells}.values())  # two searches may choose one
        between = Between(self._judged, kept, full_labels([cell.columns for cell in cells]))
        done = set()
        for cell in cells:
            control = controls.of(cell)
            if control is not None and control.key == cell.key:
                continue
            family = "confirmatory" if cell.facts["loss"] in self._confirmatory else "exploratory"
            if control is None:
                self._rows += between.nothing(cell, family, controls.lacking(cell))
                continue
            done |= {(cell.key, control.key), (control.key, cell.key)}
            for metric in METRICS:
                for threshold in between.shared_thresholds(cell, control, metric):
                    row, found = between.opinions(cell, control, metric, threshold)
                    row["family"] = family
                    if family == "confirmatory" and threshold == "tuned":
                        p = between.randomised(cell, control, metric, threshold)
                        row["p_randomisation"] = p
                    self._rows.append(row)
                    if row.get("p") is not None and found is not None:
                        self._tested.append(tested(row, found))
        if len(cells) > MOST_CELLS:
            return
        for a, b in combinations(cells, 2):
            if (a.key, b.key) not in done:
                for metric in METRICS:
                    if "tuned" in between.shared_thresholds(a, b, metric):
                        self._rows.append(between.pair(a, b, metric))

    def rows(self) -> list[Row]:
        """All comparisons, corrected for their number."""
        for threshold in {tested.row["threshold"] for tested in self._tested}:
            of_threshold = [one for one in self._tested if one.row["threshold"] == threshold]
            declared = [one for one in of_threshold if one.row["family"] == "confirmatory"]
            others = [one for one in of_threshold if one.row["family"] == "exploratory"]
            for family in (declared, others):
                correct(family, np.random.default_rng(SEED))
                _look_ahead(family)
            for one, q in zip(others, benjamini_hochberg(_p(others)), strict=True):
                one.row["q_bh"] = float(q)
        return self._rows


@dataclass(frozen=True)
class Between:
    """What makes the rows of one corpus and language.

    Attributes:
        judged: the run's cells.
        kept: their values.
        labels: what they are called, by key.
    """

    judged: Judged
    kept: Kept
    labels: Mapping[str, str]

    def shared_thresholds(self, a: Cell, b: Cell, metric: str) -> list[str]:
        """The rules of the threshold for which both have values."""
        return [
            rule for rule in THRESHOLDS if all((c.key, metric, rule) in self.kept for c in (a, b))
        ]

    def nothing(self, cell: Cell, family: str, reason: str) -> list[Row]:
        """Rows that say why a cell has no control."""
        return [
            self._facts(cell, None, metric, "tuned")
            | {"family": family, "seeds": 0, "reason": reason}
            for metric in METRICS
        ]

    def full(self, a: Cell, b: Cell, metric: str, threshold: str) -> Row:
        """A difference with all that is said of it, in no family."""
        row, found = self.opinions(a, b, metric, threshold)
        row["p_randomisation"] = self.randomised(a, b, metric, threshold)
        if found is not None and found.parts is not None and row["p"] is not None:
            row |= outlook(found.parts, found.value, row["texts"], row["p"] < ALPHA)
        return row

    def opinions(
        self, a: Cell, b: Cell, metric: str, threshold: str
    ) -> tuple[Row, Estimate | None]:
        """A difference with second opinions that cost little."""
        row, found = self._difference(a, b, metric, threshold)
        if found is not None:
            row |= second_opinions(found, np.random.default_rng(SEED))
        return row, found

    def randomised(self, a: Cell, b: Cell, metric: str, threshold: str) -> float | None:
        """P value of approximate randomisation; None where no seed is shared."""
        of_a, of_b = (self.judged.labels(cell, metric, threshold) or {} for cell in (a, b))
        if not of_a.keys() & of_b.keys():
            return None
        gold = self.judged.texts[a.pair].gold
        return randomised(gold, of_a, of_b, metric, np.random.default_rng(SEED))

    def pair(self, a: Cell, b: Cell, metric: str) -> Row:
        """Any other difference, at tuned thresholds."""
        return self._difference(a, b, metric, "tuned")[0] | {"family": "pair"}

    def _difference(
        self, a: Cell, b: Cell, metric: str, threshold: str
    ) -> tuple[Row, Estimate | None]:
        values = (self.kept[cell.key, metric, threshold] for cell in (a, b))
        row, found = difference_row(*values)
        return self._facts(a, b, metric, threshold) | row, found

    def _facts(self, a: Cell, b: Cell | None, metric: str, threshold: str) -> Row:
        """What is compared."""
        row: Row = {"corpus": a.pair[0], "language": a.pair[1], "metric": metric}
        row |= {"threshold": threshold, "texts": len(self.judged.texts[a.pair].gold)}
        for side, cell in (("a", a), ("b", b)):
            if cell is not None:
                row[side] = cell.key
                row[f"label_{side}"] = self.labels[cell.key]
                row |= {f"{name}_{side}": cell.facts[name] for name in ("loss", "batch_size")}
        row["unlike"] = _unlike(a, b) if b is not None else ""
        row["signature"] = _signature(row)
        return row


def correct(family: Sequence[Tested], rng: np.random.Generator) -> None:
    """Write the p values that are corrected for the number of a family."""
    if not family:
        return
    p = _p(family)
    for one, by_holm, by_max_t in zip(
        family, holm(p), max_t(p, _correlation(family), rng), strict=True
    ):
        one.row.update(p_holm=float(by_holm), p_max_t=float(by_max_t))


def _look_ahead(family: Sequence[Tested]) -> None:
    """Write what could have been found, and what would decide, at the level of a family."""
    for one in family:
        row = one.row
        decided = row["p_max_t"] < ALPHA
        row.update(outlook(one.parts, row["difference"], row["texts"], decided, len(family)))


def _p(family: Sequence[Tested]) -> list[float]:
    return [one.row["p"] for one in family]


def _correlation(family: Sequence[Tested]) -> Floats:
    """Correlation of the differences of a family, `[J, J]`: 0 between corpora or languages.

    That over texts is known from thousands of resamples; that over seeds from as few values as
    there are seeds, which would make what is unrelated look alike. So seeds count as unrelated,
    which corrects too much rather than too little.
    """
    blocks: dict[tuple[str, str], list[int]] = {}
    for place, one in enumerate(family):
        blocks.setdefault((one.row["corpus"], one.row["language"]), []).append(place)
    found = np.eye(len(family))
    for places in blocks.values():
        members = [family[place] for place in places]
        over_texts = np.stack([one.over_texts for one in members])
        covariance = (over_texts @ over_texts.T).astype(np.float64) / (over_texts.shape[1] - 1)
        covariance += np.diag([one.parts.seeds_alone for one in members])
        scale = np.sqrt(np.maximum(np.diag(covariance), 1e-300))
        found[np.ix_(places, places)] = covariance / np.outer(scale, scale)
        found[places, places] = 1.0
    return found


def _unlike(a: Cell, b: Cell) -> str:
    """How and where the arms of two cells were trained, where that differs and is known."""
    if a.external or b.external:
        return ""
    on_a, on_b = ({**_settings(cell), **ran_on(cell)} for cell in (a, b))
    names = sorted({*on_a, *on_b})
    apart = [name for name in names if on_a.get(name, 0) != on_b.get(name, 0)]
    return "; ".join(f"{name} {on_a.get(name, 0)}, {on_b.get(name, 0)}" for name in apart)


def _settings(cell: Cell) -> dict[str, Any]:
    """Settings that two losses can share: without a loss's own, and without what was searched."""
    kept = {
        name: value
        for name, value in cell.settings.items()
        if name not in (*cell.searched, "ranks") and not name.startswith("loss.")
    }
    return {"batch_size": cell.facts["batch_size"], **kept}


def _signature(row: Mapping[str, Any]) -> str:
    """How a comparison was made, in one line that can be cited beside it."""
    parts = {
        "metric": row["metric"],
        "a": row["a"],
        "b": row.get("b", "none"),
        "corpus": f"{row['corpus']}-{row['language']}",
        "epoch": row["metric"],
        "threshold": row["threshold"],
        "test": "behrens-fisher-seeds-texts",
        "resamples": RESAMPLES,
        "rng": SEED,
        "version": release(),
    }
    return "|".join(f"{name}:{value}" for name, value in parts.items())
