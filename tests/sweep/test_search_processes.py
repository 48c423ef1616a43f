"""Searches with real processes: kill -9 and go on, and the same on Ray."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from results.records import recorded, winners
from results.searched import read_chosen, read_tries

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(tiny: dict[str, Any], cache: Path, tmp_path: Path) -> Start:
    """Starts `softsweep run` with a search of twenty tries, some tenths of a second each."""
    tiny["corpus"] = {"reader": "sample", "train": 300, "dev": 60, "test": 60}
    tiny["grid"] = {"loss": ["focal", "bce"], "batch_size": [4], "seed": [0]}
    tiny["train"] = {"epochs": 4}
    tiny["search"] = {
        "metric": "macro_f1",
        "tries": 10,  # the last six drawn by TPE
        "batch": 4,
        "prune": True,
        "space": {
            "learning_rate": {"low": 1e-4, "high": 1e-1, "log": True},
            "loss.gamma": {"low": 0.0, "high": 3.0},
        },
    }
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump(tiny))

    def run(executor: str, out: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-P", "-m", "sweep.cli", "run", str(path)]
        command += ["--out", str(tmp_path / out), "--cache", str(cache), "--executor", executor]
        return subprocess.Popen(
            command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    return run


def kill_at(driver: subprocess.Popen[str], run: Path, arms: int) -> None:
    """Kill a driver when so many arms are recorded."""
    until = time.monotonic() + 90
    while len(list(run.glob("arms/*.parquet"))) < arms:
        assert driver.poll() is None, driver.communicate()
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.02)
    driver.kill()
    driver.communicate()


def test_after_kill_9_a_search_goes_on_as_the_uninterrupted_one(
    start: Start, tmp_path: Path
) -> None:
    whole = start("ray", "whole")
    _, err = whole.communicate()
    assert whole.returncode == 0, err
    assert "search: batch 3 of 3, 2 studies, 4 settings, 4 to train" in err
    run = tmp_path / "run"
    for arms in (3, 10, 18):  # amid each batch
        kill_at(start("inline", "run"), run, arms)
        assert arms <= len(recorded(run)) < 22
    stamps = {path: path.stat().st_mtime_ns for path in run.glob("arms/*.parquet")}
    before = len(recorded(run))
    last = start("inline", "run")
    _, err = last.communicate()
    assert last.returncode == 0, err
    assert f"{22 - before} arms trained, {before} were recorded already" in err
    assert {path: path.stat().st_mtime_ns for path in stamps} == stamps  # nothing twice
    assert len(list(run.glob("arms/*.parquet"))) == len(winners(run)) == 22
    assert read_tries(run).equals(read_tries(tmp_path / "whole"))
    assert read_chosen(run).equals(read_chosen(tmp_path / "whole"))
    assert "pruned" in recorded(run).values()
