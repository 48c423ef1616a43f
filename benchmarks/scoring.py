"""Scores and comparisons of a run of the paper's size, against the limits that it keeps.

60 cells of five seeds, 3,259 scored texts, 11 labels: recorded histories, three chosen epochs each
(`benchmarks.histories`). The bootstrap is 10,000 resamples of every arm's labels at one epoch and
threshold, by three metrics, and by class. The others are what `softsweep tables` does: it reads
predictions and tunes thresholds, takes every rule of epoch and threshold, compares, and draws.
"""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.children import forget_peak, fresh, memory, silence
from benchmarks.histories import grid, record_arms, record_corpus
from benchmarks.measure import Row, seconds

TITLE = "Scoring 60 cells of five seeds, m = 3,259: two cores; peer: the limit"

Stage = Callable[[Path], Callable[[], object]]
"""Given a run: what is to be measured, ready to be called."""

CELLS = {True: 4, False: 60}
"""By `quick`."""

TEXTS = {"train": 300, "dev": 886, "test": 3259}

SECONDS, MEBIBYTES = 20.0, 2048.0
"""Limits of the bootstrap."""


def rows(quick: bool) -> Iterator[Row]:
    """Seconds and peak memory of each stage, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder, "run")
        fresh(_record, run, Path(folder, "cache"), CELLS[quick])
        stages: dict[str, Stage] = {
            "bootstrap, 3 metrics and by class": _bootstrap,
            "predictions read, thresholds tuned": _tuned,
            "scores and comparisons": _evidence,
            "tables, figures and page": _aggregate,
        }
        for name, stage in stages.items():
            took, peak = fresh(_measured, stage, run)
            limits = (SECONDS, MEBIBYTES) if stage is _bootstrap and not quick else (None, None)
            for value, limit, unit in zip((took, peak), limits, ("s", "MiB"), strict=True):
                yield Row(name, value, limit, unit, limit and limit / value)


def _measured(stage: Stage, run: Path) -> tuple[float, float]:
    """Seconds of a stage without what is made ready for it, and peak resident MiB."""
    silence()
    call = stage(run)
    forget_peak()
    return seconds(call), memory()[1]


def _bootstrap(run: Path) -> Callable[[], object]:
    """Every arm at 0.5 and the epoch chosen by macro-F1: metrics and classes, with intervals."""
    from results.classintervals import f1_intervals
    from results.judged import Judged
    from results.pairing import mean, measured
    from results.run import Run

    judged = Judged(Run(run))
    labels = [judged.labels(cell, "macro_f1") or {} for cell in judged.cells]

    def intervals() -> None:
        for cell, of_cell in zip(judged.cells, labels, strict=True):
            for values in measured(judged.resamples(cell.pair), of_cell).values():
                assert mean(values).both
            assert f1_intervals(judged.texts[cell.pair].gold, list(of_cell.values()))

    return intervals


def _tuned(run: Path) -> Callable[[], object]:
    from results.judged import Judged
    from results.run import Run

    judged = Judged(Run(run))
    return lambda: judged.labels(judged.cells[0], "macro_f1", "tuned")


def _evidence(run: Path) -> Callable[[], object]:
    from results.evidence import evidence_of
    from results.judged import Judged
    from results.run import Run

    judged = Judged(Run(run))
    judged.labels(judged.cells[0], "macro_f1", "tuned")
    return lambda: evidence_of(judged)


def _aggregate(run: Path) -> Callable[[], object]:
    from results.aggregation import aggregate

    return lambda: aggregate(run)


def _record(run: Path, cache: Path, cells: int) -> None:
    """Record the run."""
    from features import build
    from results.records import merge_parts
    from sweep.plan import make_job, make_plan

    experiment = {
        "name": "scoring",
        "corpus": {"reader": "sample", **TEXTS},
        "languages": ["en"],
        "vectors": {"kind": "skipgram", "dimension": 4, "epochs": 1, "text": "sample"},
        "grid": grid(cells),
        "train": {"epochs": 30},
    }
    silence()
    job = make_job(experiment, out=run, cache=cache)
    features = build(job.experiment.feature_spec("en"), None, job.cache)
    record_corpus(run, features)
    record_arms(run, features, make_plan(job, {"en": features}).todo)
    for kind in ("arms", "epochs", "predictions"):
        merge_parts(run, kind)
