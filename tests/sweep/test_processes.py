"""With real processes: Ray, kill -9, a full disk, a folder with the user's own `model.py`."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from results import RecordError, open_run, query
from results.records import recorded
from sweep.driver import Outcome
from sweep.executors import ray as executor
from sweep.executors import trainable
from sweep.plan import find_features, make_job, make_plan
from sweep.progress import Watcher
from sweep.specs import trial_specs
from sweep.workers import Allotment, Node, Workers, local_cores

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
def start(
    launch: Callable[..., subprocess.Popen[str]], experiment: Path, cache: Path, tmp_path: Path
) -> Callable[..., subprocess.Popen[str]]:
    """Starts `softsweep run` as a process of its own."""

    def run(*arguments: str, cwd: Path = tmp_path, out: str = "run") -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "sweep.cli", "run", str(experiment)]
        command += ["--out", str(tmp_path / out), "--cache", str(cache), *arguments]
        # -P of the interpreter: `-m` would put the working directory before softsweep itself.
        command.insert(1, "-P")
        return launch(command, cwd)

    return run


def wait_for(what: Callable[[], bool], seconds: float = 150) -> None:
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
    assert set(before.values()) == {"ok"}, open_run(run).arms["error"].to_list()
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
    """Processes that train for a driver."""
    return training_for(driver.pid)


def training_for(pid: int) -> list[psutil.Process]:
    """Processes that train for another one on Ray, which titles them so."""
    found = []
    for process in psutil.Process(pid).children(recursive=True):
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


def test_a_killed_worker_s_stack_is_gone_on_with_where_it_was_recorded(
    start: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    # A loss that raises in the middle of the one stack cuts it into chunks, recorded one by one.
    (tmp_path / "bad.py").write_text(
        "from model import loss\n@loss(label='Bad')\ndef bad(z, y):\n    return z[99]"
    )
    stack = ("--width", "18", "--threads", str(local_cores()))
    losses = ("--losses", "bad.py", "--set", "grid.loss=[soft_macro_f1, bad, bce]")
    driver = start(*stack, *losses)
    wait_for(lambda: arms_in(tmp_path / "run") >= 3 and bool(workers(driver)))
    (worker,) = workers(driver)
    worker.kill()
    stamps = {p: p.stat().st_mtime_ns for p in (tmp_path / "run").glob("arms/*.parquet")}
    before = set(recorded(tmp_path / "run"))
    assert 3 <= len(before) < 18
    _, err = driver.communicate()
    assert driver.returncode == 1, err
    assert err.count("failed Bad") == 6
    assert {path: path.stat().st_mtime_ns for path in stamps} == stamps
    rows = query(tmp_path / "run", "SELECT arm, loss, status FROM arms").to_pylist()
    assert len(rows) == len({row["arm"] for row in rows}) == 18
    assert {(row["loss"] == "bad", row["status"]) for row in rows} == {
        (False, "ok"),
        (True, "failed"),
    }


def test_an_arm_that_kills_its_process_fails_alone(
    start: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    (tmp_path / "deadly.py").write_text(
        "import os\nfrom model import loss\n@loss(label='Deadly')\n"
        "def deadly(z, y):\n    os.kill(os.getpid(), 9)"
    )
    losses = ("--losses", "deadly.py", "--set", "grid.loss=[bce, deadly]")
    stack = ("--width", "2", "--threads", str(local_cores()))
    driver = start(*stack, "--set", "grid.seed=[0]", *losses)
    _, err = driver.communicate()
    assert driver.returncode == 1, err
    assert err.count("failed Deadly") == 1
    assert "its process failed 3 times: killed" in err
    rows = query(tmp_path / "run", "SELECT loss, status FROM arms").to_pylist()
    assert {row["loss"]: row["status"] for row in rows} == {"bce": "ok", "deadly": "failed"}


def test_a_worker_that_dies_between_two_trials_loses_none(
    run_tiny: RunTiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    died = tmp_path / "died"

    class DiesOnce(trainable.StackTrainable):
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


def test_short_arms_report_once_and_long_ones_now_and_then(
    tiny: dict[str, Any],
    cache: Path,
    run_tiny: RunTiny,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run_tiny(out=tmp_path / "other")  # builds the features
    job = make_job(tiny, out=tmp_path / "run", cache=cache)
    specs = trial_specs(make_plan(job, find_features(job)), Allotment("cpu", 1, 1, 1))

    class Given(trainable.StackTrainable):
        def setup(self, config: dict[str, Any], specs: Any = specs, challenge: Any = None) -> None:
            super().setup(config, specs)
            self.greeted = True

    monkeypatch.setattr(trainable, "REPORT_EVERY", 60.0)
    report = Given({"trial": 0}).step()
    assert (report["done"], report["share"], report["ended"]) == (True, 1.0, [(0, "ok", "")])
    monkeypatch.setattr(trainable, "REPORT_EVERY", 1e-9)
    report = Given({"trial": 1}).step()
    assert (report["done"], report["share"], report["ended"]) == (False, 0.5, [])


def test_a_cluster_says_what_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    import ray  # not before the executor has said how

    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    with executor.on_ray(Workers(device="cpu")) as here:
        assert [node.cores for node in here.nodes] == [local_cores()]
        assert here.device == "cpu"
    assert not ray.is_initialized()
    ray.init("local", num_cpus=4, num_gpus=2, log_to_driver=False)
    try:
        with executor.on_ray(Workers(trials_per_gpu=2)) as joined:
            assert (list(joined.nodes), joined.device) == ([Node(4, 2)], "cuda")
        assert ray.is_initialized()  # it is not ours to stop
    finally:
        ray.shutdown()


@pytest.fixture
def joined(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This process has joined a cluster, which lives on."""
    import ray  # not before the executor has said how

    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    ray.init("local", num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()


@pytest.mark.usefixtures("joined")
def test_a_sweep_that_ends_early_leaves_a_cluster_to_the_next_one(
    run_tiny: RunTiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class NeverStarts(trainable.StackTrainable):
        def setup(self, *given: Any, **named: Any) -> None:
            raise ModuleNotFoundError("No module named 'sweep'")

    def broken(*given: Any) -> None:
        raise ValueError("the watcher is broken")

    def interrupt(*given: Any) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    run = partial(run_tiny, out=tmp_path / "run", executor="ray")
    for error, said, where, name, change in (
        (RecordError, "start there .*named 'sweep'", executor, "StackTrainable", NeverStarts),
        (ValueError, "the watcher is broken", Watcher, "advanced", broken),
        (KeyboardInterrupt, "^$", Watcher, "advanced", interrupt),
    ):
        with monkeypatch.context() as patched:
            patched.setattr(where, name, change)
            with pytest.raises(error, match=said):
                run()
        wait_for(lambda: not training_for(os.getpid()), seconds=10)
    assert run().failed == 0


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
