"""The difference of two cells on a metric, paired over seeds and texts.

Arms of one seed read the same batches and, where their networks are of one shape, start from the
same weights; all arms see the same resamples of the same texts. So the difference is taken within
each seed and resample, and what the two arms share cancels. The two cells may lie in two runs, such
as runs on other features: the texts, and with them the resamples, are then the same in both, or
there is no comparison.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from model.metrics import METRICS, Floats, statistics
from results.bootstrap import Resamples, paired_interval, resampled_metrics
from results.errors import RecordError
from results.predicted import Predicted, scored_texts
from results.run import Run
from results.scores import resamples_of


@dataclass(frozen=True)
class Difference:
    """A − B on a metric, in [-1, 1].

    Attributes:
        value: mean over the shared seeds.
        lo: lower end of its 95% interval over texts, at the mean over these seeds.
        hi: upper end.
        seeds: seeds that are ok in both cells.
        seed_sd: standard deviation of the difference over these seeds; None for one seed.
        both: its 95% interval over texts and seeds, see `over_texts_and_seeds`; None for one seed.
    """

    value: float
    lo: float
    hi: float
    seeds: tuple[int, ...]
    seed_sd: float | None
    both: tuple[float, float] | None


@dataclass(frozen=True)
class Measured:
    """A cell's metric for one seed.

    Attributes:
        value: on the texts, in [0, 1].
        resampled: on every resample of them, `[R]`.
    """

    value: float
    resampled: Floats


class Cells:
    """The cells of a run, ready to be compared: its predictions are read once."""

    def __init__(self, run: Run) -> None:
        """Read the predictions of every arm.

        Raises:
            RecordError: records are damaged or incomplete.
        """
        self.run = run
        self.texts = scored_texts(run)
        self._predicted = Predicted(run, self.texts)
        self._arms: dict[str, list[dict[str, Any]]] = {}
        for arm in run.arms_table.to_pylist():
            self._arms.setdefault(arm["cell"], []).append(arm)
        self._drawn: dict[tuple[str, str], Resamples] = {}

    def pairs(self, cell: str) -> set[tuple[str, str]]:
        """Corpus and language of a cell; empty where it is not recorded."""
        return {(arm["corpus"], arm["language"]) for arm in self._arms.get(cell, ())}

    def measure(self, cell: str, metric: str, rule: str) -> dict[int, Measured]:
        """A metric of a cell by seed: of those that are ok and have an epoch chosen by the rule.

        Args:
            cell: its key.
            metric: a name in `model.metrics.METRICS`.
            rule: what chose each arm's epoch.
        """
        ok = [arm for arm in self._arms.get(cell, ()) if arm["status"] == "ok"]
        labels = {arm["seed"]: self._predicted(arm["arm"], rule) for arm in ok}
        stack = [matrix for matrix in labels.values() if matrix is not None]
        if not stack:
            return {}
        resamples = self._resamples((ok[0]["corpus"], ok[0]["language"]))
        sums = np.stack([statistics(resamples.gold, matrix).sum(axis=0) for matrix in stack])
        values = METRICS[metric](sums)
        resampled = resampled_metrics(resamples, np.stack(stack), [metric])[metric]
        seeds = [seed for seed, matrix in labels.items() if matrix is not None]
        return {
            seed: Measured(float(value), row)
            for seed, value, row in zip(seeds, values, resampled, strict=True)
        }

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

    Raises:
        RecordError: a cell is not recorded, they are of different corpora or texts, or they share
            no seed that is ok in both and has an epoch chosen by this rule.
    """
    of_a = Cells(Run(run))
    of_b = of_a if run_of_b is None else Cells(Run(run_of_b))
    pairs = of_a.pairs(a) | of_b.pairs(b)
    if len(pairs) != 1:
        raise RecordError(
            f"{_places(of_a, of_b)}: cells {a} and {b} cannot be compared: "
            + (f"they are of {sorted(pairs)}" if pairs else "neither is recorded")
        )
    if of_b is not of_a:
        check_same_texts(of_a.run, of_b.run, pairs.pop())
    rule = rule or metric
    found = paired(of_a.measure(a, metric, rule), of_b.measure(b, metric, rule))
    if found is None:
        raise RecordError(
            f"{_places(of_a, of_b)}: cells {a} and {b} share no seed that is ok in both "
            f"with an epoch chosen by {rule}"
        )
    return found


def _places(of_a: Cells, of_b: Cells) -> str:
    """The folders of two cells, for a message."""
    return " and ".join(dict.fromkeys([str(of_a.run.path), str(of_b.run.path)]))


def paired(a: Mapping[int, Measured], b: Mapping[int, Measured]) -> Difference | None:
    """A − B over the seeds that both have; None where they share none.

    Args:
        a: a metric of cell A by seed, from `Cells.measure`.
        b: the same metric of cell B, on the same texts.
    """
    seeds = tuple(sorted(a.keys() & b.keys()))
    if not seeds:
        return None
    by_seed = np.array([a[seed].value - b[seed].value for seed in seeds])
    resampled = (
        np.stack([a[seed].resampled for seed in seeds]),
        np.stack([b[seed].resampled for seed in seeds]),
    )
    low, high = paired_interval(*resampled)
    value = float(by_seed.mean())
    if len(seeds) == 1:
        return Difference(value, low, high, seeds, None, None)
    spread = float(by_seed.std(ddof=1))
    over_texts = float((resampled[0] - resampled[1]).mean(axis=0).var(ddof=1))
    half = over_texts_and_seeds(over_texts, spread, len(seeds))
    return Difference(value, low, high, seeds, spread, (value - half, value + half))


def over_texts_and_seeds(over_texts: float, seed_sd: float, seeds: int) -> float:
    """Half the width of a 95% interval of a mean over seeds, for other texts and other seeds.

    Student's t with the sum of both variances, and with the degrees of freedom that Satterthwaite
    (1946) gives such a sum: K − 1 where seeds alone vary, ever more the smaller their part is.

    Args:
        over_texts: variance of the mean over resamples of the texts.
        seed_sd: standard deviation of one seed's value.
        seeds: K, 2 or more.
    """
    from scipy.special import stdtrit

    over_seeds = seed_sd**2 / seeds
    total = over_texts + over_seeds
    if not total:
        return 0.0
    freedom = (seeds - 1) * (total / over_seeds) ** 2 if over_seeds else np.inf
    return float(stdtrit(min(freedom, 1e9), 0.975) * np.sqrt(total))


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
