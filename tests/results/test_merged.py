"""Runs merged: every arm once, whatever the parts are called, and nothing of unlike runs."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from results.aggregation import aggregate
from results.errors import RecordError, RecordWarning
from results.frames import open_run
from results.merged import merge_runs
from results.parts import names_of, part_path
from results.records import (
    merge_parts,
    predictions_table,
    record_examples,
    record_trial,
    recorded,
)
from results.run import Run
from results.searched import CHOSEN, TRIES, read_chosen, read_tries, write_chosen, write_tries

KINDS = ("arms", "epochs", "predictions")
RULES = ("own", "acc", "macro_f1", "micro_f1")

Record = Callable[..., str]


def logits(seed: int) -> dict[tuple[str, tuple[str, ...]], np.ndarray]:
    drawn = np.random.default_rng(seed).standard_normal((60, 3)).astype(np.float32)
    return {("test", RULES): drawn}


@pytest.fixture
def runs(tmp_path: Path, toy: Callable[..., Any], record: Record) -> tuple[Path, Path]:
    """Two runs of the same texts, of three arms each; one arm is in both."""
    one, two = tmp_path / "one", tmp_path / "it's two"
    for run in (one, two):
        toy(run)
    for seed in (0, 1, 2):
        record(one, f"k{seed}", logits(seed), seed=seed)
    for seed in (2, 3):
        record(two, f"k{seed}", logits(seed), seed=seed)
    toy(two, language="es")
    record(two, "es", logits(9), language="es", cell="es")
    return one, two


def contents(run: Path) -> dict[str, Any]:
    frames = open_run(run)
    rows = frames.predictions.sort_values(["arm", "split", "epoch", "example"])
    return {
        "arms": sorted(frames.arms["arm"]),
        "epochs": sorted(frames.epochs["arm"]),
        "predictions": rows[["arm", "example"]].values.tolist(),
        "logits": np.stack(rows["logits"].tolist()).tolist(),
    }


EVERY = ["es", "k0", "k1", "k2", "k3"]


@pytest.mark.parametrize("merged", [(), (0,), (1,), (0, 1)])
def test_a_merged_run_holds_every_arm_once(
    runs: tuple[Path, Path], tmp_path: Path, merged: tuple[int, ...]
) -> None:
    for number in merged:
        for kind in KINDS:
            merge_parts(runs[number], kind, at_least=2)
    before = {path: path.read_bytes() for run in runs for path in run.rglob("*.parquet")}
    out = merge_runs(runs, tmp_path / "merged")
    found = contents(out)
    assert found["arms"] == found["epochs"] == EVERY
    assert len(found["predictions"]) == 5 * 60
    assert recorded(out) == dict.fromkeys(EVERY, "ok")
    expected = [row for arm in (9, 0, 1, 2, 3) for row in logits(arm)["test", RULES].tolist()]
    assert found["logits"] == expected
    assert {path: path.read_bytes() for path in before} == before
    again = {path: path.stat().st_ino for path in out.rglob("*.parquet")}
    merge_runs(runs, out)
    merge_runs(runs[::-1], out)
    assert {path: path.stat().st_ino for path in out.rglob("*.parquet")} == again


def test_a_merged_run_is_a_run(runs: tuple[Path, Path], tmp_path: Path) -> None:
    names = {table.name for table in aggregate(merge_runs(runs, tmp_path / "merged"))}
    assert {"leaderboard_acc_en", "leaderboard_acc_es"} <= names


def test_parts_of_one_name_and_other_content_are_both_kept(
    runs: tuple[Path, Path], tmp_path: Path, record: Record
) -> None:
    one, two = runs
    record(one, "x", logits(5), part="same", cell="x")
    record(two, "y", logits(6), part="same", cell="y")
    for order in (runs, runs[::-1]):
        out = merge_runs(order, tmp_path / f"from {order[0].name}")
        found = contents(out)
        assert found["arms"] == sorted([*EVERY, "x", "y"])
        assert len(found["predictions"]) == 7 * 60
        parts = set(open_run(out).arms["part"])
        assert "same" in parts
        assert len([part for part in parts if part.startswith("same~")]) == 1
        before = sorted(out.rglob("*.parquet"))
        merge_runs(order, out)
        assert sorted(out.rglob("*.parquet")) == before


def test_what_was_recorded_since_is_added(
    runs: tuple[Path, Path], tmp_path: Path, record: Record
) -> None:
    out = merge_runs(runs, tmp_path / "merged")
    record(runs[0], "new", logits(7), cell="new")
    for kind in KINDS:
        merge_parts(runs[0], kind, at_least=2)  # what was brought as parts is now within one
    merge_runs(runs, out)
    assert contents(out)["arms"] == sorted([*EVERY, "new"])
    assert len(contents(out)["predictions"]) == 6 * 60


@pytest.mark.parametrize("stop_after", range(1, 9))
def test_a_merge_that_was_cut_off_is_a_run_of_fewer_arms(
    runs: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop_after: int
) -> None:
    out = tmp_path / "merged"
    import results.merged

    bring, brought = results.merged._bring, list[Path]()

    def cut_off(source: Path, target: Path) -> None:
        if len(brought) == stop_after:
            raise KeyboardInterrupt
        brought.append(target)
        bring(source, target)

    with monkeypatch.context() as patch:
        patch.setattr("results.merged._bring", cut_off)
        with pytest.raises(KeyboardInterrupt):
            merge_runs(runs, out)
    assert set(recorded(out)) < set(EVERY)
    if recorded(out):
        assert set(open_run(out).predictions["arm"]) == set(recorded(out))
    merge_runs(runs, out)
    assert contents(out)["arms"] == EVERY


def test_where_links_cannot_be_made_parts_are_copied(
    runs: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def other_disk(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr("os.link", other_disk)
    out = merge_runs(runs, tmp_path / "merged")
    assert contents(out)["arms"] == EVERY
    assert not list(out.rglob(".*.parquet.*"))


def test_damaged_parts_are_left_behind(
    runs: tuple[Path, Path], tmp_path: Path, flip: Callable[..., None]
) -> None:
    flip(part_path(runs[0], "predictions", "trial-k0"))
    part_path(runs[1], "epochs", "trial-k3").write_bytes(b"")
    with pytest.warns(RecordWarning):
        out = merge_runs(runs, tmp_path / "merged")
    assert recorded(out) == dict.fromkeys(["es", "k1", "k2"], "ok")
    assert Run(out).broken == {}


def unlike(run: Path, **changes: Any) -> None:
    """Record other examples of the same corpus and language."""
    gold = np.zeros((60, 3), np.uint8)
    facts: dict[str, Any] = {
        "label_names": ("joy", "fear", "trust"),
        "features_sha": "f" * 64,
        "n": 4,
        "d": 5,
        "v": 0,
        "splits": {"test": ([f"en-{i}" for i in range(60)], gold, "")},
    }
    record_examples(run, "toy", "en", **(facts | changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({}, "their texts of toy, language en, differ in ids, gold labels or splits"),
        ({"features_sha": "e" * 64}, r"differ in ids, gold labels or splits"),
        ({"n": 9}, "cannot be merged: of toy, language en, they differ in n is 4 and 9"),
        ({"label_names": ("a", "b", "c")}, r"label_names is \['joy', .*\] and \['a', 'b', 'c'\]"),
    ],
)
def test_runs_of_other_texts_are_not_merged(
    runs: tuple[Path, Path],
    tmp_path: Path,
    record: Record,
    changes: dict[str, Any],
    message: str,
) -> None:
    other = tmp_path / "other"
    unlike(other, **changes)
    record(other, "o", logits(1), features=changes.get("features_sha", "f" * 64))
    with pytest.raises(RecordError, match=message):
        merge_runs([runs[0], other], tmp_path / "merged")
    assert not (tmp_path / "merged").exists()


def test_runs_of_other_features_are_not_merged(
    runs: tuple[Path, Path], tmp_path: Path, toy: Callable[..., Any], record: Record
) -> None:
    other = tmp_path / "other"
    toy(other)
    record(other, "o", logits(1), features="e" * 64)
    with pytest.raises(RecordError, match=r"differ in features \(sha256 ffffffffffff… and eeeee"):
        merge_runs([runs[0], other], tmp_path / "merged")


def test_a_run_is_not_merged_into_itself(runs: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="is one of the runs to merge"):
        merge_runs(runs, runs[1])
    with pytest.raises(RecordError, match="no such run folder"):
        merge_runs([runs[0], tmp_path / "none"], tmp_path / "merged")
    (tmp_path / "file").touch()
    with pytest.raises(RecordError, match="is a file, expected a folder"):
        merge_runs(runs, tmp_path / "file")


def test_the_search_that_tried_most_counts(runs: tuple[Path, Path], tmp_path: Path) -> None:
    def tried(number: int, status: str = "ok") -> dict[str, Any]:
        columns = {field.name: "s" for field in TRIES if field.type == "string"}
        numbers = {"batch_size": 16, "number": number, "batch": 0, "epochs": 1, "best": False}
        return columns | numbers | {"arm": f"t{number}", "status": status, "value": 0.5}

    def choice(cell: str) -> dict[str, Any]:
        columns = {field.name: "s" for field in CHOSEN if field.type == "string"}
        return columns | {"batch_size": 16, "group": "g", "cell": cell, "current": True}

    for run, numbers in zip(runs, ((0,), (0, 1, 2)), strict=True):
        write_tries(run, "s", [tried(number) for number in numbers])
        write_chosen(run, "g", [choice(run.name)])
    for order in (runs, runs[::-1]):
        out = merge_runs(order, tmp_path / f"from {order[0].name}")
        assert len(read_tries(out)) == 3
        found = {row["cell"]: row["current"] for row in read_chosen(out).to_pylist()}
        assert found == {"one": False, "it's two": True}
        before = {path: path.stat().st_ino for path in out.rglob("*.parquet")}
        merge_runs(order, out)
        assert {path: path.stat().st_ino for path in out.rglob("*.parquet")} == before


def test_the_experiments_are_united(runs: tuple[Path, Path], tmp_path: Path) -> None:
    for run, seeds in zip(runs, ([0, 1], [1, 2]), strict=True):
        found = {"name": run.name, "languages": ["en"], "grid": {"loss": ["bce"], "seed": seeds}}
        (run / "experiment.yaml").write_text(yaml.safe_dump(found))
        (run / "losses").mkdir()
        (run / "losses" / f"{run.name}-0.py").write_text("x = 1\n")
    out = merge_runs(runs, tmp_path / "merged")
    united = yaml.safe_load((out / "experiment.yaml").read_text())
    grid = {"loss": ["bce"], "seed": [0, 1, 2]}
    assert united == {"name": "one", "languages": ["en"], "grid": grid}
    assert {path.name for path in (out / "losses").iterdir()} == {"one-0.py", "it's two-0.py"}


PAPER = ["soft_accuracy", "soft_macro_f1", "soft_micro_f1"]


@pytest.mark.parametrize(
    ("declared", "together"),
    [
        ((None, ["mse"]), {*PAPER, "mse"}),
        ((["bce"], ["mse"]), {"bce", "mse"}),
        ((None, None), None),
    ],
)
def test_what_either_run_declared_stays_declared(
    runs: tuple[Path, Path], tmp_path: Path, declared: tuple[Any, Any], together: set[str] | None
) -> None:
    for run, confirm in zip(runs, declared, strict=True):
        (run / "experiment.yaml").write_text(yaml.safe_dump({"name": "x", "confirm": confirm}))
    for order in (runs, runs[::-1]):
        out = merge_runs(order, tmp_path / f"from {order[0].name}")
        merge_runs(order, out)
        found = yaml.safe_load((out / "experiment.yaml").read_text())["confirm"]
        assert (found and set(found)) == together
        assert len(found or ()) == len(together or ())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a: [", "cannot be read: while parsing"),
        (b"\xff\xfe\xfa", "cannot be read"),
        (b"- a", ": expected an experiment, found"),
        (b"confirm: bce", ": confirm: expected a list, found 'bce'"),
    ],
)
def test_of_a_bad_experiment_nothing_is_merged(
    runs: tuple[Path, Path], tmp_path: Path, content: bytes, said: str
) -> None:
    (runs[1] / "experiment.yaml").write_bytes(content)
    with pytest.raises(RecordError, match=rf"two/experiment\.yaml:? ?{said}") as error:
        merge_runs(runs, tmp_path / "merged")
    assert "\n" not in str(error.value)
    assert not (tmp_path / "merged").exists()


def test_of_two_versions_of_a_loss_the_first_is_listed(
    runs: tuple[Path, Path], tmp_path: Path
) -> None:
    names = ("losses/mine-00000001.py", "losses/mine-00000002.py")
    for run, name in zip(runs, names, strict=True):
        (run / "losses").mkdir()
        (run / name).write_text('@loss(label="L")\ndef mine(probabilities, labels):\n    pass\n')
        (run / "losses/other.py").write_text('@loss(label="O")\ndef other():\n    pass\n')
        losses = {"losses": [name, "losses/other.py"]}
        (run / "experiment.yaml").write_text(yaml.safe_dump(losses))
    with pytest.warns(RecordWarning, match=r"mine-00000002\.py is another version of \S*01\.py"):
        out = merge_runs(runs, tmp_path / "merged")
    found = yaml.safe_load((out / "experiment.yaml").read_text())
    assert found["losses"] == [names[0], "losses/other.py"]
    assert len(list((out / "losses").iterdir())) == 3


def imports(run: Path, arm_row: Any, minutes: int, **files: str) -> str:
    """Record an arm as an import of these files does, by split."""
    settings = {"external": True} | {f"{split}.sha256": sha for split, sha in files.items()}
    row = arm_row(
        "theirs",
        loss="theirs",
        label="Theirs",
        cell="theirs",
        device="external",
        settings=json.dumps(settings),
        finished=datetime(2026, 1, 1, 0, minutes, tzinfo=UTC),
    )
    values = np.full((60, 3), minutes, np.float32)
    blocks = [("theirs", split, 1, RULES, values) for split in files]
    part = f"external-theirs-{minutes}"
    return record_trial(run, part, [row], [], predictions_table(blocks))


def test_what_was_imported_survives_merges_of_merges(
    runs: tuple[Path, Path], tmp_path: Path, arm_row: Any
) -> None:
    imports(runs[0], arm_row, 0, test="a")
    for kind in KINDS:
        merge_parts(runs[0], kind, at_least=2)
    once = merge_runs(runs[::-1], tmp_path / "once")
    for kind in KINDS:
        merge_parts(once, kind, at_least=2)
    again = merge_runs([runs[1], once], tmp_path / "again")
    for out in (runs[0], once, again):
        assert recorded(out)["theirs"] == "ok"
        rows = open_run(out).predictions
        assert (rows["arm"] == "theirs").sum() == 60


@pytest.mark.parametrize(
    "second", [{"dev": "b"}, {"test": "b"}, {"dev": "a"}, {"test": "b", "dev": "a"}]
)
def test_other_predictions_imported_under_one_name_are_not_merged(
    runs: tuple[Path, Path], tmp_path: Path, arm_row: Any, second: dict[str, str]
) -> None:
    imports(runs[0], arm_row, 0, test="a")
    imports(runs[1], arm_row, 1, **second)
    for order in (runs, runs[::-1]):
        said = "cannot be merged: .* other predictions of theirs, seed 0 .*--replace where it"
        with pytest.raises(RecordError, match=said) as error:
            merge_runs(order, tmp_path / "merged")
        assert "\n" not in str(error.value)
        assert all(str(run) in str(error.value) for run in runs)
    assert not (tmp_path / "merged").exists()


def test_an_import_that_went_on_growing_is_merged(
    runs: tuple[Path, Path], tmp_path: Path, arm_row: Any
) -> None:
    for run in runs:
        imports(run, arm_row, 0, test="a")
    out = merge_runs(runs, tmp_path / "merged")
    imports(runs[1], arm_row, 1, test="a", dev="b")
    merge_runs(runs, out)
    rows = open_run(out).predictions
    assert set(rows[rows["arm"] == "theirs"]["split"]) == {"test", "dev"}


def test_no_part_of_another_kind_is_brought(runs: tuple[Path, Path], tmp_path: Path) -> None:
    part_path(runs[0], "arms", "trial-k0").unlink()  # cut off before it was recorded
    out = merge_runs([runs[0]], tmp_path / "merged")
    for kind in KINDS:
        assert names_of(out, kind) == ["trial-k1", "trial-k2"]
