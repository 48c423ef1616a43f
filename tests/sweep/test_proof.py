"""A machine proves that it sees what the driver sees before it trains anything."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from results.errors import RecordError
from sweep import proof
from sweep.plan import find_features, make_job, make_plan
from sweep.proof import challenge, prove, withdraw
from sweep.specs import TrialSpec, trial_specs
from sweep.workers import Allotment


@pytest.fixture
def spec(
    tiny: dict[str, Any], cache: Path, run_tiny: Callable[..., Any], tmp_path: Path
) -> TrialSpec:
    run_tiny(out=tmp_path / "other")  # builds the features
    job = make_job(tiny, out=tmp_path / "run", cache=cache)
    return trial_specs(make_plan(job, find_features(job)), Allotment("cpu", 1, 1, 1))[0]


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proof, "PATIENCE", 0.0)


def test_a_machine_that_sees_all_answers(spec: TrialSpec) -> None:
    posed = challenge(spec.run)
    assert prove(posed, [spec]) == ()
    assert len(list((spec.run / ".nodes").iterdir())) == 2
    withdraw(spec.run)
    assert not (spec.run / ".nodes").exists()


def test_a_folder_of_its_own_at_the_same_path_is_named(spec: TrialSpec) -> None:
    posed = challenge(spec.run)
    shutil.rmtree(spec.run)
    spec.run.mkdir()  # what another machine has there
    with pytest.raises(RecordError) as caught:
        prove(posed, [spec])
    assert f"does not see the run folder {spec.run} of {posed.host}" in str(caught.value)
    assert "--out on a shared folder, or s3://..." in str(caught.value)


def test_features_that_are_not_shared_are_named(spec: TrialSpec, tmp_path: Path) -> None:
    posed = challenge(spec.run)
    with pytest.raises(RecordError, match=r"does not find the features at .*--cache on a shared"):
        prove(posed, [spec, replace(spec, features=tmp_path / "elsewhere")])


def test_other_versions_are_named_and_other_code_is_refused(spec: TrialSpec) -> None:
    here = challenge(spec.run)
    there = replace(here, host="head", versions={**here.versions, "torch": "0.1"})
    (line,) = prove(there, [spec])
    torch = here.versions["torch"]
    assert line == f"{here.host} has other versions than head (in brackets): torch {torch} (0.1)"
    with pytest.raises(RecordError, match=r"has another softsweep .* than head .* install the"):
        prove(replace(there, code="0123"), [spec])


def test_a_challenge_that_a_killed_driver_left_is_gone(spec: TrialSpec) -> None:
    before = challenge(spec.run)
    after = challenge(spec.run)
    assert [path.name for path in (spec.run / ".nodes").iterdir()] == [
        after.name.removeprefix(".nodes/")
    ]
    with pytest.raises(RecordError, match="does not see the run folder"):
        prove(before, [spec])
