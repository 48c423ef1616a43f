"""A trial trains its stack in chunks that fit, records each once, and isolates what goes wrong."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from model.training import Training
from results import open_run, query
from results.records import recorded
from sweep.driver import Outcome
from sweep.plan import Plan, find_features, make_job, make_plan
from sweep.recording import Ended, record_failure
from sweep.specs import TrialSpec, halves, trial_specs
from sweep.trial import Advance, Trial
from sweep.workers import Allotment, Workers

RunTiny = Callable[..., Outcome]

SEEDS = "grid.seed=[0, 1, 2, 3]"
LOGITS = "SELECT arm, split, epoch, example, logits FROM predictions ORDER BY ALL"


@pytest.fixture
def plan(tiny: dict[str, Any], cache: Path, run_tiny: RunTiny, tmp_path: Path) -> Plan:
    """Eight arms that are to be trained."""
    run_tiny(out=tmp_path / "other")  # builds the features
    job = make_job(tiny, out=tmp_path / "run", cache=cache, overrides=[SEEDS])
    return make_plan(job, find_features(job))


@pytest.fixture
def spec(plan: Plan) -> TrialSpec:
    """One stack of all of them."""
    (spec,) = trial_specs(plan, Allotment("cpu", width=8, threads=1, slots=1))
    return spec


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], list[int]]:
    """Makes so many arms fit into memory together; returns the widths that were begun."""
    real = Training.run_epoch
    begun: list[int] = []

    def small(fits: int) -> list[int]:
        def run_epoch(self: Training) -> list[list[dict[str, Any]]]:
            if self.epoch == 0:
                begun.append(len(self.members))
            if len(self.members) > fits:
                raise torch.OutOfMemoryError("tried to allocate 1 GiB")
            return real(self)

        monkeypatch.setattr(Training, "run_epoch", run_epoch)
        return begun

    return small


def to_the_end(trial: Trial) -> list[Ended]:
    ended: list[Ended] = []
    finished = False
    while not finished:
        advance = trial.advance()
        ended += advance.ended
        finished = advance.finished
    assert advance.share == 1.0
    return ended


def test_a_stack_records_what_its_arms_record_alone(run_tiny: RunTiny, tmp_path: Path) -> None:
    alone = run_tiny(SEEDS, out=tmp_path / "alone").run
    stacked = run_tiny(SEEDS, out=tmp_path / "stacked", workers=Workers("inline", width=4)).run
    assert set(open_run(alone).arms["width"]) == {1}
    arms = open_run(stacked).arms
    assert list(arms["width"]) == [4] * 8
    assert len(set(arms["seconds"])) == 2  # shared out among the arms of each stack
    tables = [query(run, LOGITS) for run in (alone, stacked)]
    columns = ["arm", "split", "epoch", "example"]
    assert tables[0].select(columns).equals(tables[1].select(columns))
    one, other = (np.stack(table["logits"].to_numpy()) for table in tables)
    np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4)


def test_threads_are_recorded_and_given_back(run_tiny: RunTiny) -> None:
    before = torch.get_num_threads()
    run = run_tiny(workers=Workers("inline", threads=before + 1)).run
    assert set(open_run(run).arms["threads"]) == {before + 1}
    assert torch.get_num_threads() == before


def test_memory_that_runs_out_narrows_the_stack_and_is_remembered(
    run_tiny: RunTiny, memory: Callable[[int], list[int]]
) -> None:
    begun = memory(2)
    outcome = run_tiny(SEEDS, workers=Workers("inline", width=4))
    assert set(recorded(outcome.run).values()) == {"ok"}
    assert set(open_run(outcome.run).arms["width"]) == {2}
    assert begun == [4, 2, 2, 2, 2]


def test_an_arm_that_does_not_fit_even_alone_has_failed(
    run_tiny: RunTiny, memory: Callable[[int], list[int]]
) -> None:
    memory(0)
    run = run_tiny(workers=Workers("inline", width=2)).run
    assert set(recorded(run).values()) == {"failed"}
    said = "does not fit into the memory of the device, even alone"
    assert all(error.startswith(said) for error in open_run(run).arms["error"])


ONE_BAD = """
from model import loss

@loss(label="bad")
def bad(logits, y):
    {body}
"""


@pytest.mark.parametrize(
    ("body", "status"),
    [("raise RuntimeError('no')", "failed"), ("return (logits * float('nan')).sum()", "diverged")],
)
def test_a_bad_arm_of_a_stack_is_alone_in_it(
    run_tiny: RunTiny, tmp_path: Path, body: str, status: str
) -> None:
    path = tmp_path / "bad.py"
    path.write_text(ONE_BAD.format(body=body))
    grid = "grid.loss=[soft_macro_f1, bad, bce, mse]"
    outcome = run_tiny(grid, losses=[path], workers=Workers("inline", width=4))
    arms = open_run(outcome.run).arms.set_index("loss")
    assert arms["status"].to_dict() == {
        "soft_macro_f1": "ok",
        "bad": status,
        "bce": "ok",
        "mse": "ok",
    }
    assert arms["width"].to_dict() == (
        {"soft_macro_f1": 1, "bad": 1, "bce": 2, "mse": 2}
        if status == "failed"
        else dict.fromkeys(arms.index, 4)
    )
    assert (outcome.failed, outcome.diverged) == ((1, 0) if status == "failed" else (0, 1))


def test_a_trial_started_again_trains_only_what_is_not_recorded(
    spec: TrialSpec, memory: Callable[[int], list[int]]
) -> None:
    begun = memory(3)
    died = Trial(spec, {})
    while not (advance := died.advance()).ended:
        pass
    assert [end.index for end in advance.ended] == [0, 1]
    assert advance.share == 2 / 8
    parts = {path: path.stat().st_mtime_ns for path in spec.run.glob("*/*.parquet")}
    begun.clear()
    again = Trial(spec, {})
    assert again.advance() == Advance(2 / 8, finished=False, ended=(Ended(0, "ok"), Ended(1, "ok")))
    assert to_the_end(again) == [Ended(index, "ok") for index in range(2, 8)]
    assert begun == [6, 3, 3]
    assert len(open_run(spec.run).arms) == 8
    assert {path: path.stat().st_mtime_ns for path in parts} == parts


def test_a_trial_whose_process_died_for_good_fails_in_what_is_not_recorded(
    spec: TrialSpec, memory: Callable[[int], list[int]]
) -> None:
    memory(4)
    died = Trial(spec, {})
    while not died.advance().ended:
        pass
    ended = record_failure(spec, "its process died")
    assert [end.status for end in ended] == ["ok"] * 4 + ["failed"] * 4
    assert record_failure(spec, "its process died") == ended
    arms = open_run(spec.run).arms
    assert sorted(arms["status"]) == ["failed"] * 4 + ["ok"] * 4


def test_two_drivers_record_beside_each_other(plan: Plan) -> None:
    allotment = Allotment("cpu", width=8, threads=1, slots=1)
    specs = [trial_specs(plan, allotment)[0] for _ in range(2)]
    for spec in specs:
        assert {end.status for end in to_the_end(Trial(spec, {}))} == {"ok"}
    assert len(list((plan.job.run / "arms").iterdir())) == 2
    assert len(recorded(plan.job.run)) == 8


def test_share_goes_up_epoch_by_epoch(spec: TrialSpec) -> None:
    trial = Trial(spec, {})
    shares = [trial.advance().share for _ in range(spec.epochs)]
    assert all(map(math.isclose, shares, [0.5, 1.0]))


def test_a_lost_device_ends_the_process_rather_than_the_neighbours(
    spec: TrialSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(self: Training) -> list[list[dict[str, Any]]]:
        raise torch.AcceleratorError("device-side assert")

    monkeypatch.setattr(Training, "run_epoch", lost)
    with pytest.raises(torch.AcceleratorError):
        Trial(spec, {}).advance()
    assert not recorded(spec.run)


def test_halves_leave_out_what_is_recorded(spec: TrialSpec) -> None:
    first, second = halves(spec, 3)
    assert first.arms + second.arms == spec.arms[3:]
    assert len({spec.name, first.name, second.name}) == 3
    (last,) = halves(spec, 7)
    assert last.arms == spec.arms[7:]
