"""Scores: each cell's metrics with intervals.

A cell is an arm without its seed. Its value is the mean over seeds. Beside it stand `lo` and `hi`,
the percentile bootstrap over texts of that mean, all seeds seeing the same resamples;
`run_lo` and `run_hi`, the same of a single run, as in the paper (mean over seeds); and `both_lo`
and `both_hi`, over texts and seeds (`results.inference`).

Intervals are given where an arm's own metric, or the metric itself, chose the epoch.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib.metadata import version
from itertools import product
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from model.metrics import METRICS, Floats, statistics
from results.bootstrap import RESAMPLES, Resamples, percentile_interval
from results.cells import CELL, Cell
from results.judged import SEED, Judged, Kept
from results.pairing import Measured, mean, measured
from results.predicted import PROTOCOLS, Texts
from results.thresholds import THRESHOLDS, operating_point

RAN_ON = ("device", "threads", "width")
"""Where and how an arm was trained: its last bits hang on these."""

SCORES = pa.schema(
    [
        *CELL,
        ("split", pa.string()),
        ("protocol", pa.string()),  # "dev -> test" or "dev halves"
        ("chosen_by", pa.string()),  # own, or the metric that chose the epoch
        ("threshold", pa.string()),  # one of results.thresholds.THRESHOLDS
        ("metric", pa.string()),
        ("status", pa.string()),  # ok if any seed is, else what became of the seeds
        ("value", pa.float64()),  # in [0, 1]; null unless ok
        ("lo", pa.float64()),
        ("hi", pa.float64()),
        ("half_width", pa.float64()),
        ("run_lo", pa.float64()),  # the same of a single run, as in the paper: mean over seeds
        ("run_hi", pa.float64()),
        ("paper_star", pa.bool_()),  # null where BCE or MSE of the same settings is absent
        ("seeds", pa.int32()),
        ("seeds_ok", pa.int32()),  # those in the value
        ("seeds_failed", pa.int32()),  # diverged or failed
        ("seed_sd", pa.float64()),  # null for one seed, as the next two
        ("both_lo", pa.float64()),  # 95% interval over texts and seeds
        ("both_hi", pa.float64()),
        ("control", pa.string()),  # the cell of BCE that this one is compared with
        ("to_control", pa.float64()),  # difference to its tuned threshold, over the shared seeds
        ("to_control_lo", pa.float64()),  # 95% interval over texts and seeds; one seed: over texts
        ("to_control_hi", pa.float64()),
        ("control_seeds", pa.int32()),
        ("labels", pa.int32()),  # labels that have gold texts
        ("never_predicted", pa.list_(pa.string())),  # those that some seed predicts for no text
        ("device", pa.string()),  # of the seeds in the value; "cpu, cuda" where they differ
        ("threads", pa.string()),
        ("width", pa.string()),  # arms in the stack
        ("texts", pa.int32()),
        ("resamples", pa.int32()),
        ("uncertainty", pa.string()),  # what the interval covers
        ("signature", pa.string()),
    ]
)
"""One row for a cell, rule of choosing the epoch, rule of the threshold, and metric."""


@dataclass(frozen=True)
class Scorer:
    """What scores the cells of one corpus and language.

    Attributes:
        judged: the run's cells.
        texts: that score them.
        resamples: of these texts.
        kept: the values of the cells that were scored, to be compared.
    """

    judged: Judged
    texts: Texts
    resamples: Resamples
    kept: Kept = field(default_factory=dict)

    def rows(self, cell: Cell) -> Iterator[dict[str, Any]]:
        """The scores of one cell: every rule of the epoch, by every threshold, by every metric.

        A cell none of whose seeds is `ok` has null values and says in `status` what became of it. A
        rule other than `own` that some seed of a cell did not record (the metric is newer than the
        records) is left out for that cell, and so are tuned thresholds where dev is not recorded.
        Losses that only rank have no scores at 0.5.

        Raises:
            RecordError: records are incomplete.
        """
        facts = self._facts(cell)
        scored: dict[bytes, _Scored] = {}
        thresholds = THRESHOLDS[1:] if cell.ranks else THRESHOLDS
        for rule, threshold in product(("own", *METRICS), thresholds):
            labels = self.judged.labels(cell, rule, threshold)
            if labels is None:
                continue
            columns: dict[str, dict[str, Any]] = {name: {} for name in METRICS}
            if labels:
                key = np.packbits([*labels.values()]).tobytes()  # rules often choose alike
                found = scored.setdefault(key, _Scored(self.resamples, labels))
                columns = {
                    name: found.plain(name) | {"never_predicted": found.never(self.texts)}
                    for name in METRICS
                }
                for name in _with_interval(cell, rule, threshold):
                    columns[name] |= found.intervals(name)
                if rule in METRICS:
                    self.kept[cell.key, rule, threshold] = found.measured(rule)
            for name in METRICS:
                yield {
                    **facts,
                    **columns[name],
                    "chosen_by": rule,
                    "threshold": threshold,
                    "metric": name,
                    "signature": _signature(facts, rule, threshold, name, list(labels)),
                }

    def _facts(self, cell: Cell) -> dict[str, Any]:
        """What all rows of a cell share."""
        return {
            **cell.columns,
            "split": self.texts.split,
            "protocol": PROTOCOLS[self.texts.split],
            "seeds": len(cell.seeds),
            "seeds_ok": len(cell.ok),
            "seeds_failed": len(cell.seeds) - len(cell.ok),
            **ran_on(cell),
            "texts": len(self.texts.gold),
            "resamples": len(self.resamples.counts),
            "uncertainty": "examples",
            "labels": int(self.texts.gold.any(axis=0).sum()),
        }


class _Scored:
    """What is known of predicted labels, each number made on first use."""

    def __init__(self, resamples: Resamples, labels: Mapping[int, NDArray[np.bool_]]) -> None:
        self._resamples = resamples
        self._labels = labels
        self._measured: dict[str, dict[int, Measured]] = {}
        self._intervals: dict[str, dict[str, float | None]] = {}

    def plain(self, metric: str) -> dict[str, float | None]:
        """Mean and spread over seeds."""
        values = METRICS[metric](self._sums)
        spread = float(values.std(ddof=1)) if len(values) > 1 else None
        return {"value": float(values.mean()), "seed_sd": spread}

    def measured(self, metric: str) -> dict[int, Measured]:
        """The metric by seed, with its resampled values."""
        if metric not in self._measured:
            self._measured |= measured(self._resamples, self._labels, [metric])
        return self._measured[metric]

    def intervals(self, metric: str) -> dict[str, float | None]:
        """The columns of intervals."""
        if metric not in self._intervals:
            found = mean(self.measured(metric))
            each_low, each_high = percentile_interval(found.resampled)
            (low, high), both = found.over_texts, found.both or (None, None)
            self._intervals[metric] = {
                "lo": low,
                "hi": high,
                "half_width": (high - low) / 2,
                "run_lo": float(each_low.mean()),
                "run_hi": float(each_high.mean()),
                "both_lo": both[0],
                "both_hi": both[1],
            }
        return self._intervals[metric]

    def never(self, texts: Texts) -> list[str]:
        """Labels with gold texts that some seed predicts for no text."""
        always = np.all([matrix.any(axis=0) for matrix in self._labels.values()], axis=0)
        lacking = texts.gold.any(axis=0) & ~always
        return [name for name, lacks in zip(texts.names, lacking, strict=True) if lacks]

    @cached_property
    def _sums(self) -> Floats:
        """Summed statistics, a row for each seed."""
        gold = self._resamples.gold
        return np.stack([statistics(gold, matrix).sum(axis=0) for matrix in self._labels.values()])


def _with_interval(cell: Cell, rule: str, threshold: str) -> tuple[str, ...]:
    """The metrics that have intervals under these rules."""
    if rule == "own" and threshold == operating_point(cell.settings):
        return tuple(METRICS)
    return tuple({cell.own_metric if rule == "own" else rule} & METRICS.keys())


def ran_on(cell: Cell) -> dict[str, str]:
    """Where and how the arms of a cell were trained, by the names of `RAN_ON`."""
    arms = [arm for seed in cell.ok for arm in seed.arms]
    return {
        name: ", ".join(str(value) for value in sorted({arm[name] for arm in arms}))
        for name in RAN_ON
    }


@cache
def release() -> str:
    """The version of softsweep; looking it up takes longer than scoring a small cell."""
    return version("softsweep")


def _signature(
    facts: Mapping[str, Any], rule: str, threshold: str, metric: str, seeds: Sequence[int]
) -> str:
    """How a score was made, in one line that can be cited beside it."""
    parts = {
        "metric": metric,
        "loss": facts["loss"],
        "corpus": f"{facts['corpus']}-{facts['language']}",
        "split": facts["split"],
        "protocol": facts["protocol"],
        "epoch": rule,
        "threshold": threshold,
        "search": facts["searched_by"] or "none",
        "batch": facts["batch_size"],
        "cell": facts["cell"],
        "seeds": ",".join(str(seed) for seed in seeds) or "none",
        "interval": "percentile95",
        "resamples": RESAMPLES,
        "rng": SEED,
        "version": release(),
    }
    return "|".join(f"{name}:{value}" for name, value in parts.items())
