"""The main job, inline: it records, resumes by subtraction, and survives bad arms."""

import io
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml
from rich.console import Console

from results import RecordError, aggregate, open_run, query
from results.errors import RecordWarning
from results.records import recorded
from sweep import run_experiment
from sweep.driver import Outcome
from sweep.errors import ExperimentError
from sweep.experiment import load_experiment
from sweep.plan import find_features, make_job, make_plan
from sweep.recording import Ended, record_failure
from sweep.specs import trial_specs
from sweep.trial import Advance, Trial
from sweep.workers import Allotment, Workers

RunTiny = Callable[..., Outcome]


def test_a_run_records_arms_epochs_predictions_and_tables(run_tiny: RunTiny) -> None:
    outcome = run_tiny()
    assert (outcome.wanted, outcome.tried, outcome.failed) == (2, 2, 0)
    run = open_run(outcome.run)
    assert set(run.arms["status"]) == {"ok"}
    assert set(run.epochs["split"]) == {"train", "dev", "dev/a", "dev/b", "test"}
    assert len(run.epochs) == 2 * 2 * 5
    assert set(run.predictions["split"]) == {"dev", "test"}
    assert {"table2_en.md", "table2_en.tex", "scores.parquet"} <= {
        path.name for path in (outcome.run / "tables").iterdir()
    }
    settings = json.loads(run.arms["settings"][0])
    assert settings["epochs"] == 2
    assert settings["network.filters"] == 4
    resolved = yaml.safe_load((outcome.run / "experiment.yaml").read_text())
    assert resolved["train"]["rho"] == 0.9


def test_recorded_metrics_are_those_of_the_recorded_predictions(run_tiny: RunTiny) -> None:
    run = run_tiny().run
    sql = """
        SELECT p.arm, p.epoch, avg(CASE WHEN len(predicted) + len(gold) = 0 THEN 1.0
            ELSE len(list_intersect(predicted, gold))
               / len(list_distinct(list_concat(predicted, gold))) END) AS acc
        FROM predictions p JOIN examples e USING (split, example)
        WHERE split = 'test' GROUP BY ALL"""
    found = {(row["arm"], row["epoch"]): row["acc"] for row in query(run, sql).to_pylist()}
    epochs = query(run, "SELECT arm, epoch, acc FROM epochs WHERE split = 'test'").to_pylist()
    recorded_acc = {(row["arm"], row["epoch"]): row["acc"] for row in epochs}
    assert found
    assert found == pytest.approx({key: recorded_acc[key] for key in found})


def test_records_that_come_into_sight_late_are_waited_for_but_not_for_ever(
    run_tiny: RunTiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []

    def late(run: Path) -> dict[str, str]:
        looks.append(len(looks))
        return recorded(run) if len(looks) > 1 else {}

    monkeypatch.setattr("sweep.session.recorded", late)
    assert run_tiny().failed == 0
    assert len(looks) == 2
    monkeypatch.setattr("sweep.session.recorded", lambda run: {})
    monkeypatch.setattr("sweep.session.LISTED", -1.0)
    with pytest.raises(RecordError, match="what workers recorded cannot be read here"):
        run_tiny("grid.loss=[mse]")
    assert run_tiny("grid.loss=[mse]").tried == 0


def test_the_second_run_trains_nothing(run_tiny: RunTiny) -> None:
    first = run_tiny()
    before = {path: path.stat().st_mtime_ns for path in (first.run / "arms").iterdir()}
    again = run_tiny()
    assert (again.wanted, again.tried) == (2, 0)
    assert {path: path.stat().st_mtime_ns for path in (first.run / "arms").iterdir()} == before


def test_added_arms_are_trained_and_only_those(run_tiny: RunTiny) -> None:
    run_tiny()
    more = run_tiny("grid.loss=[soft_macro_f1, bce, mse]", "grid.seed=[0, 1]")
    assert (more.wanted, more.tried) == (6, 4)


def test_resuming_gives_the_bits_of_an_uninterrupted_run(run_tiny: RunTiny, tmp_path: Path) -> None:
    whole = run_tiny("grid.seed=[0, 1]", out=tmp_path / "whole").run
    run_tiny(out=tmp_path / "parts")
    parts = run_tiny("grid.seed=[0, 1]", out=tmp_path / "parts").run
    sql = "SELECT arm, split, epoch, example, logits FROM predictions ORDER BY ALL"
    assert query(whole, sql).equals(query(parts, sql))


BAD_LOSSES = """
import sys
from model import loss

@loss(label="raises")
def raises(logits, y):
    raise RuntimeError("two\\nlines [/nope]")

@loss(label="exits")
def exits(logits, y):
    sys.exit(0)

@loss(label="diverges")
def diverges(logits, y):
    return (logits * float("nan")).sum()
"""


def test_bad_arms_are_recorded_and_the_others_go_on(run_tiny: RunTiny, tmp_path: Path) -> None:
    path = tmp_path / "bad.py"
    path.write_text(BAD_LOSSES)
    shown = io.StringIO()
    grid = "grid.loss=[raises, exits, diverges, bce]"
    outcome = run_tiny(grid, losses=[path], console=Console(file=shown, width=200))
    assert (outcome.tried, outcome.failed, outcome.diverged) == (4, 2, 1)
    assert "failed raises en b=16 seed=0: RuntimeError: two lines [/nope]" in shown.getvalue()
    arms = open_run(outcome.run).arms.set_index("loss")
    assert arms["status"].to_dict() == {
        "raises": "failed",
        "exits": "failed",
        "diverges": "diverged",
        "bce": "ok",
    }
    assert arms.loc["exits", "error"] == "LossError: exits called exit(0)"
    assert arms.loc["diverges", "error"] == "loss or outputs ceased to be finite in epoch 1"
    again = run_tiny(grid, losses=[path])
    assert (again.tried, again.failed) == (2, 2)  # failed is tried again, diverged is not
    assert again.diverged == 1  # and still said


def test_a_run_keeps_every_version_of_a_loss_file_and_its_experiment_finds_them(
    run_tiny: RunTiny, tmp_path: Path
) -> None:
    path = tmp_path / "mine.py"
    versions = [BAD_LOSSES, BAD_LOSSES + "# changed\n"]
    for text in versions:
        path.write_text(text)
        run = run_tiny("grid.loss=[raises]", losses=[path]).run
    assert {file.read_text() for file in (run / "losses").iterdir()} == set(versions)
    experiment, losses = load_experiment(run / "experiment.yaml")
    assert losses["raises"].text == versions[-1]
    assert [entry.name for entry in experiment.grid.loss] == ["raises"]


def test_a_loss_whose_source_changed_is_another_arm(run_tiny: RunTiny, tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    source = "from model import loss\n@loss()\ndef mine(z, y):\n    return z.square().mean()\n"
    path.write_text(source)
    assert run_tiny("grid.loss=[mine]", losses=[path]).tried == 1
    assert run_tiny("grid.loss=[mine]", losses=[path]).tried == 0
    path.write_text(source + "# changed\n")
    assert run_tiny("grid.loss=[mine]", losses=[path]).tried == 1


def test_a_folder_of_other_features_is_refused_and_left_alone(
    run_tiny: RunTiny, tiny: dict[str, Any]
) -> None:
    run = run_tiny().run
    before = sorted(run.rglob("[!.]*"))
    tiny["corpus"]["seed"] = 1
    with pytest.raises(RecordError, match="other features of sample, language en"):
        run_tiny()
    assert sorted(run.rglob("[!.]*")) == before
    tiny["corpus"]["seed"] = 0
    tiny["languages"] = ["en", "es"]  # another language in the same folder is welcome
    assert run_tiny().tried == 2


def test_without_a_test_split_tables_are_made_on_halves_of_dev(
    run_tiny: RunTiny, tiny: dict[str, Any]
) -> None:
    tiny["corpus"]["test"] = 0
    outcome = run_tiny()
    assert "dev set, two-halves rule" in outcome.tables[0].title
    chosen = query(
        outcome.run, "SELECT DISTINCT unnest(chosen_by) AS rule FROM predictions ORDER BY rule"
    )
    assert "own/a" in chosen["rule"].to_pylist()
    assert "own" not in chosen["rule"].to_pylist()


def test_a_plan_subtracts_and_builds_nothing(
    tiny: dict[str, Any], run_tiny: RunTiny, cache: Path, tmp_path: Path
) -> None:
    run = run_tiny().run
    job = make_job(tiny, out=run, overrides=["grid.seed=[0, 1]"], cache=cache)
    plan = make_plan(job, find_features(job))
    assert (len(plan.wanted), len(plan.todo)) == (4, 2)
    elsewhere = make_job(tiny, out=run, cache=tmp_path / "empty")
    assert find_features(elsewhere) == {}
    assert make_plan(elsewhere, {}).wanted == []
    assert not (tmp_path / "empty").exists()


def test_many_parts_are_merged(run_tiny: RunTiny, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sweep.driver.MERGE_FROM", 3)
    outcome = run_tiny("grid.seed=[0, 1]")
    assert len(list((outcome.run / "arms").glob("*.parquet"))) == 1
    assert len(recorded(outcome.run)) == 4
    assert run_tiny("grid.seed=[0, 1]").tried == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"executor": "threads"}, "--executor threads: expected one of ray, inline"),
        ({"device": "tpu"}, "--device tpu: expected one of auto, cpu, cuda, mps"),
        ({"trials_per_gpu": 0}, "--trials-per-gpu 0: expected at least 1"),
        ({"width": 0}, "--width 0: expected at least 1"),
        ({"threads": 0}, "--threads 0: expected at least 1"),
    ],
)
def test_wrong_options(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ExperimentError, match=message):
        Workers(**options)


def test_folders_that_are_not(tiny: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ExperimentError, match="--data /nowhere: no such folder"):
        run_experiment(tiny, data="/nowhere")
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(ExperimentError, match="is a file, expected a folder"):
        run_experiment(tiny, out=str(file))


def test_the_arms_of_a_damaged_part_train_again(run_tiny: RunTiny) -> None:
    run = run_tiny().run
    part = next((run / "predictions").iterdir())
    part.write_bytes(part.read_bytes()[:100])
    console = Console(record=True, file=io.StringIO(), width=1000)
    assert run_tiny(console=console).tried == 1
    said = console.export_text()
    assert f"{part} is damaged (" in said
    assert f"set aside as {part.name}.broken, its arms train again" in said
    assert part.with_name(f"{part.name}.broken").exists()
    assert run_tiny().tried == 0


@pytest.mark.parametrize("kind", ["arms", "epochs", "predictions"])
def test_damage_to_what_was_read_through_before_trains_again(run_tiny: RunTiny, kind: str) -> None:
    run = run_tiny().run
    assert run_tiny().tried == 0  # all was read, and will not be read through again
    part = next((run / kind).iterdir())
    content, written = bytearray(part.read_bytes()), part.stat()
    column = pq.read_metadata(part).row_group(0).column(0)
    first = column.dictionary_page_offset or column.data_page_offset
    content[first + column.total_compressed_size - 1] ^= 1
    part.write_bytes(content)
    os.utime(part, ns=(written.st_atime_ns, written.st_mtime_ns))
    if kind != "arms":  # of which the plan itself reads all
        with pytest.warns(RecordWarning, match="the next `softsweep run` trains them again"):
            aggregate(run)
    console = Console(record=True, file=io.StringIO(), width=1000)
    assert run_tiny(console=console).tried == 1
    assert f"set aside as {part.name}.broken, its arms train again" in console.export_text()
    assert run_tiny().tried == 0


def test_a_try_after_the_arms_were_recorded_trains_and_overwrites_nothing(
    tiny: dict[str, Any], cache: Path, run_tiny: RunTiny
) -> None:
    outcome = run_tiny()
    job = make_job(tiny, out=outcome.run, cache=cache)
    plan = make_plan(job, find_features(job))
    (spec, *_) = trial_specs(replace(plan, todo=plan.wanted), Allotment("cpu", 1, 1, 1))
    part = next((outcome.run / "arms").glob(f"{spec.arms[0].key}-*")).stem
    again = replace(spec, name=part.removesuffix("-0"))  # a worker died after recording
    ended = (Ended(0, "ok"),)
    assert Trial(again, {}).advance() == Advance(1.0, finished=True, ended=ended)
    assert record_failure(again, "its process died") == ended
    assert set(recorded(outcome.run).values()) == {"ok"}
