"""Work in flight goes on from its checkpoint, to the same bits, and nothing is left of it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import pyarrow.parquet as pq
import pytest
import torch
import yaml
from rich.console import Console

from model.training import Training
from results.mirror import Direct, direct, local_folder
from results.records import recorded
from results.schemas import STATUSES
from sweep import checkpoints, resuming
from sweep.checkpoints import Checkpoint, Checkpoints, clean_checkpoints, stacks_under_way
from sweep.driver import build_features
from sweep.plan import SETTLED, Plan, make_job, make_plan
from sweep.pruning import Bar
from sweep.recording import Ended
from sweep.specs import TrialSpec, trial_specs
from sweep.trial import Trial
from sweep.workers import Allotment

EPOCHS = 4
ONE_STACK = Allotment("cpu", width=8, threads=1, slots=1)
OF_THE_CLOCK = ("part", "seconds", "finished")
LATE = """
from model import loss

@loss(label="Late")
def late(logits, y, *, progress):
    return logits.square().sum() * (float("nan") if progress > 0.6 else 1e-3)
"""


@pytest.fixture(autouse=True)
def _every_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOFTSWEEP_CHECKPOINT_EVERY", "0")


@pytest.fixture
def plan(tiny: dict[str, Any], cache: Path, tmp_path: Path) -> Plan:
    """Six arms that are to be trained, two of which diverge."""
    (tmp_path / "late.py").write_text(LATE)
    tiny["grid"] |= {"loss": ["soft_macro_f1", "late", "bce"], "seed": [0, 1]}
    tiny["train"] = {"epochs": EPOCHS, "warmup_epochs": 1, "ramp_epochs": 2.5}
    tiny["network"] |= {"dropout": 0.2}
    job = make_job(tiny, out=tmp_path / "run", cache=cache, losses=[tmp_path / "late.py"])
    job = replace(job, keep_weights=True)
    return make_plan(job, build_features(job, Console(quiet=True)))


@pytest.fixture
def spec(plan: Plan) -> TrialSpec:
    """One stack of all of them, of which a bar stops one arm."""
    pruned = next(arm.key for arm in plan.todo if arm.loss == "bce" and arm.seed == 1)
    (spec,) = trial_specs(plan, ONE_STACK, {pruned: [Bar("acc", "dev", {3: 2.0})]})
    return spec


def to_the_end(trial: Trial) -> tuple[list[Ended], list[str]]:
    ended, notes, finished = list[Ended](), list[str](), False
    while not finished:
        advance = trial.advance()
        ended += advance.ended
        notes += advance.notes
        finished = advance.finished
    return ended, notes


def left_after(spec: TrialSpec, epochs: int) -> Trial:
    """A trial that stopped there."""
    trial = Trial(spec, {})
    for _ in range(epochs):
        trial.advance()
    return trial


def lying(run: Path) -> list[str]:
    return sorted(path.name for path in (run / ".checkpoints").glob("*"))


def with_run(spec: TrialSpec, run: Path) -> TrialSpec:
    return replace(spec, run=run)


def made(arms: tuple[str, ...], epoch: int) -> Checkpoint:
    return Checkpoint(arms=arms, epoch=epoch, seconds=1.0, facts={})


@pytest.fixture
def whole(spec: TrialSpec, tmp_path: Path) -> list[Any]:
    """What the trial records where nothing disturbs it."""
    undisturbed = with_run(spec, tmp_path / "whole")
    ended, notes = to_the_end(Trial(undisturbed, {}))
    assert sorted(end.status for end in ended) == ["diverged"] * 2 + ["ok"] * 3 + ["pruned"]
    assert not notes
    assert not lying(undisturbed.run)
    return contents(undisturbed.run)


def contents(run: Path) -> list[Any]:
    """All that is recorded but the time that it took."""
    weights = {path.name: path.read_bytes() for path in (run / "weights").iterdir()}
    return [*(rows(run, kind) for kind in ("arms", "epochs", "predictions")), weights]


def rows(run: Path, kind: str) -> list[dict[str, Any]]:
    table = pq.read_table(run / kind)
    columns = [name for name in table.column_names if name not in OF_THE_CLOCK]
    keys = ("arm", "epoch", "split", "example")
    order = [(name, "ascending") for name in keys if name in columns]
    found: list[dict[str, Any]] = table.select(columns).sort_by(order).to_pylist()
    return found


@pytest.mark.parametrize("epoch", range(1, EPOCHS))
def test_what_a_resumed_trial_records_is_what_it_would_have(
    spec: TrialSpec, whole: list[Any], epoch: int
) -> None:
    left_after(spec, epoch)
    assert len(lying(spec.run)) == 2
    ended, notes = to_the_end(Trial(spec, {}))
    (note,) = notes
    assert note.endswith(f"and 5 more: goes on after epoch {epoch}")
    assert [end.index for end in ended] == list(range(6))
    assert contents(spec.run) == whole
    assert not lying(spec.run)


def test_seconds_of_earlier_tries_count(spec: TrialSpec) -> None:
    left_after(spec, 1)
    (checkpoint,) = Checkpoints(spec.run).valid()
    store = Checkpoints(spec.run)
    store.write(checkpoint.model_copy(update={"seconds": 6000.0}), store.tensors(checkpoint))
    to_the_end(Trial(spec, {}))
    seconds = pq.read_table(spec.run / "arms")["seconds"].to_pylist()
    assert all(1000 <= each < 1100 for each in seconds)


def test_a_narrowed_chunk_is_gone_on_with_at_its_width(
    spec: TrialSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, begun = Training.run_epoch, list[tuple[int, int]]()

    def small(self: Training) -> list[list[dict[str, Any]]]:
        begun.append((len(self.members), self.epoch))
        if len(self.members) > 3:
            raise torch.OutOfMemoryError("tried to allocate 1 GiB")
        return real(self)

    monkeypatch.setattr(Training, "run_epoch", small)
    left_after(spec, 3)
    assert begun == [(6, 0), (3, 0), (3, 1)]
    begun.clear()
    ended, notes = to_the_end(Trial(spec, {}))
    assert begun == [(3, 2), (3, 3), *((3, epoch) for epoch in range(EPOCHS))]
    assert len(ended) == 6
    assert len(notes) == 1
    assert not lying(spec.run)


def test_halves_of_a_chunk_begin_anew(spec: TrialSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Training.run_epoch

    def bad(self: Training) -> list[list[dict[str, Any]]]:
        if self.epoch == 2 and len(self.members) == 6:
            raise RuntimeError("no")
        return real(self)

    monkeypatch.setattr(Training, "run_epoch", bad)
    trial = left_after(spec, 2)
    assert lying(spec.run)
    trial.advance()
    assert not lying(spec.run)
    ended, notes = to_the_end(trial)
    assert [end.index for end in ended] == list(range(6))
    assert not notes


def flip(spec: TrialSpec) -> TrialSpec:
    (path,) = (spec.run / ".checkpoints").glob("*.safetensors")
    data = bytearray(path.read_bytes())
    data[-5] ^= 1
    path.write_bytes(data)
    return spec


def lose(spec: TrialSpec) -> TrialSpec:
    (path,) = (spec.run / ".checkpoints").glob("*.safetensors")
    path.unlink()
    return spec


def scrawl(spec: TrialSpec) -> TrialSpec:
    (path,) = (spec.run / ".checkpoints").glob("*.json")
    path.write_text("{}")
    return spec


def escape(spec: TrialSpec) -> TrialSpec:
    (path,) = (spec.run / ".checkpoints").glob("*.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"token": "/../../x"}))
    return spec


def rename(spec: TrialSpec) -> TrialSpec:
    (path,) = (spec.run / ".checkpoints").glob("*.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"arms": ["another"]}))
    return spec


def update(spec: TrialSpec) -> TrialSpec:
    (path,) = (spec.run / ".checkpoints").glob("*.json")
    said = json.loads(path.read_text())
    said["facts"]["versions"]["torch"] = "1.0"
    path.write_text(json.dumps(said))
    return spec


def lift_bars(spec: TrialSpec) -> TrialSpec:
    return replace(spec, bars={})


def forget_weights(spec: TrialSpec) -> TrialSpec:
    return replace(spec, keep_weights=False)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (flip, "other bytes than were written"),
        (lose, "its tensors are gone"),
        (scrawl, "its description is damaged"),
        (escape, "its description is damaged"),
        (rename, "it is of other arms than its name says"),
        (update, "it is of other versions"),
        (lift_bars, "it is of other bars"),
        (forget_weights, "it is of other keep_weights"),
    ],
)
def test_a_checkpoint_of_no_use_is_deleted_and_the_arms_begin_anew(
    spec: TrialSpec, change: Callable[[TrialSpec], TrialSpec], reason: str
) -> None:
    left_after(spec, 2)
    trial = Trial(change(spec), {})
    first = trial.advance()
    assert first.share == pytest.approx(1 / EPOCHS)
    (note,) = first.notes
    assert note.endswith(f"and 5 more: begun anew, the checkpoint cannot be used ({reason})")
    ended, notes = to_the_end(trial)
    assert (len(ended), notes) == (6, [])
    assert not lying(spec.run)


def test_a_state_that_does_not_fit_is_begun_anew(
    spec: TrialSpec, whole: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    left_after(spec, 2)
    real = Training.load_state_dict

    def other_layout(self: Training, state: Any) -> None:
        tensors = {name: tensor[:1] for name, tensor in state.tensors.items()}
        real(self, replace(state, tensors=tensors))

    monkeypatch.setattr(Training, "load_state_dict", other_layout)
    _, notes = to_the_end(Trial(spec, {}))
    assert "begun anew, its checkpoint is of no use (StateError: " in notes[0]
    assert contents(spec.run) == whole


def test_none_is_written_before_it_is_worth_it(
    spec: TrialSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOFTSWEEP_CHECKPOINT_EVERY", "600")
    left_after(spec, EPOCHS - 1)
    assert not (spec.run / ".checkpoints").exists()


def test_one_too_large_is_not_written(spec: TrialSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resuming, "MOST_BYTES", 10_000)
    ended, (note,) = to_the_end(Trial(spec, {}))
    assert note.endswith("trained without new checkpoints (each would have 0.0 GiB)")
    assert len(ended) == 6
    assert not (spec.run / ".checkpoints").exists()


def test_a_storage_that_takes_none_costs_no_arm(spec: TrialSpec) -> None:
    spec.run.mkdir()
    (spec.run / ".checkpoints").touch()  # a file in the way
    ended, notes = to_the_end(Trial(spec, {}))
    assert len(ended) == 6
    assert len(notes) == 2
    assert "begun anew, checkpoints cannot be read" in notes[0]
    assert "trained without new checkpoints" in notes[1]


def test_a_storage_that_hangs_stops_no_training(
    spec: TrialSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    free, real = Event(), Direct.write

    def stalled(self: Direct, name: str, data: bytes) -> None:
        assert free.wait(60)
        real(self, name, data)

    monkeypatch.setattr(resuming, "PATIENCE", 0.01)
    monkeypatch.setattr(Direct, "write", stalled)
    trial = Trial(spec, {})
    ended, (note,) = to_the_end(trial)
    assert len(ended) == 6
    assert note.endswith("trained without new checkpoints (the storage takes too long)")
    free.set()
    assert trial.saver._writing
    trial.saver._writing.join()
    assert not lying(spec.run)  # what was written late is deleted after it


def test_two_nodes_go_on_with_each_other_s_work_in_a_store(
    spec: TrialSpec, whole: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "bucket"
    store.mkdir()
    nodes = []
    for name in ("a", "b"):
        monkeypatch.setenv("SOFTSWEEP_MIRRORS", str(tmp_path / name))
        nodes.append(with_run(spec, local_folder(store.as_uri())))
    for node, epochs in ((nodes[0], 1), (nodes[1], 1), (nodes[0], 1)):
        left_after(node, epochs)
        assert len(lying(store)) == 2
        assert not lying(node.run)
    _, (note,) = to_the_end(Trial(nodes[1], {}))
    assert note.endswith("goes on after epoch 3")
    assert contents(store) == whole
    assert not lying(store)


def test_stacks_under_way_are_cut_first_as_they_were(plan: Plan) -> None:
    wide = trial_specs(plan, ONE_STACK)[0]
    odd = replace(wide, arms=(wide.arms[4], wide.arms[1], wide.arms[3]))
    left_after(odd, 1)
    specs = trial_specs(plan, ONE_STACK)
    assert specs[0].arms == odd.arms
    (rest,) = specs[1:]
    assert rest.arms == tuple(arm for arm in wide.arms if arm not in odd.arms)
    assert not stacks_under_way(odd.run, plan.todo, "cuda", 8)
    assert not stacks_under_way(odd.run, plan.todo, "cpu", 2)
    assert not stacks_under_way(odd.run, [wide.arms[1], wide.arms[4]], "cpu", 8)


def test_only_what_somebody_will_go_on_with_is_kept(
    spec: TrialSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = spec.run
    clean_checkpoints(run, SETTLED)  # there is none
    done = replace(spec, arms=spec.arms[:2], bars={})
    to_the_end(Trial(done, {}))
    settled, other = spec.arms[0].key, spec.arms[5].key
    store = Checkpoints(run)
    for arms in ((settled, other), (other,)):
        store.write(made(arms, 1), b"tensors")
    direct(run).write(".checkpoints/trial.hung", b"hung")
    direct(run).write(".checkpoints/x.1234abcd.safetensors", b"nobody's")
    (run / ".checkpoints" / f".x.json.{'0' * 16}").touch()
    clean_checkpoints(run, SETTLED)
    kept = [name for name in lying(run) if not name.startswith(".")]
    assert [name.split(".")[0] for name in kept] == [checkpoints.name_of([other])] * 2
    monkeypatch.setattr(checkpoints, "OLDEST", -1.0)
    clean_checkpoints(run, STATUSES)
    assert not (run / ".checkpoints").exists()


def test_a_death_between_the_two_files_leaves_the_older_checkpoint(
    spec: TrialSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Checkpoints(spec.run)
    store.write(made(("a",), 1), b"one")
    real = Direct.write

    def dies(self: Direct, name: str, data: bytes) -> None:
        if name.endswith(".json"):
            raise KeyboardInterrupt
        real(self, name, data)

    monkeypatch.setattr(Direct, "write", dies)
    with pytest.raises(KeyboardInterrupt):
        store.write(made(("a",), 2), b"two")
    monkeypatch.undo()
    (found,) = store.valid()
    assert (found.epoch, store.tensors(found)) == (1, b"one")
    store.write(made(("a",), 2), b"two")
    assert len(lying(spec.run)) == 2
    store.delete(found.name)
    assert not lying(spec.run)


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_after_kill_9_an_arm_goes_on_from_its_checkpoint(
    tiny: dict[str, Any], cache: Path, tmp_path: Path
) -> None:
    tiny["corpus"] = {"reader": "sample", "train": 400, "dev": 60, "test": 60}
    tiny["grid"] = {"loss": ["soft_macro_f1", "bce"], "batch_size": [4], "seed": [0]}
    tiny["train"] = {"epochs": 20}
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump(tiny))

    def start(out: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-P", "-m", "sweep.cli", "run", str(path), "--keep-weights"]
        command += ["--out", str(tmp_path / out), "--cache", str(cache), "--executor", "inline"]
        environment = os.environ | {"SOFTSWEEP_CHECKPOINT_EVERY": "0"}
        return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)

    driver = start("run")
    run, until = tmp_path / "run", time.monotonic() + 90
    while not (recorded(run) and any(each.epoch >= 1 for each in Checkpoints(run).valid())):
        assert driver.poll() is None
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.01)
    driver.send_signal(signal.SIGKILL)
    driver.communicate()
    (checkpoint,) = Checkpoints(run).valid()
    assert len(recorded(run)) == 1
    resumed = start("run")
    _, err = resumed.communicate()
    assert resumed.returncode == 0, err
    assert f"en b=4 seed=0: goes on after epoch {checkpoint.epoch}" in err
    assert err.count("goes on after") == 1
    assert not (run / ".checkpoints").exists()
    whole = start("whole")
    _, err = whole.communicate()
    assert whole.returncode == 0, err
    assert contents(run) == contents(tmp_path / "whole")
