"""Scores: each cell's metrics with intervals.

A cell is an arm without its seed. Its value is the mean over seeds; its interval is the percentile
bootstrap over texts of that mean, all seeds seeing the same resamples. So the interval says how far
another sample of texts would move the mean, and *not* how far other seeds would: `uncertainty` says
"examples", and `seed_sd` stands beside it.
"""

import json
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from model.metrics import METRICS, Floats, statistics
from results.bootstrap import RESAMPLES, Resamples, draw, percentile_interval, resampled_metrics
from results.errors import RecordError
from results.predicted import PROTOCOLS, Predicted, Texts, scored_texts
from results.run import Run

SEED = 0
"""Seed of the resamples; with the names of corpus and language it fixes them."""

BASELINES = ("bce", "mse")
"""The losses over whose intervals an asterisk must stand, as in the paper."""

RAN_ON = ("device", "threads", "width")
"""Where and how an arm was trained: its last bits hang on these."""

SCORES = pa.schema(
    [
        ("cell", pa.string()),
        ("corpus", pa.string()),
        ("language", pa.string()),
        ("loss", pa.string()),
        ("label", pa.string()),
        ("loss_sha256", pa.string()),
        ("batch_size", pa.int32()),
        ("settings", pa.string()),
        ("split", pa.string()),
        ("protocol", pa.string()),  # "dev -> test" or "dev halves"
        ("chosen_by", pa.string()),  # own, or the metric that chose the epoch
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
        ("seed_sd", pa.float64()),  # null for one seed
        ("device", pa.string()),  # of the seeds in the value; "cpu, cuda" where they differ
        ("threads", pa.string()),
        ("width", pa.string()),  # arms in the stack
        ("texts", pa.int32()),
        ("resamples", pa.int32()),
        ("uncertainty", pa.string()),  # what the interval covers
        ("signature", pa.string()),
    ]
)
"""One row for a cell, rule and metric."""


def score_table(run: Run) -> pa.Table:
    """Score every cell: four rules of choosing the epoch by every metric.

    A cell none of whose seeds is `ok` has null values and says in `status` what became of it. A
    rule other than `own` that some seed of a cell did not record (the metric is newer than the
    records) is left out for that cell.

    Args:
        run: the run.

    Returns:
        A table of `SCORES`.

    Raises:
        RecordError: records are damaged or incomplete.
    """
    texts = scored_texts(run)
    predicted = Predicted(run, texts)
    cells: dict[str, list[dict[str, Any]]] = {}
    for arm in run.arms_table.to_pylist():
        cells.setdefault(arm["cell"], []).append(arm)
    rows: list[dict[str, Any]] = []
    drawn: dict[tuple[str, str], Resamples] = {}
    for arms in cells.values():
        pair = (arms[0]["corpus"], arms[0]["language"])
        if pair not in drawn:  # arms come ordered by corpus and language: one is held at a time
            drawn = {pair: resamples_of(pair, texts[pair])}
        rows.extend(_cell_rows(run, arms, texts[pair], drawn[pair], predicted))
    _add_stars(rows)
    return pa.Table.from_pylist(rows, schema=SCORES)


def resamples_of(pair: tuple[str, str], texts: Texts) -> Resamples:
    """The resamples of a corpus and language: always the same, so that all arms are paired."""
    return draw(texts.gold, np.random.default_rng([SEED, *" ".join(pair).encode()]))


def _cell_rows(
    run: Run,
    arms: list[dict[str, Any]],
    texts: Texts,
    resamples: Resamples,
    predicted: Predicted,
) -> Iterator[dict[str, Any]]:
    """The scores of one cell."""
    ok = [arm for arm in arms if arm["status"] == "ok"]
    diverged = any(arm["status"] == "diverged" for arm in arms)
    first = arms[0]
    facts = {
        **{name: first[name] for name in SCORES.names if name in first and name != "signature"},
        "split": texts.split,
        "protocol": PROTOCOLS[texts.split],
        "status": "ok" if ok else "diverged" if diverged else "failed",
        "seeds": len(arms),
        "seeds_ok": len(ok),
        "seeds_failed": len(arms) - len(ok),
        **{name: _distinct(ok, name) for name in RAN_ON},
        "texts": len(texts.gold),
        "resamples": len(resamples.counts),
        "uncertainty": "examples",
    }
    known: dict[bytes, dict[str, dict[str, float | None]]] = {}
    for rule in ("own", *METRICS):
        labels = [predicted(arm["arm"], rule) for arm in ok]
        stack = [matrix for matrix in labels if matrix is not None]
        if len(stack) < len(ok):
            if rule == "own":
                lacking = next(a for a, m in zip(ok, labels, strict=True) if m is None)
                raise RecordError(
                    f"{run.path}/predictions, part {lacking['part']}: arm {lacking['arm']} has no "
                    f"{texts.split} predictions at the epoch chosen by its own metric; delete this "
                    "part and run again"
                )
            continue
        values: dict[str, dict[str, float | None]] = {}
        if stack:
            key = np.packbits(np.stack(stack)).tobytes()  # rules often choose the same epochs
            if key not in known:
                known[key] = _values(np.stack(stack), resamples)
            values = known[key]
        for name in METRICS:
            yield {
                **facts,
                **values.get(name, {}),
                "chosen_by": rule,
                "metric": name,
                "signature": _signature(facts, rule, name, [arm["seed"] for arm in ok]),
            }


def _distinct(arms: list[dict[str, Any]], column: str) -> str:
    """The values of a column among these arms, in order."""
    return ", ".join(str(value) for value in sorted({arm[column] for arm in arms}))


def _values(
    predicted: NDArray[np.bool_], resamples: Resamples
) -> dict[str, dict[str, float | None]]:
    """Mean over seeds of each metric, its interval over texts, and its spread over seeds."""
    sums = np.stack([statistics(resamples.gold, labels).sum(axis=0) for labels in predicted])
    resampled = resampled_metrics(resamples, predicted)
    found: dict[str, dict[str, float | None]] = {}
    for name, metric in METRICS.items():
        by_seed: Floats = metric(sums)
        low, high = percentile_interval(resampled[name].mean(axis=0))
        found[name] = {
            "value": float(by_seed.mean()),
            "lo": float(low),
            "hi": float(high),
            "half_width": float(high - low) / 2,
            "seed_sd": float(by_seed.std(ddof=1)) if len(by_seed) > 1 else None,
        }
    return found


def _add_stars(rows: list[dict[str, Any]]) -> None:
    """Set `paper_star`: the interval lies above BCE's and MSE's of the same settings.

    This rule reproduces every asterisk of the paper's Tables 2 and 3.
    """
    highs: dict[tuple[object, ...], dict[str, float]] = {}
    for row in rows:
        if row["loss"] in BASELINES and row["status"] == "ok":
            of_loss = highs.setdefault(_like(row), {})
            of_loss[row["loss"]] = max(row["hi"], of_loss.get(row["loss"], row["hi"]))
    for row in rows:
        baselines = highs.get(_like(row), {})
        if row["status"] == "ok" and len(baselines) == len(BASELINES):
            row["paper_star"] = row["lo"] > max(baselines.values())


def _like(row: dict[str, Any]) -> tuple[object, ...]:
    """All that two scores must share to be compared."""
    settings = json.dumps(json.loads(row["settings"]), sort_keys=True)
    names = ("corpus", "language", "batch_size", "split", "chosen_by", "metric")
    return (settings, *(row[name] for name in names))


def _signature(facts: dict[str, Any], rule: str, metric: str, seeds: list[int]) -> str:
    """How a score was made, in one line that can be cited beside it."""
    parts = {
        "metric": metric,
        "loss": facts["loss"],
        "corpus": f"{facts['corpus']}-{facts['language']}",
        "split": facts["split"],
        "protocol": facts["protocol"],
        "epoch": rule,
        "batch": facts["batch_size"],
        "cell": facts["cell"],
        "seeds": ",".join(str(seed) for seed in seeds) or "none",
        "interval": "percentile95",
        "resamples": RESAMPLES,
        "rng": SEED,
        "version": version("softsweep"),
    }
    return "|".join(f"{name}:{value}" for name, value in parts.items())
