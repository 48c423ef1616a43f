"""Taking up a large run: what `plan` and `run` take until they know what is to do.

10,000 arms are written from recorded histories (`benchmarks.histories`), one arm a trial, with
predictions of the `sample` experiment's texts, and merged as a run merges them: 2 GiB. A second
folder holds 199 trials more that are not merged yet, the most there can be; a few arms are left.

Each command is a process of its own, imports included; `run` is cut off where it would train. The
first `run` on a folder, say a copy of somebody else's, reads every byte; those after it read what
is new. That one has no limit, but it has to keep up with a disk.
"""

import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import yaml

from benchmarks.children import fresh
from benchmarks.measure import Row, against, seconds

TITLE = "Taking up a large run: whole processes, median of runs; peer: the limit"

ARMS = {True: 300, False: 10_000}
"""Arms that are merged, by `quick`."""

UNMERGED = 199
"""Trials that a run has not merged yet, at most."""

LEFT = 11
"""Arms left to do."""

LIMIT = 3.0
"""Seconds that either command may take."""

TEXTS = (2000, 500, 1000)
"""Texts of train, dev and test: the `sample` experiment's."""

TIMES = {True: 3, False: 5}
"""Runs of each command, by `quick`."""

RUN = """
import sys
from sweep import cli, session

def decided(self, wanted, todo, *bars):
    print(len(wanted) - len(todo), len(todo))
    sys.exit()

session.Session.train = decided
cli.main()
"""
"""`softsweep run` but for the training; it prints what it decided."""

PROGRAMS = {"plan": ["-m", "sweep.cli"], "run": ["-c", RUN]}


def rows(quick: bool) -> Iterator[Row]:
    """Seconds of each command on either run, against the limit."""
    with tempfile.TemporaryDirectory() as folder:
        merged, unmerged, cache = (Path(folder) / name for name in ("merged", "unmerged", "cache"))
        fresh(record, merged, cache, ARMS[quick], ARMS[quick])
        shutil.copytree(merged, unmerged, copy_function=_link)
        fresh(record, unmerged, cache, ARMS[quick], UNMERGED)
        for run, more in ((merged, ""), (unmerged, f" and {UNMERGED} not merged yet")):
            case = f"{ARMS[quick]:,} arms{more}"
            first = seconds(partial(ask, "run", run, cache))
            yield Row(f"first run, {case}", first, None, "s", None, "no limit: reads every byte")
            for command in PROGRAMS:
                again = partial(ask, command, run, cache)
                took = [seconds(again) for _ in range(TIMES[quick])]
                yield against(f"{command}, {case}", statistics.median(took), LIMIT, "s")


def _link(source: str, target: str) -> None:
    """Parts never change, so a copy of a run may share them."""
    Path(target).hardlink_to(source)


def ask(command: str, run: Path, cache: Path) -> str:
    """What a command prints of a run, in a process of its own."""
    line = [sys.executable, *PROGRAMS[command], command, str(run), "--cache", str(cache)]
    return subprocess.run(line, check=True, capture_output=True, text=True).stdout


def record(run: Path, cache: Path, arms: int, more: int) -> None:
    """Record arms that a run lacks; merge them if they are all.

    Args:
        run: the run folder.
        cache: feature cache.
        arms: how many the large run has.
        more: how many to record now.
    """
    from benchmarks.histories import EPOCHS, grid, record_arms, record_corpus
    from features import build
    from results.parts import OF_TRIALS
    from results.records import merge_parts
    from sweep.plan import make_job, make_plan

    experiment = {
        "name": "large",
        "corpus": dict(zip(("reader", "train", "dev", "test"), ("sample", *TEXTS), strict=True)),
        "languages": ["en"],
        "vectors": {"kind": "skipgram", "epochs": 1, "workers": 1, "text": "sample"},
        "grid": grid((arms + UNMERGED + LEFT) // 5),
        "train": {"epochs": EPOCHS},
    }
    job = make_job(experiment, out=run, cache=cache)
    features = build(job.experiment.feature_spec("en"), None, cache)
    record_corpus(run, features)
    (run / "experiment.yaml").write_text(yaml.safe_dump(experiment), encoding="utf-8")
    record_arms(run, features, make_plan(job, {"en": features}).todo[:more])
    if more == arms:
        for kind in OF_TRIALS:
            merge_parts(run, kind, at_least=2)
