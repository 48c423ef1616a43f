"""Runs that differ in their lexicons, compared cell by cell."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from results.ablation import (
    ablation_rows,
    ablation_tables,
    check_metric,
    programs_table,
    write_ablation,
)
from results.errors import RecordError
from results.inference import parts_of
from results.judged import Judged
from results.render import FORMS, render
from results.run import Run

RULES = ("own", "acc", "macro_f1", "micro_f1")
SEEDS = range(3)

Labels = NDArray[np.bool_]
Variants = dict[str, Path]


def predicted(gold: Labels, strength: float, seed: int) -> NDArray[np.float32]:
    """Logits that agree with gold the more, the greater the strength."""
    noise = np.random.default_rng([seed, int(100 * strength)]).standard_normal(gold.shape)
    logits: NDArray[np.float32] = (strength * (gold - 0.5) + noise).astype(np.float32)
    return logits


@pytest.fixture
def variants(tmp_path: Path, toy: Callable[..., Any], record: Callable[..., str]) -> Variants:
    """Runs none, mine and all: BCE three seeds each, SM-F1 failing in other ways in each."""
    runs = {name: tmp_path / name for name in ("none", "mine", "all")}
    soft = {"loss": "soft_macro_f1", "label": "SM-F1", "own_metric": "macro_f1"}
    became = {"none": ("ok", "ok", "failed"), "mine": ("diverged",) * 3, "all": ("ok",) * 3}
    for strength, (name, run) in zip((1.0, 2.0, 3.0), runs.items(), strict=True):
        gold = toy(run)
        for seed in SEEDS:
            chosen = {("test", RULES): predicted(gold, strength, seed)}
            record(run, f"{name}-bce-{seed}", chosen, cell=f"{name}-bce", seed=seed)
            status = became[name][seed]
            record(
                run,
                f"{name}-soft-{seed}",
                chosen if status == "ok" else {},
                cell=f"{name}-soft",
                seed=seed,
                status=status,
                **soft,
            )
    return runs


def test_differences_are_those_of_a_calculation_by_hand(
    variants: Variants, toy: Callable[..., Any], tmp_path: Path
) -> None:
    rows = ablation_rows(variants)
    gold = toy(tmp_path / "gold").astype(bool)

    def jaccard(labels: Labels) -> NDArray[np.float64]:
        union = (gold | labels).sum(axis=1)
        return np.where(union, (gold & labels).sum(axis=1) / np.maximum(union, 1), 1.0)

    by_text = {
        name: np.stack([jaccard(predicted(gold, strength, seed) >= 0) for seed in SEEDS])
        for name, strength in (("none", 1.0), ("mine", 2.0), ("all", 3.0))
    }
    found = {row["variant"]: row for row in rows if row["loss"] == "bce" and row["metric"] == "acc"}
    counts = Judged(Run(variants["none"])).resamples(("toy", "en")).counts
    for name in ("mine", "all"):
        row, differences = found[name], by_text[name] - by_text["none"]  # [seeds, texts]
        assert row["value"] == pytest.approx(by_text[name].mean())
        assert row["difference"] == pytest.approx(differences.mean())
        assert row["difference_seed_sd"] == pytest.approx(differences.mean(axis=1).std(ddof=1))
        ends = np.quantile(counts @ differences.mean(axis=0) / len(gold), [0.025, 0.975])
        assert (row["difference_lo"], row["difference_hi"]) == pytest.approx(ends, abs=1e-6)
        assert (row["shared_seeds"], row["own"]) == (3, True)
        resampled = differences @ counts.T / len(gold)
        half = parts_of(differences.mean(axis=1), resampled).half_width
        both = (row["difference_both_lo"], row["difference_both_hi"])
        assert both == pytest.approx(differences.mean() + half * np.array([-1, 1]), abs=1e-6)
    assert found["none"]["difference"] is None


def test_what_failed_is_said(variants: Variants) -> None:
    rows = ablation_rows(variants)
    soft = {row["variant"]: row for row in rows if row["loss"] == "soft_macro_f1" and row["own"]}
    assert soft["mine"]["no_difference"] == "diverged"
    assert soft["all"]["shared_seeds"] == 2  # the baseline lost one
    (table,) = ablation_tables(rows)
    shown = {row[1]: row for row in table.rows[:3]}  # the paper's order: SM-F1 first
    assert str(shown["none"][3]).endswith("†")
    assert shown["mine"][3:] == ("diverged", "diverged", "", "")
    assert any("SM-F1 none (b=16) 1 of 3" in note for note in table.notes)
    swapped = {"none": variants["mine"], "mine": variants["none"]}
    reasons = {row["no_difference"] for row in ablation_rows(swapped)}
    assert reasons == {None, "none diverged"}


def test_tables_show_each_loss_on_its_own_metric_or_all_on_one(variants: Variants) -> None:
    rows = ablation_rows(variants)
    (own,) = ablation_tables(rows)
    assert own.title == "Lexicons: English (toy), test set, epoch chosen on dev; mean over 3 seeds"
    assert [row[:3] for row in own.rows] == [
        ("SM-F1", "none", "M-F1"),
        ("", "mine", "M-F1"),
        ("", "all", "M-F1"),
        ("BCE", "none", "Acc"),
        ("", "mine", "Acc"),
        ("", "all", "Acc"),
    ]
    assert own.breaks == {3}
    assert str(own.rows[5][4]).startswith("+")
    (one,) = ablation_tables(rows, "micro_f1")
    assert {row[2] for row in one.rows} == {"m-F1"}
    for form in FORMS:
        assert "SM-F1" in render(own, form)
    check_metric("own")
    with pytest.raises(RecordError, match="--metric f2: expected one of own, acc, macro_f1"):
        check_metric("f2")


def test_files_hold_every_metric(variants: Variants, tmp_path: Path) -> None:
    rows = ablation_rows(variants)
    write_ablation(tmp_path / "out", rows)
    with (tmp_path / "out" / "ablation.csv").open(newline="") as file:
        written = list(csv.DictReader(file))
    assert len(written) == len(rows) == 2 * 3 * 3  # losses, metrics, variants
    assert float(written[-1]["difference"]) == rows[-1]["difference"]
    assert written[-1]["settings"] == rows[-1]["settings"]
    assert (tmp_path / "out" / "ablation.md").read_text().count("**Lexicons: ") == 4
    assert len(programs_table(rows).rows) == len(rows)


def test_batch_sizes_and_settings_are_cells_of_their_own(
    variants: Variants, toy: Callable[..., Any], record: Callable[..., str]
) -> None:
    for name in ("none", "mine"):
        gold = toy(variants[name])
        for batch, rate in ((32, 0.1), (16, 0.2)):
            record(
                variants[name],
                f"{name}-{batch}-{rate}",
                {("test", RULES): predicted(gold, 1.0, 0)},
                cell=f"{name}-{batch}-{rate}",
                batch_size=batch,
                settings=f'{{"learning_rate": {rate}}}',
            )
    rows = [row for row in ablation_rows(variants) if row["metric"] == "acc"]
    added = [row for row in rows if "learning_rate=0" in row["label"]]
    assert [(row["batch_size"], row["variant"]) for row in added] == [
        (16, "none"), (16, "mine"), (32, "none"), (32, "mine"),
    ]  # fmt: skip
    assert [row["difference"] for row in added] == [None, 0.0, None, 0.0]
    (table,) = ablation_tables(rows)
    assert table.columns[:3] == ("Loss", "b", "lexicons")


def test_what_only_the_baseline_holds_is_left_out_and_the_last_of_equals_counts(
    variants: Variants, toy: Callable[..., Any], record: Callable[..., str]
) -> None:
    before = ablation_rows(variants)
    gold = toy(variants["none"])
    chosen = {("test", RULES): predicted(gold, 3.0, 0)}
    record(variants["none"], "mse", chosen, cell="mse", loss="mse", label="MSE")
    assert ablation_rows(variants) == before
    record(variants["none"], "new", chosen, cell="another version", minutes=9)
    last = [row for row in ablation_rows(variants) if row["loss"] == "bce" and row["own"]]
    assert [row["cell"] for row in last] == ["another version", "mine-bce", "all-bce"]
    assert [row["shared_seeds"] for row in last] == [None, 1, 1]


def test_variants_on_other_texts_are_refused(
    variants: Variants, toy: Callable[..., Any], record: Callable[..., str], tmp_path: Path
) -> None:
    gold = toy(tmp_path / "other", m=62)
    record(tmp_path / "other", "k", {("test", RULES): gold - np.float32(0.5)})
    with pytest.raises(RecordError, match=r"none and .*other cannot be compared: their texts"):
        ablation_rows(variants | {"other": tmp_path / "other"})
