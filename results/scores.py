"""Scores: each cell's metrics with intervals.

A cell is an arm without its seed. Its value is the mean over seeds; its interval is the percentile
bootstrap over texts of that mean, all seeds seeing the same resamples. So the interval says how far
another sample of texts would move the mean, and *not* how far other seeds would: `uncertainty` says
"examples", `seed_sd` stands beside it, and a second interval covers both.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from itertools import groupby, product
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from model.metrics import METRICS
from results.baselines import CONTROL, Controls, add_stars
from results.bootstrap import RESAMPLES, Resamples, percentile_interval
from results.cells import Cell, Seed
from results.judged import SEED, Judged
from results.pairing import Measured, measured, over_texts_and_seeds
from results.predicted import PROTOCOLS, Texts
from results.run import Run
from results.schemas import STATUSES
from results.thresholds import THRESHOLDS

RAN_ON = ("device", "threads", "width")
"""Where and how an arm was trained: its last bits hang on these."""

SCORES = pa.schema(
    [
        ("cell", pa.string()),  # the group where a search chose other settings on either half
        ("corpus", pa.string()),
        ("language", pa.string()),
        ("loss", pa.string()),
        ("label", pa.string()),
        ("loss_sha256", pa.string()),
        ("batch_size", pa.int32()),
        ("settings", pa.string()),  # JSON; {"a": .., "b": ..} where the halves chose differently
        ("searched_by", pa.string()),  # metric of the search that chose settings; null without one
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


def score_table(run: Run) -> pa.Table:
    """Score every cell of a run: a table of `SCORES`, see `scores_of`."""
    return scores_of(Judged(run))


def scores_of(judged: Judged) -> pa.Table:
    """Score every cell: every rule of choosing the epoch, by every threshold, by every metric.

    A cell none of whose seeds is `ok` has null values and says in `status` what became of it. A
    rule other than `own` that some seed of a cell did not record (the metric is newer than the
    records) is left out for that cell, and so are tuned thresholds where dev is not recorded.
    Losses that only rank have no scores at 0.5.

    Args:
        judged: the run's cells.

    Returns:
        A table of `SCORES`.

    Raises:
        RecordError: records are damaged or incomplete.
    """
    scored: list[tuple[Cell, list[dict[str, Any]]]] = []
    for pair, group in groupby(judged.cells, key=lambda cell: cell.pair):
        of_pair = list(group)
        scorer = _Scorer(judged, judged.texts[pair], judged.resamples(pair))
        controls = scorer.controls(of_pair)
        scored += [(cell, list(scorer.rows(cell, controls))) for cell in of_pair]
    add_stars(scored)
    return pa.Table.from_pylist([row for _, rows in scored for row in rows], schema=SCORES)


@dataclass(frozen=True)
class _Scorer:
    """What scores the cells of one corpus and language."""

    judged: Judged
    texts: Texts
    resamples: Resamples

    def controls(self, cells: list[Cell]) -> Controls:
        """BCE with a tuned threshold, each metric at the epoch it chose."""
        controls = Controls()
        for cell in cells:
            if cell.facts["loss"] == CONTROL and cell.ok:
                for metric in METRICS:
                    if labels := self.judged.labels(cell, metric, "tuned"):
                        found = measured(self.resamples, labels, [metric])[metric]
                        controls.add(cell, metric, found)
        return controls

    def rows(self, cell: Cell, controls: Controls) -> Iterator[dict[str, Any]]:
        """The scores of one cell."""
        facts = self._facts(cell)
        known: dict[bytes, dict[str, dict[int, Measured]]] = {}
        values: dict[bytes, dict[str, dict[str, float | None]]] = {}
        thresholds = THRESHOLDS[1:] if cell.ranks else THRESHOLDS
        for rule, threshold in product(("own", *METRICS), thresholds):
            labels = self.judged.labels(cell, rule, threshold)
            if labels is None:
                continue
            columns: dict[str, dict[str, Any]] = {name: {} for name in METRICS}
            if labels:
                key = np.packbits([*labels.values()]).tobytes()  # rules often choose alike
                if key not in known:
                    known[key] = measured(self.resamples, labels)
                    values[key] = {name: _value(found) for name, found in known[key].items()}
                never = self._never_predicted(labels)
                columns = {name: values[key][name] | {"never_predicted": never} for name in METRICS}
                if rule in METRICS:
                    columns[rule] |= controls.compared(cell, rule, known[key][rule])
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
        statuses = [seed.status for seed in cell.seeds]
        return {
            "cell": cell.key,
            **cell.facts,
            "settings": json.dumps(cell.settings, sort_keys=True),
            "searched_by": cell.searched_by,
            "split": self.texts.split,
            "protocol": PROTOCOLS[self.texts.split],
            "status": min(statuses, key=STATUSES.index),
            "seeds": len(cell.seeds),
            "seeds_ok": len(cell.ok),
            "seeds_failed": len(cell.seeds) - len(cell.ok),
            **{name: _distinct(cell.ok, name) for name in RAN_ON},
            "texts": len(self.texts.gold),
            "resamples": len(self.resamples.counts),
            "uncertainty": "examples",
            "labels": int(self.texts.gold.any(axis=0).sum()),
        }

    def _never_predicted(self, labels: Mapping[int, NDArray[np.bool_]]) -> list[str]:
        """Labels with gold texts that some seed predicts for no text."""
        always = np.all([matrix.any(axis=0) for matrix in labels.values()], axis=0)
        never = self.texts.gold.any(axis=0) & ~always
        return [name for name, lacks in zip(self.texts.names, never, strict=True) if lacks]


def _distinct(seeds: Sequence[Seed], column: str) -> str:
    """The values of a column among the arms of these seeds, in order."""
    found = {arm[column] for seed in seeds for arm in seed.arms}
    return ", ".join(str(value) for value in sorted(found))


def _value(by_seed: Mapping[int, Measured]) -> dict[str, float | None]:
    """Mean over seeds, its intervals, and the spread over seeds."""
    values = np.array([one.value for one in by_seed.values()])
    means = np.mean([one.resampled for one in by_seed.values()], axis=0)
    value = float(values.mean())
    low, high = percentile_interval(means)
    found: dict[str, float | None] = {
        "value": value,
        "lo": float(low),
        "hi": float(high),
        "half_width": float(high - low) / 2,
    }
    if len(values) == 1:
        return found
    spread = float(values.std(ddof=1))
    half = over_texts_and_seeds(float(means.var(ddof=1)), spread, len(values))
    return found | {"seed_sd": spread, "both_lo": value - half, "both_hi": value + half}


@cache
def _version() -> str:
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
        "version": _version(),
    }
    return "|".join(f"{name}:{value}" for name, value in parts.items())
