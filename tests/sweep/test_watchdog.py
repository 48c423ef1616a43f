"""A trial that hangs ends its process and leaves word of where; one that is slow goes on."""

import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from sweep.driver import build_features
from sweep.errors import ExperimentError
from sweep.plan import make_job, make_plan
from sweep.specs import TrialSpec, trial_specs
from sweep.trial import Trial
from sweep.watchdog import Watchdog, hang_note
from sweep.workers import Allotment, Node, Workers, allot

CHILD = """
import pickle, sys
import model.training
from sweep import watchdog
from sweep.trial import Trial
watchdog.GRACE = float(sys.argv[2])
spec = pickle.load(open(sys.argv[1], "rb"))
trial = Trial(spec, {})
while not trial.advance().finished:
    pass
"""

LOSS = """
import ctypes, time
from model import loss

@loss(label="Stuck")
def stuck(logits, y, *, progress):
    if progress > 0.6:
        wait()
    return logits.square().sum()

def wait():
    {body}
"""

MakeSpec = Callable[[str], TrialSpec]


@pytest.fixture
def make_spec(tiny: dict[str, Any], cache: Path, tmp_path: Path) -> MakeSpec:
    """Makes a trial of two arms, one of which does something in the middle of the second epoch."""

    def make(body: str) -> TrialSpec:
        (tmp_path / "stuck.py").write_text(LOSS.format(body=body))
        tiny["grid"]["loss"] = ["bce", "stuck"]
        job = make_job(tiny, out=tmp_path / "run", cache=cache, losses=[tmp_path / "stuck.py"])
        plan = make_plan(job, build_features(job, Console(quiet=True)))
        (spec,) = trial_specs(plan, Allotment("cpu", 2, 1, 1, stall_after=2.0))
        return spec

    return make


def run(spec: TrialSpec, tmp_path: Path, grace: float) -> subprocess.CompletedProcess[str]:
    """Train it in a process of its own."""
    import pickle

    file = tmp_path / "spec"
    file.write_bytes(pickle.dumps(spec))
    command = [sys.executable, "-P", "-c", CHILD, str(file), str(grace)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def left_of(spec: TrialSpec) -> list[Path]:
    return list((spec.run / ".checkpoints").glob("*"))


@pytest.mark.slow
@pytest.mark.parametrize("body", ["while True: pass", "time.sleep(999)"])
def test_a_trial_that_hangs_is_ended_and_says_where(
    make_spec: MakeSpec, tmp_path: Path, body: str
) -> None:
    spec = make_spec(body)
    assert hang_note(spec) == ""
    done = run(spec, tmp_path, grace=20)
    assert done.returncode == 1, done.stderr
    assert re.fullmatch(
        r"no step for \d+ s in epoch 2 of BCE en b=16 seed=0 and 1 more, "
        r"at stuck.py:12 \(wait\) from stuck.py:8 \(stuck\); its slowest step took [\d.]+ s",
        hang_note(spec),
    )
    assert hang_note(spec) == ""  # of the try after it, which left none


@pytest.mark.slow
def test_code_that_holds_python_s_lock_is_ended_too(make_spec: MakeSpec, tmp_path: Path) -> None:
    spec = make_spec("ctypes.PyDLL(None).sleep(999)")
    done = run(spec, tmp_path, grace=1)
    assert done.returncode == 1, done.stderr
    assert re.fullmatch(
        r"no step for 0:\d\d:\d\d in epoch 2 of BCE en b=16 seed=0 and 1 more, "
        r"at stuck.py:12 \(wait\) from stuck.py:8 \(stuck\) from surrogates.py:\d+ \(__call__\); "
        r"it held Python's lock",
        hang_note(spec),
    )


@pytest.mark.slow
def test_a_next_try_that_does_not_hang_takes_the_note_back(
    make_spec: MakeSpec, tmp_path: Path
) -> None:
    flag = tmp_path / "hung"
    body = f"import os; p = {str(flag)!r}; os.path.exists(p) or (open(p, 'w'), time.sleep(999))"
    spec = make_spec(body)
    assert run(spec, tmp_path, grace=20).returncode == 1
    assert left_of(spec)
    done = run(spec, tmp_path, grace=20)
    assert done.returncode == 0, done.stderr
    assert hang_note(spec) == ""
    assert not left_of(spec)


def test_a_slow_trial_is_judged_by_its_own_pace(make_spec: MakeSpec) -> None:
    dog = Watchdog(make_spec("pass"))
    assert dog.limit == 2.0
    with dog.watching("here"):
        time.sleep(0.2)  # the set-up says nothing about the pace
        dog.beat()
        assert dog.limit == 2.0
        time.sleep(0.05)
        dog.beat()
        assert 5.0 <= dog.limit < 15.0
    dog.close()


def test_a_trial_that_is_not_watched_leaves_no_note(make_spec: MakeSpec) -> None:
    watched = make_spec("pass")
    trial = Trial(watched, {})
    trial.advance()
    assert [path.name for path in left_of(watched)] == [f"{watched.name}.hung"]
    assert hang_note(watched) == ""
    while not trial.advance().finished:
        pass
    assert not left_of(watched)


def test_only_workers_are_watched() -> None:
    def after(**given: Any) -> float:
        return allot(Workers(**given), "cpu", [Node(2)], 1).stall_after

    assert after(executor="ray") == 300.0
    assert after(executor="ray", stall_after=0.0) == 0.0
    assert after(executor="inline", stall_after=5.0) == 0.0
    for wrong in (-1.0, float("nan"), float("inf")):
        with pytest.raises(ExperimentError, match=r"--stall-after .*: expected 0 or more seconds"):
            Workers(stall_after=wrong)
