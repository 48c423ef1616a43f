"""Handing a sweep to a cluster: what is refused here, what would travel, how a log is followed."""

import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from sweep.errors import ExperimentError
from sweep.experiment import load_experiment
from sweep.following import _Log, exit_status
from sweep.jobs import DASHBOARD, dashboard_address
from sweep.submitting import EXPERIMENT, checked_job, entrypoint, travelling_files
from sweep.wheel import archive, wheel_files

Command = Callable[..., tuple[int, str, str]]

LOSS = """
from model import soft_metric

@soft_metric(label={name!r})
def {name}(o, y):
    return (o * y).sum()
"""

NOBODY = "http://127.0.0.1:1"


@pytest.fixture
def experiment(tiny: dict[str, Any], tmp_path: Path) -> Path:
    """An experiment with a loss file elsewhere, another of the same name given beside it."""
    for folder in ("theirs", "mine", "experiments"):
        (tmp_path / folder).mkdir()
    (tmp_path / "theirs" / "own.py").write_text(LOSS.format(name="listed"))
    (tmp_path / "mine" / "own.py").write_text(LOSS.format(name="given"))
    tiny["losses"] = ["../theirs/own.py"]
    tiny["grid"]["loss"] = ["listed", "given", "bce"]
    path = tmp_path / "experiments" / "tiny.yaml"
    path.write_text(yaml.safe_dump(tiny))
    return path


def arguments(command: str, folder: Path, **environment: str) -> list[str]:
    """What a shell makes of the command: the words that `python` is given."""
    python = folder / "python"
    python.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    python.chmod(0o755)
    told = {"PATH": f"{folder}:{os.environ['PATH']}", **environment}
    ran = subprocess.run(
        ["sh", "-c", command], env=told, check=True, capture_output=True, text=True
    )
    return ran.stdout.splitlines()


def test_the_command_survives_the_shell(tmp_path: Path) -> None:
    out = '/shared/it\'s a "run"; $HOME `id`'
    options = {"--width": 3, "--stall-after": 0, "--keep-weights": True, "--threads": None}
    words = arguments(entrypoint(out, "s3://b/c?x=1&y=2", "/data/a b", options), tmp_path)
    assert words == [
        *("-m", "sweep.cli", "run", EXPERIMENT, "--address", "auto"),
        *("--out", out, "--cache", "s3://b/c?x=1&y=2", "--data", "/data/a b"),
        *("--width", "3", "--stall-after", "0", "--keep-weights"),
    ]


@pytest.mark.parametrize(
    ("run", "cache"),
    [
        ("/shared/it's a/run", "/shared/it's a/cache"),
        ("s3://bucket/runs/my", "s3://bucket/runs/cache"),
        ("s3://bucket/my?scheme=http&x=$y", "s3://bucket/cache?scheme=http&x=$y"),
    ],
)
def test_the_cache_is_the_clusters_else_beside_the_run(
    run: str, cache: str, tmp_path: Path
) -> None:
    command = entrypoint(run, None, None, {})
    assert arguments(command, tmp_path)[-2:] == ["--cache", cache]
    theirs = arguments(command, tmp_path, SOFTSWEEP_CACHE="/their own")
    assert theirs[-2:] == ["--cache", "/their own"]


@pytest.mark.parametrize("place", ["runs/my", "~/runs/my", ".", ""])
@pytest.mark.parametrize("option", ["--out", "--cache", "--data"])
def test_folders_that_no_cluster_knows_are_refused(option: str, place: str) -> None:
    places = {"--out": "/run", "--cache": None, "--data": None, option: place}
    out, cache, data = places.values()
    with pytest.raises(ExperimentError, match=f"^{option} .*: expected a folder as the cluster's"):
        entrypoint(out, cache, data, {})


def test_a_secret_is_not_put_into_a_jobs_log() -> None:
    with pytest.raises(ExperimentError, match="no secret can be in it") as caught:
        entrypoint("s3://key:hidden@bucket/run", None, None, {})
    assert "hidden" not in str(caught.value)


def test_only_the_code_the_experiment_and_its_losses_travel(
    experiment: Path, tmp_path: Path
) -> None:
    job = checked_job(
        str(experiment), ["train.epochs=7"], [tmp_path / "mine" / "own.py"], trust_run_losses=False
    )
    files = travelling_files(job)
    more = sorted(files.keys() - wheel_files().keys())
    assert [name.rpartition("-")[0] for name in more[:2]] == ["losses/own", "losses/own"]
    assert more[2:] == [EXPERIMENT]
    assert str(tmp_path).encode() not in b"".join(files[name] for name in more)

    with ZipFile(io.BytesIO(archive(files))) as packed:
        packed.extractall(tmp_path / "there")
    there, known = load_experiment(tmp_path / "there" / EXPERIMENT)
    assert there.train.epochs == 7
    assert there.model_copy(update={"losses": job.experiment.losses}) == job.experiment
    assert {loss.sha256 for loss in known.values()} == {loss.sha256 for loss in job.losses.values()}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((), "submit: expected one of EXPERIMENT, --follow JOB and --stop JOB"),
        (("sample", "--stop", "x"), "submit: expected one of EXPERIMENT, --follow JOB and"),
        (("sample",), "--out is needed: the run folder, as the cluster's machines know it"),
        (("sample", "--out", "/r", "--dashboard", "ray://head:10001"), "ray:// a lost connection"),
        (("sample", "--out", "/r", "--width", "0"), "--width 0: expected at least 1"),
        (("sampl", "--out", "/r"), "sampl: no such experiment"),
        (("sample", "--out", "/r", "--set", "train.epoch=1"), "train.epoch: unknown key"),
        (("sample", "--out", "/r", "--losses", "none.py"), "none.py: cannot be read"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_sent(
    softsweep: Command, given: tuple[str, ...], message: str
) -> None:
    status, out, err = softsweep("submit", *given)
    assert (status, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1


def test_losses_that_a_run_folder_brings_need_trust(run_tiny: Any, experiment: Path) -> None:
    own = experiment.parent.parent / "theirs" / "own.py"
    run = run_tiny("losses=[]", "grid.loss=[listed]", losses=[own]).run
    with pytest.raises(ExperimentError, match="add --trust-run-losses"):
        checked_job(str(run), [], [], trust_run_losses=False)
    trusted = travelling_files(checked_job(str(run), [], [], trust_run_losses=True))
    assert own.read_bytes() in trusted.values()


def test_the_dashboard_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_API_SERVER_ADDRESS", raising=False)
    assert dashboard_address(None) == DASHBOARD
    monkeypatch.setenv("RAY_API_SERVER_ADDRESS", "http://theirs:1/")
    assert dashboard_address(None) == "http://theirs:1"
    assert dashboard_address("head:8265") == "http://head:8265"


def test_without_the_extra_it_says_what_to_install(
    softsweep: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_AUTH_MODE", "token")  # both are set again afterwards
    monkeypatch.setenv("RAY_API_SERVER_ADDRESS", NOBODY)
    monkeypatch.setitem(sys.modules, "aiohttp", None)
    status, _, err = softsweep("submit", "sample", "--out", "/r", "--dashboard", NOBODY)
    assert (status, err) == (
        2,
        "softsweep: submit needs Ray Jobs: pip install 'softsweep[cluster]'\n",
    )


@given(st.text("ab\n"), st.lists(st.tuples(st.integers(0, 30), st.integers(1, 9))))
def test_each_part_of_a_log_is_passed_on_once(log: str, cuts: list[tuple[int, int]]) -> None:
    passed: list[str] = []
    followed = _Log(passed.append, lambda line: None)
    for end, step in [*cuts, (len(log), 3)]:  # each connection gets so far, in parts of so much
        followed.begin()
        for start in range(0, min(end, len(log)), step):
            followed.hear(log[start : min(start + step, end)])
    assert "".join(passed) == log


class Ended:
    """How a job ended, as Ray tells it."""

    def __init__(self, status: str, code: int | None, message: str | None = None) -> None:
        self.status, self.driver_exit_code, self.message = status, code, message


def test_the_exit_status_is_the_jobs() -> None:
    for code in (0, 1, 2):
        assert exit_status("j", Ended("FAILED", code)) == code  # type: ignore[arg-type]
    assert exit_status("j", Ended("STOPPED", None)) == 130  # type: ignore[arg-type]
    for ended, why in [
        (Ended("FAILED", -9, "a log"), "its process ended with status -9"),
        (Ended("FAILED", None, "no such\nnode"), "no such node"),
    ]:
        with pytest.raises(ExperimentError, match=f"the job j failed: {why}; what is recorded is"):
            exit_status("j", ended)  # type: ignore[arg-type]
