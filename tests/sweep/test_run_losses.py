"""Losses of one's own: kept with the run, and run from there only by whoever trusts it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from results import open_run
from results.records import recorded
from sweep.driver import Outcome
from sweep.errors import ExperimentError
from sweep.experiment import load_experiment
from sweep.plan import make_job

RunTiny = Callable[..., Outcome]
Command = Callable[..., tuple[int, str, str]]

TEN_LINES = """\
from model import ratio, soft_metric


@soft_metric(label="Sm-F2", source="eq. 10 with beta = 2")
def soft_micro_f2(o, y):
    tp = (o * y).sum()
    return ratio(5 * tp, 4 * y.sum() + o.sum(), empty=0.0)
"""


@pytest.mark.slow
def test_a_file_outside_the_project_is_swept_and_then_by_a_process_without_it(
    tiny: dict[str, Any], cache: Path, tmp_path: Path
) -> None:
    here, there = tmp_path / "with the file", tmp_path / "without"
    here.mkdir()
    there.mkdir()
    (here / "mine.py").write_text(TEN_LINES)
    tiny["grid"]["loss"] = ["soft_micro_f2", "bce"]
    (here / "tiny.yaml").write_text(yaml.safe_dump(tiny))

    def softsweep(folder: Path, *arguments: str) -> str:
        command = [sys.executable, "-P", "-m", "sweep.cli", "run", *arguments]
        environment = os.environ | {"SOFTSWEEP_CACHE": str(cache)}
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stderr

    said = softsweep(here, "tiny.yaml", "--losses", "mine.py", "--out", "../run")
    assert "2 arms trained" in said
    (here / "mine.py").unlink()
    said = softsweep(there, "../run", "--trust-run-losses", "--set", "grid.seed=[0, 1]")
    assert "2 arms trained, 2 were recorded already" in said
    arms = open_run(tmp_path / "run").arms
    assert sorted(zip(arms["loss"], arms["seed"], arms["status"], strict=True)) == [
        (loss, seed, "ok") for loss in ("bce", "soft_micro_f2") for seed in (0, 1)
    ]


@pytest.fixture
def run(run_tiny: RunTiny, tmp_path: Path) -> Path:
    """A run with a loss of its own, whose file is gone from where it was."""
    elsewhere = tmp_path / "somebody's laptop"
    elsewhere.mkdir()
    path = elsewhere / "mine.py"
    path.write_text(TEN_LINES)
    done = run_tiny("grid.loss=[soft_micro_f2, bce]", losses=[path])
    assert (done.tried, done.failed) == (2, 0)
    shutil.rmtree(elsewhere)
    return done.run


def test_a_run_folder_is_an_experiment(run: Path, softsweep: Command) -> None:
    bce = ("--set", "grid.loss=[bce]", "--set", "losses=[]", "--set", "grid.seed=[0, 1]")
    status, _, err = softsweep("run", run, *bce, "--executor", "inline")
    assert status == 0, err
    assert "1 arms trained, 1 were recorded already" in err
    assert len(recorded(run)) == 3


def test_losses_that_a_run_brings_are_named_and_not_run_unasked(
    run: Path, softsweep: Command
) -> None:
    more = ("run", run, "--executor", "inline", "--set", "grid.seed=[0, 1]")
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    status, out, err = softsweep(*more)
    assert (status, out) == (2, "")
    assert "brings losses of its own" in err
    assert "mine-" in err
    assert "--trust-run-losses" in err
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before

    status, out, err = softsweep(*more, "--trust-run-losses")
    assert status == 0, err
    assert "2 arms trained, 2 were recorded already" in err
    assert "Sm-F2" in out


def test_going_on_keeps_one_file_of_each_loss(run: Path, softsweep: Command) -> None:
    before = sorted(path.name for path in (run / "losses").iterdir())
    for seeds in ("[0, 1]", "[0, 1, 2]"):
        more = ("--executor", "inline", "--set", f"grid.seed={seeds}", "--trust-run-losses")
        assert softsweep("run", run, *more)[0] == 0
    assert sorted(path.name for path in (run / "losses").iterdir()) == before


def test_tables_of_a_run_never_run_its_losses(run: Path, softsweep: Command) -> None:
    for path in (run / "losses").iterdir():
        path.write_text("raise SystemExit('this file was run')")
    for command in (("tables", run), ("query", run, "SELECT loss FROM arms")):
        status, out, err = softsweep(*command)
        assert (status, "this file was run" in err) == (0, False)
        assert "Sm-F2" in out or "soft_micro_f2" in out


def test_a_file_given_replaces_the_one_that_the_run_keeps(run: Path, tmp_path: Path) -> None:
    path = tmp_path / "newer.py"
    path.write_text(TEN_LINES + "# newer\n")
    job = make_job(run, losses=[path])
    assert job.losses["soft_micro_f2"].text == path.read_text()
    assert job.brought == ()
    assert job.run == run.resolve()


def test_no_disguise_makes_a_folder_s_losses_trusted(tmp_path: Path, run: Path) -> None:
    (kept,) = (run / "losses").iterdir()
    outside = tmp_path / "outside.py"
    shutil.copy(kept, outside)
    shutil.rmtree(run / "examples")  # no run any more
    assert make_job(run).brought == make_job(run / "experiment.yaml").brought == (kept,)
    kept.unlink()
    kept.symlink_to(outside)
    assert make_job(run).brought == (outside,)
    said = run / "experiment.yaml"
    said.write_text(said.read_text().replace(f"losses/{kept.name}", "../outside.py"))
    assert make_job(run).brought == (outside,)


def test_a_folder_that_is_no_run_is_no_experiment(tmp_path: Path) -> None:
    with pytest.raises(ExperimentError, match=r"give a \.yaml file, a run folder"):
        load_experiment(tmp_path)
