"""With real processes: Ray, kill -9, a full disk, a folder with the user's own `model.py`."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from results import open_run, query
from results.records import recorded
from sweep.driver import Outcome
from sweep.executors import ray as executor

RunTiny = Callable[..., Outcome]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

LOGITS = "SELECT arm, split, epoch, example, logits FROM predictions ORDER BY ALL"


@pytest.fixture
def experiment(tiny: dict[str, Any], tmp_path: Path) -> Path:
    """Twelve arms of a second or two each."""
    tiny["corpus"] = {"reader": "sample", "train": 400, "dev": 60, "test": 60}
    tiny["grid"] = {"loss": ["soft_macro_f1", "bce"], "batch_size": [4], "seed": list(range(6))}
    tiny["train"] = {"epochs": 4}
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump(tiny))
    return path


@pytest.fixture
def start(experiment: Path, cache: Path, tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    """Starts `softsweep run` as a process of its own."""

    def run(*arguments: str, cwd: Path = tmp_path, out: str = "run") -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "sweep.cli", "run", str(experiment)]
        command += ["--out", str(tmp_path / out), "--cache", str(cache), *arguments]
        # -P of the interpreter: `-m` would put the working directory before softsweep itself.
        command.insert(1, "-P")
        return subprocess.Popen(
            command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    return run


def wait_for(what: Callable[[], bool], seconds: float = 90) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.1)


def said(err: str) -> list[str]:
    """Standard error without the line that says which features are used."""
    return [line for line in err.splitlines() if not line.startswith("en: sample; n = ")]


def arms_in(run: Path) -> int:
    return len(list((run / "arms").glob("*.parquet"))) if run.exists() else 0


def test_ray_and_inline_record_the_same_bits(run_tiny: RunTiny, tmp_path: Path) -> None:
    grid = ("grid.loss=[soft_accuracy, bce]", "grid.seed=[0, 1]", "languages=[en, es]")
    inline = run_tiny(*grid, out=tmp_path / "inline", executor="inline").run
    ray = run_tiny(*grid, out=tmp_path / "ray", executor="ray").run
    rows = query(inline, LOGITS)
    assert len(rows) > 0
    assert rows.equals(query(ray, LOGITS))
    assert not (ray / ".ray").exists()


@pytest.mark.parametrize("executor", ["ray", "inline"])
def test_after_kill_9_the_rest_is_trained_and_nothing_twice(
    start: Callable[..., subprocess.Popen[str]], tmp_path: Path, executor: str
) -> None:
    run = tmp_path / "run"
    driver = start("--executor", executor)
    wait_for(lambda: arms_in(run) >= 3)
    training = workers(driver)
    driver.kill()
    driver.communicate()
    wait_for(lambda: not any(process.is_running() for process in training))
    before = recorded(run)
    assert set(before.values()) == {"ok"}
    assert 3 <= len(before) < 12
    stamps = {path: path.stat().st_mtime_ns for path in (run / "arms").glob("*.parquet")}
    resumed = start("--executor", executor)
    out, err = resumed.communicate()
    assert resumed.returncode == 0, err
    assert f"{12 - len(before)} arms trained, {len(before)} were recorded already" in err
    assert set(recorded(run).values()) == {"ok"}
    assert len(recorded(run)) == 12
    assert {path: path.stat().st_mtime_ns for path in stamps} == stamps
    rows = open_run(run).arms
    assert len(rows) == len(set(rows["arm"]))
    assert "Table 2" in out
    whole = start("--executor", "inline", out="whole")
    whole.communicate()
    assert query(run, LOGITS).equals(query(tmp_path / "whole", LOGITS))


def workers(driver: subprocess.Popen[str]) -> list[psutil.Process]:
    """Processes that train for a driver on Ray, which titles them so."""
    found = []
    for process in psutil.Process(driver.pid).children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if "Trainable" in " ".join(process.cmdline()):
                found.append(process)
    return found


def test_a_killed_worker_s_trial_is_started_again(
    start: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    driver = start()
    wait_for(lambda: arms_in(tmp_path / "run") >= 1 and bool(workers(driver)))
    workers(driver)[0].kill()
    _, err = driver.communicate()
    assert driver.returncode == 0, err
    assert list(recorded(tmp_path / "run").values()) == ["ok"] * 12
    assert "12 arms trained" in err


def test_a_worker_that_dies_between_two_trials_loses_none(
    run_tiny: RunTiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    died = tmp_path / "died"

    class DiesOnce(executor.StackTrainable):
        def reset_config(self, new_config: dict[str, Any]) -> bool:
            if not died.exists():
                died.touch()
                os.kill(os.getpid(), signal.SIGKILL)
            return super().reset_config(new_config)

    monkeypatch.setattr(executor, "StackTrainable", DiesOnce)
    outcome = run_tiny("grid.seed=[0, 1, 2, 3, 4, 5]", out=tmp_path / "run", executor="ray")
    assert died.exists()
    assert (outcome.wanted, outcome.failed) == (len(recorded(outcome.run)), 0)
    assert set(recorded(outcome.run).values()) == {"ok"}


def test_an_interrupt_keeps_what_is_recorded(
    start: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    driver = start()
    wait_for(lambda: arms_in(tmp_path / "run") >= 1)
    driver.send_signal(signal.SIGINT)
    _, err = driver.communicate()
    assert driver.returncode == 130, err
    assert said(err) == ["softsweep: stopped; what is recorded is kept, run again to go on"]
    assert recorded(tmp_path / "run")
    assert not (tmp_path / "run" / ".ray").exists()


@pytest.mark.parametrize("name", ["model.py", "features/__init__.py"])
def test_a_user_s_module_in_the_way_of_workers_is_named(
    start: Callable[..., subprocess.Popen[str]], tmp_path: Path, name: str
) -> None:
    folder = tmp_path / "project"
    path = folder / name
    path.parent.mkdir(parents=True)
    path.write_text("raise SystemExit('the wrong module was imported')\n")
    driver = start(cwd=folder)
    _, err = driver.communicate()
    assert driver.returncode == 2, err
    assert err.startswith(f"softsweep: {path} would be imported by workers")
    assert err.count("\n") == 1
    assert not (tmp_path / "run").exists()
    driver = start("--executor", "inline", "--set", "grid.seed=[0]", cwd=folder)
    _, err = driver.communicate()
    assert driver.returncode == 0, err


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system that holds some of the twelve arms."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small file system needs root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("executor", ["inline", "ray"])
def test_a_full_disk_ends_the_run_in_one_sentence_and_keeps_what_is_recorded(
    start: Callable[..., subprocess.Popen[str]], small_disk: Path, executor: str
) -> None:
    driver = start("--executor", executor, out="disk/run")
    _, err = driver.communicate()
    assert driver.returncode == 2, err
    (sentence,) = said(err)
    assert sentence.startswith(f"softsweep: {small_disk / 'run'}")
    assert "no space left" in sentence
    before = recorded(small_disk / "run")
    assert before
    subprocess.run(["mount", "-o", "remount,size=8m", str(small_disk)], check=True)
    driver = start("--executor", executor, out="disk/run")
    _, err = driver.communicate()
    assert driver.returncode == 0, err
    assert f"{12 - len(before)} arms trained" in err
