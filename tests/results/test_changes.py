"""Two runs compared: what is bit-equal, what a score differs by, and what only one holds."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from results.changes import CHANGES, changes, changes_table, programs_table
from results.difference import difference
from results.errors import RecordError
from results.render import render

RULES = ("own", "acc", "macro_f1", "micro_f1")
LOSSES = {"bce": "BCE", "soft_macro_f1": "SM-F1"}

Record = Callable[..., str]


def logits(gold: np.ndarray, seed: int, noise: float = 2.0) -> np.ndarray:
    drawn = np.random.default_rng(seed).standard_normal(gold.shape)
    return (2.0 * gold - 1 + noise * drawn).astype(np.float32)


@pytest.fixture
def runs(tmp_path: Path, toy: Callable[..., Any], record: Record) -> tuple[Path, Path]:
    """Two runs of two losses and three seeds, the later one by another version."""
    both = tmp_path / "before", tmp_path / "after"
    for run in both:
        gold = toy(run)
        made = {"versions": json.dumps({"softsweep": run.name, "torch": "2"}), "device": "cpu"}
        for loss, label in LOSSES.items():
            for seed in (0, 1, 2):
                chosen = {(split, RULES): logits(gold, seed) for split in ("dev", "test")}
                named = {"loss": loss, "label": label, "cell": f"{loss}-{run.name}"}
                record(run, f"{loss}-{seed}", chosen, seed=seed, **named, **made)
    return both


def again(run: Path, record: Record, gold: np.ndarray, noise: float, loss: str = "bce") -> None:
    """Record all seeds of a loss once more, with other predictions."""
    for seed in (0, 1, 2):
        chosen = {(split, RULES): logits(gold, 50 + seed, noise) for split in ("dev", "test")}
        named = {"loss": loss, "label": LOSSES[loss], "cell": f"{loss}-{run.name}"}
        made = {"versions": json.dumps({"softsweep": run.name, "torch": "2"})}
        record(run, f"{loss}-{seed}", chosen, part=f"{loss}-{seed}-b", minutes=9, seed=seed,
               **named, **made)  # fmt: skip


def test_bit_equal_runs_have_not_changed(runs: tuple[Path, Path]) -> None:
    found = changes(*runs)
    assert found.sentence == ("Nothing changed: all 6 arms that are ok in both runs are bit-equal.")
    assert len(found.rows) == 6
    for row in found.rows:
        assert row["difference"] == 0.0
        assert (row["seeds"], row["bit_equal"], row["reason"]) == (3, 3, "bit-equal")
        assert row["unlike"] == "softsweep before → after"
    assert [row["metric"] for row in changes(*runs, "macro_f1").rows] == ["macro_f1"] * 2


def test_bits_that_change_no_label_change_no_score(
    runs: tuple[Path, Path], record: Record, toy: Callable[..., Any]
) -> None:
    gold = toy(runs[1])
    nudged = {(split, RULES): np.nextafter(logits(gold, 0), 9) for split in ("dev", "test")}
    record(runs[1], "bce-0", nudged, part="b", minutes=9, loss="bce", cell="bce-after")
    found = changes(*runs)
    assert found.sentence == (
        "5 of 6 arms are bit-equal; the others changed, but no score by more than 0.0 points, "
        "which is not shown to be more than chance (Holm)."
    )
    (row,) = [r for r in found.rows if r["loss"] == "bce" and r["metric"] == "acc"]
    assert (row["bit_equal"], row["seeds"], row["difference"]) == (2, 3, 0.0)


def test_what_changed_is_named_with_the_numbers_of_the_paired_difference(
    runs: tuple[Path, Path], record: Record, toy: Callable[..., Any]
) -> None:
    again(runs[1], record, toy(runs[1]), noise=0.2)
    found = changes(*runs)
    assert found.sentence.startswith("3 of 6 arms are bit-equal. These scores changed: BCE (b=16, ")
    for metric in ("acc", "macro_f1", "micro_f1"):
        (row,) = [r for r in found.rows if r["loss"] == "bce" and r["metric"] == metric]
        expected = difference(runs[1], "bce-after", "bce-before", metric, run_of_b=runs[0])
        assert row["difference"] == pytest.approx(expected.value)
        assert (row["lo"], row["hi"]) == pytest.approx(expected.interval)
        assert row["value_after"] - row["value_before"] == pytest.approx(expected.value)
        assert row["p"] <= row["p_holm"] < 0.05


def test_cells_of_one_run_only_are_named(
    runs: tuple[Path, Path], record: Record, toy: Callable[..., Any]
) -> None:
    gold = toy(runs[1])
    record(runs[1], "m", {("test", RULES): logits(gold, 0)}, loss="mse", label="MSE", cell="m")
    toy(runs[0], language="es")
    record(runs[0], "es", {("test", RULES): logits(gold, 0)}, language="es", cell="es")
    found = changes(*runs)
    assert (found.only_before, found.only_after) == (["BCE (b=16, es)"], ["MSE (b=16, en)"])
    assert f" Only in {runs[0]}: BCE (b=16, es). Only in {runs[1]}: MSE (b=16, en)." in (
        found.sentence
    )


def test_a_setting_that_is_new_and_off_and_an_edited_loss_are_no_other_cell(
    runs: tuple[Path, Path], record: Record, toy: Callable[..., Any]
) -> None:
    gold = toy(runs[1])
    later = {"settings": '{"warmup_epochs": 0, "new": 0.0}', "loss_sha256": "b" * 64}
    chosen = {(split, RULES): logits(gold, 0) for split in ("dev", "test")}
    record(runs[1], "new", chosen, minutes=9, cell="new", **later)
    (row,) = [r for r in changes(*runs, "acc").rows if r["loss"] == "bce"]
    assert (row["cell_after"], row["seeds"], row["bit_equal"]) == ("new", 1, 1)
    assert "the loss's file; softsweep before → none" in row["unlike"]


def test_one_seed_failed_arms_and_none_at_all(
    tmp_path: Path, toy: Callable[..., Any], record: Record
) -> None:
    one, two, three = (tmp_path / name for name in ("one", "two", "three"))
    for noise, run in enumerate((one, two, three), start=1):
        gold = toy(run)
        record(run, "a", {("test", RULES): logits(gold, 0, noise)})
        ok = {("test", RULES): logits(gold, 1, noise)} if run == one else {}
        record(run, "b", ok, loss="mse", cell="m", status="ok" if ok else "diverged")
    found = changes(one, two)
    assert "and with one seed there is no test" in found.sentence
    (row,) = [r for r in found.rows if r["loss"] == "mse" and r["metric"] == "acc"]
    assert (row["difference"], row["p"], row["seeds"]) == (None, None, 0)
    assert row["reason"] == "no seed is ok in both"
    for run in (two, three):
        record(run, "a", {}, part="late", minutes=1, status="diverged")
        for kind in ("predictions", "epochs", "arms"):
            (run / kind / "trial-a.parquet").unlink()
    assert changes(two, three).sentence == "Nothing can be said: no arm is ok in both runs."


def test_tables_for_people_and_programs(runs: tuple[Path, Path]) -> None:
    found = changes(*runs)
    table = changes_table(found)
    assert table.title == found.sentence
    assert all(render(table, form) for form in ("table", "markdown", "latex", "csv", "json"))
    assert programs_table(found).columns == tuple(CHANGES.names)


def test_what_cannot_be_compared_is_said(
    runs: tuple[Path, Path], tmp_path: Path, toy: Callable[..., Any], record: Record
) -> None:
    with pytest.raises(RecordError, match="no metric named f2"):
        changes(*runs, "f2")
    other = tmp_path / "other"
    gold = toy(other, m=40)
    record(other, "k", {("test", RULES): logits(gold, 0)})
    with pytest.raises(RecordError, match="their texts of toy, language en, differ"):
        changes(runs[0], other)
    spanish = tmp_path / "es"
    gold = toy(spanish, language="es")
    record(spanish, "k", {("test", RULES): logits(gold, 0)}, language="es")
    with pytest.raises(RecordError, match="share no cell"):
        changes(runs[0], spanish)
