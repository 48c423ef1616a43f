"""How fast a cell learns: numbers of curves that are known."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import spearmanr

from results.convergence import CONVERGENCE, rank_correlation
from results.findings import Findings
from results.records import predictions_table, record_examples, record_trial
from results.run import Run
from results.schemas import EXTERNAL

NAMES = ("joy", "fear", "trust")
RULES = ("own", "acc", "macro_f1", "micro_f1")
Curve = Sequence[float]


@pytest.fixture
def trained(arm_row: Callable[..., dict[str, Any]]) -> Callable[..., None]:
    """Record an arm with curves of macro-F1, its soft metric and the loss; others lie at 0.5."""

    def one(run: Path, arm: str, hard: Curve, soft: Curve, loss: Curve, **changes: Any) -> None:
        epochs = [
            {
                "arm": arm,
                "epoch": epoch,
                "split": split,
                "loss": loss[epoch - 1] if split == "train" else None,
                "acc": 0.5,
                "micro_f1": 0.5,
                "macro_f1": value - 0.1 * (split == "test"),
                "soft_accuracy": 0.4,
                "soft_micro_f1": 0.4,
                "soft_macro_f1": soft[epoch - 1],
            }
            for split in ("test", "dev", "train")
            for epoch, value in reversed(list(enumerate(hard, start=1)))
        ]
        logits = np.zeros((20, 3), dtype=np.float32)
        predicted = predictions_table([(arm, "test", 1, RULES, logits)])
        row = arm_row(arm, loss="soft_macro_f1", label="SM-F1", own_metric="macro_f1", **changes)
        record_trial(run, f"trial-{arm}", [row], epochs, predicted)

    return one


@pytest.fixture
def run(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    splits: Any = {
        split: ([f"{split}{i}" for i in range(texts)], rng.integers(2, size=(texts, 3)), "")
        for split, texts in (("train", 50), ("dev", 20), ("test", 20))
    }
    record_examples(tmp_path, "toy", "en", NAMES, "f" * 64, 4, 5, 0, splits)
    return tmp_path


def row_of(run: Path, **wanted: Any) -> dict[str, Any]:
    rows = Findings(Run(run)).convergence
    assert pa.Table.from_pylist(rows, schema=CONVERGENCE).num_rows == len(rows)
    wanted = {"metric": "macro_f1", "split": "dev"} | wanted
    (row,) = (row for row in rows if all(row[name] == value for name, value in wanted.items()))
    return row


def test_numbers_of_known_curves(run: Path, trained: Callable[..., None]) -> None:
    first, second = (0.1, 0.39, 0.597, 0.6, 0.5), (0.2, 0.4, 0.3, 0.1, 0.1)
    softs = (0.2, 0.3, 0.5, 0.5, 0.5), (0.3, 0.5, 0.2, 0.2, 0.0)
    loss = (0.9, 0.7, 0.6, 0.5, 0.4)
    trained(run, "a", first, softs[0], loss, seed=3)
    trained(run, "b", second, softs[1], loss, seed=7)
    row = row_of(run)
    assert (row["status"], row["seeds"], row["epochs"], row["reason"]) == ("ok", 2, 5, "")
    assert row["seed_numbers"] == [3, 7]
    assert row["best_epochs"] == [4, 2]
    assert row["best_epoch"] == 3.0
    assert row["best_values"] == [0.6, 0.4]
    assert row["best_value"] == pytest.approx(0.5)
    assert row["final_value"] == pytest.approx(0.3)
    assert row["epochs_to_99_by_seed"] == [3, 2]  # 0.597 is 99.5% of 0.6
    assert row["updates_per_epoch"] == 4  # 50 texts, 16 at a time
    assert row["updates_to_99"] == 4 * 2.5
    assert row["soft_metric"] == "soft_macro_f1"
    assert row["soft_gap"] == pytest.approx(
        np.mean([np.subtract(softs[0], first).mean(), np.subtract(softs[1], second).mean()])
    )
    assert row["soft_exceeds_by_seed"] == pytest.approx([0.2, 0.6])
    assert row["soft_exceeds"] == pytest.approx(0.4)
    expected = [spearmanr(loss, curve).statistic for curve in (first, second)]
    assert row["loss_correlations"] == pytest.approx(expected)
    assert row["loss_correlation"] == pytest.approx(np.mean(expected))
    expected = [
        spearmanr(soft, hard).statistic for soft, hard in zip(softs, (first, second), strict=True)
    ]
    assert row["soft_correlation"] == pytest.approx(np.mean(expected))
    on_test = row_of(run, split="test")
    assert on_test["best_value"] == pytest.approx(0.4)
    assert on_test["loss_correlation"] == pytest.approx(row["loss_correlation"])


def test_warm_up_epochs_are_no_best_ones(run: Path, trained: Callable[..., None]) -> None:
    settings = '{"warmup_epochs": 1}'
    trained(run, "a", (0.9, 0.2, 0.4), (1.0, 0.1, 0.2), (9.0, 0.6, 0.5), settings=settings)
    row = row_of(run)
    assert (row["best_epoch"], row["best_value"], row["epochs_to_99"]) == (3.0, 0.4, 3.0)
    assert row["soft_exceeds"] == 0.0
    assert row["loss_correlation"] is None  # two epochs say nothing
    trained(run, "b", (0.9,), (1.0,), (9.0,), settings=settings, cell="w")
    row = row_of(run, cell="w")
    assert (row["best_value"], row["epochs"]) == (None, 1)
    assert row["reason"] == "all epochs are warm-up"


def test_what_cannot_be_given_is_null_with_its_reason(
    run: Path, trained: Callable[..., None], arm_row: Callable[..., dict[str, Any]]
) -> None:
    trained(run, "a", (0.1, 0.2, 0.3), (0.1, 0.2, 0.3), (0.3, 0.2, 0.1))
    constant = row_of(run, metric="acc")
    assert constant["best_epoch"] is constant["epochs_to_99"] is constant["best_epochs"] is None
    assert constant["best_value"] == constant["final_value"]
    assert constant["loss_correlation"] is constant["soft_correlation"] is None
    assert constant["reason"] == (
        "epochs: a seed's curve is constant; loss_correlation: a constant curve or too short; "
        "soft_correlation: a constant curve or too short"
    )
    gone = arm_row("b", cell="gone", status="diverged", error="not a number")
    record_trial(run, "gone", [gone], [], None)
    row = row_of(run, cell="gone")
    assert (row["status"], row["seeds"], row["reason"]) == ("diverged", 0, "no seed is ok")
    assert row["best_value"] is row["seed_numbers"] is None
    external = {"batch_size": 0, "settings": json.dumps({EXTERNAL: True})}
    trained(run, "c", (0.1,), (0.1,), (0.1,), cell="other program", **external)
    rows = Findings(Run(run)).convergence
    assert "other program" not in {row["cell"] for row in rows}


def test_updates_need_the_train_texts(
    tmp_path: Path, toy: Callable[..., Any], record: Callable[..., str]
) -> None:
    toy(tmp_path)
    record(tmp_path, "k", {("test", RULES): np.zeros((60, 3), dtype=np.float32)})
    row = row_of(tmp_path)
    assert row["updates_per_epoch"] is None
    assert row["reason"] == "not measured"  # the fixture measures nothing on dev


@pytest.mark.parametrize("seed", range(5))
def test_rank_correlation_is_scipys(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = rng.integers(4, size=(2, 9)).astype(float)  # with ties
    assert rank_correlation(a, b) == pytest.approx(spearmanr(a, b).statistic)
    assert rank_correlation(a, np.ones(9)) is None
    assert rank_correlation(a[:2], b[:2]) is None
