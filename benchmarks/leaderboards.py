"""Asking a large run: `leaderboard` on 10,000 arms, the whole process, imports included.

2,000 cells of five seeds are recorded through the records API, on few texts: a leaderboard reads
kept scores, and of predictions only that they are there. The kept scores are those of a small run,
once for each cell, with values of their own; scoring 10,000 arms takes many minutes and is not what
is measured.

`peer` is the limit to keep, and the same command on a run of 10 arms, which is what starting takes.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks import measure
from results.derived import digest_of, keep
from results.evidence import score_table
from results.records import merge_parts, predictions_table, record_examples, record_trial
from results.run import Run
from results.scores import SCORES

TITLE = (
    "Asking: `softsweep leaderboard`, whole process, median of runs; peer: the limit, or a tiny run"
)

ARMS = {True: 1_000, False: 10_000}
"""Arms of the large run, by `quick`."""

FEW = 10
"""Arms of the run that shows what starting takes."""

SEEDS = 5

TOGETHER = 100
"""Cells that a trial records."""

LIMIT = 2.0
"""Seconds that a leaderboard may take."""

TEXTS = 12

RULES = ("own", "acc", "macro_f1", "micro_f1")

LOSSES = ("bce", "soft_macro_f1", "soft_micro_f1", "soft_accuracy", "mse")


Row = dict[str, Any]


def rows(quick: bool) -> Iterator[measure.Row]:
    """Rows of the large run: seconds against the limit, and against a run of few arms."""
    with tempfile.TemporaryDirectory() as folder:
        one, small, large = (Path(folder) / name for name in ("one", "small", "large"))
        record(one, SEEDS)
        pattern = score_table(Run(one)).to_pylist()
        for run, arms in ((small, FEW), (large, ARMS[quick])):
            keep_scores(run, record(run, arms), pattern)
        case = f"leaderboard, {ARMS[quick]:,} arms, kept scores"
        seconds = {run: _median(run, 3 if quick else 7) for run in (small, large)}
        yield measure.against(case, seconds[large], LIMIT, "s", "peer: the limit")
        yield measure.against(case, seconds[large], seconds[small], "s", f"peer: {FEW} arms")


def _median(run: Path, times: int) -> float:
    """Seconds of the command in a process of its own, after one that warms the disk's cache."""
    command = [sys.executable, "-m", "sweep.cli", "leaderboard", str(run), "--metric", "macro_f1"]
    took = []
    for _ in range(times + 1):
        began = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        took.append(time.perf_counter() - began)
    return statistics.median(took[1:])


def record(run: Path, arms: int) -> list[Row]:
    """Record arms, a multiple of `SEEDS`, merged as a finished run has them; their cells."""
    generator = np.random.default_rng(0)
    gold = (generator.random((TEXTS, 3)) < 0.4).astype(np.uint8)
    ids = [str(text) for text in range(TEXTS)]
    splits: Mapping[str, Any] = {
        "dev": (ids, gold, ["a", "b"] * (TEXTS // 2)),
        "test": (ids, gold, ""),
    }
    record_examples(run, "toy", "en", ("joy", "fear", "trust"), "f" * 64, 4, 5, 0, splits)
    cells = [_cell(number) for number in range(arms // SEEDS)]
    logits = generator.standard_normal((TEXTS, 3)).astype(np.float32)
    for first in range(0, len(cells), TOGETHER):
        trained = [
            cell | {"arm": f"{cell['cell']}-{seed}", "seed": seed}
            for cell in cells[first : first + TOGETHER]
            for seed in range(SEEDS)
        ]
        keys = [arm["arm"] for arm in trained]
        blocks = [(arm, split, 1, RULES, logits) for arm in keys for split in splits]
        epochs = [{"arm": arm, "epoch": 1, "split": "train", "loss": 0.5} for arm in keys]
        record_trial(run, f"trial-{first}", trained, epochs, predictions_table(blocks))
    for kind in ("arms", "epochs", "predictions"):
        merge_parts(run, kind, at_least=2)
    return cells


def _cell(number: int) -> Row:
    """A row of `arms` but for its seed: a loss at a learning rate."""
    loss, step = LOSSES[number % len(LOSSES)], number // len(LOSSES)
    settings = {"learning_rate": round(1e-3 * 1.01**step, 9), "warmup_epochs": 0, "epochs": 30}
    return {
        "cell": f"{number:020x}",
        "corpus": "toy",
        "language": "en",
        "loss": loss,
        "label": loss,
        "own_metric": "acc",
        "batch_size": 16,
        "status": "ok",
        "error": "",
        "epochs": 30,
        "seconds": 100.0,
        "device": "cpu",
        "threads": 1,
        "width": 1,
        "host": "recorded",
        "features": "f" * 64,
        "loss_sha256": "a" * 64,
        "versions": json.dumps({"softsweep": "1", "torch": "2"}),
        "settings": json.dumps(settings),
        "signature": "",
        "finished": datetime(2026, 1, 1, tzinfo=UTC),
    }


def keep_scores(run: Path, cells: Sequence[Row], pattern: Sequence[Row]) -> None:
    """Keep scores of a run: of each cell those of another one, with values of their own."""
    generator = np.random.default_rng(1)
    found = []
    for cell in cells:
        own = {name: cell[name] for name in ("cell", "loss", "label", "settings")}
        found += [row | own | {"value": generator.random()} for row in pattern]
    opened = Run(run)
    table = pa.Table.from_pylist(found, schema=SCORES)
    keep(opened, "scores", table, digest_of(opened))
