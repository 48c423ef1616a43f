"""Scores: which texts count, what the value is, and what becomes of cells that went wrong."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import f1_score, jaccard_score

from results.errors import RecordError
from results.evidence import score_table
from results.frames import open_run
from results.parts import part_path
from results.records import record_examples
from results.scores import SCORES

RULES = ("own", "acc", "macro_f1", "micro_f1")
FEATURES = "f" * 64
Record = Callable[..., str]


def noisy(gold: NDArray[np.uint8], seed: int, skill: float = 2.0) -> NDArray[np.float32]:
    noise = np.random.default_rng(seed).standard_normal(gold.shape)
    return (skill * (gold - 0.5) + noise).astype(np.float32)


def score(run: Path, **wanted: Any) -> dict[str, Any]:
    """The one score that has these values, at 0.5 unless another threshold is wanted."""
    wanted = {"threshold": "0.5"} | wanted
    table = score_table(open_run(run))
    assert table.schema == SCORES
    rows = [
        row
        for row in table.to_pylist()
        if all(row[name] == value for name, value in wanted.items())
    ]
    assert len(rows) == 1, rows
    found: dict[str, Any] = rows[0]
    return found


def test_value_is_the_mean_over_seeds_on_test(
    tmp_path: Path, toy: Callable[..., Any], record: Record
) -> None:
    gold = toy(tmp_path)
    logits = [noisy(gold, seed) for seed in range(3)]
    for seed, each in enumerate(logits):
        # Dev predictions are perfect: were they scored, the value would be 1.
        perfect = gold.astype(np.float32) - 0.5
        chosen = {("dev", RULES): perfect, ("test", RULES): each}
        record(tmp_path, f"k{seed}", chosen, seed=seed)
    row = score(tmp_path, chosen_by="own", metric="macro_f1")
    by_seed = [f1_score(gold, each >= 0, average="macro") for each in logits]
    assert row["value"] == pytest.approx(np.mean(by_seed))
    assert row["seed_sd"] == pytest.approx(np.std(by_seed, ddof=1))
    assert (row["seeds"], row["seeds_ok"], row["seeds_failed"]) == (3, 3, 0)
    assert row["lo"] < row["value"] < row["hi"]
    assert row["half_width"] == pytest.approx((row["hi"] - row["lo"]) / 2)
    assert (row["split"], row["protocol"]) == ("test", "dev -> test")
    assert (row["texts"], row["resamples"], row["uncertainty"]) == (60, 10_000, "examples")
    assert "metric:macro_f1|loss:bce|corpus:toy-en|split:test" in row["signature"]
    assert "seeds:0,1,2|" in row["signature"]


def test_each_rule_scores_the_epoch_it_chose(
    tmp_path: Path, toy: Callable[..., Any], record: Record
) -> None:
    gold = toy(tmp_path)
    by_rule = {rule: noisy(gold, seed) for seed, rule in enumerate(RULES)}
    record(tmp_path, "k", {("test", (rule,)): each for rule, each in by_rule.items()})
    for rule, each in by_rule.items():
        row = score(tmp_path, chosen_by=rule, metric="acc")
        expected = jaccard_score(gold, each >= 0, average="samples", zero_division=1)
        assert row["value"] == pytest.approx(expected)
        assert row["seed_sd"] is None


def test_scores_are_the_same_again_and_beside_other_arms(
    tmp_path: Path, toy: Callable[..., Any], record: Record
) -> None:
    gold = toy(tmp_path)
    record(tmp_path, "k", {("test", RULES): noisy(gold, 1)}, cell="c1")
    before = score(tmp_path, cell="c1", chosen_by="own", metric="acc")
    toy(tmp_path, language="ar")
    record(tmp_path, "j", {("test", RULES): noisy(gold, 2)}, cell="c0", loss="a")
    assert score(tmp_path, cell="c1", chosen_by="own", metric="acc") == before


def test_halves_of_dev_are_scored_at_the_epoch_chosen_on_the_other(
    tmp_path: Path, record: Record
) -> None:
    rng = np.random.default_rng(0)
    gold = (rng.random((40, 3)) < 0.4).astype(np.uint8)
    halves = ["a" if number % 3 else "b" for number in range(40)]
    ids = [str(number) for number in range(40)]
    splits: Any = {"train": (ids[:2], gold[:2], ""), "dev": (ids, gold, halves)}
    record_examples(tmp_path, "toy", "en", ["x", "y", "z"], FEATURES, 1, 1, 0, splits)
    chosen_on_a, chosen_on_b = noisy(gold, 1), noisy(gold, 2)
    chosen = {
        ("dev", tuple(f"{rule}/a" for rule in RULES)): chosen_on_a,
        ("dev", tuple(f"{rule}/b" for rule in RULES)): chosen_on_b,
    }
    record(tmp_path, "k", chosen)
    in_b = np.array(halves) == "b"
    pooled = np.where(in_b[:, None], chosen_on_a, chosen_on_b) >= 0
    row = score(tmp_path, chosen_by="acc", metric="micro_f1")
    assert row["value"] == pytest.approx(f1_score(gold, pooled, average="micro"))
    wrong = np.where(in_b[:, None], chosen_on_b, chosen_on_a) >= 0
    assert row["value"] != pytest.approx(f1_score(gold, wrong, average="micro"))
    assert (row["split"], row["protocol"], row["texts"]) == ("dev", "dev halves", 40)


def test_rows_in_another_order_score_the_same(
    tmp_path: Path, toy: Callable[..., Any], record: Record, arm_row: Callable[..., Any]
) -> None:
    from results.records import predictions_table, record_trial

    gold = toy(tmp_path)
    logits = noisy(gold, 1)
    table = predictions_table([("k", "test", 1, RULES, logits)])
    shuffled = table.take(np.random.default_rng(0).permutation(60))
    record_trial(tmp_path, "t", [arm_row("k")], [], shuffled)
    expected = f1_score(gold, logits >= 0, average="micro")
    assert score(tmp_path, chosen_by="own", metric="micro_f1")["value"] == pytest.approx(expected)


def test_a_label_is_present_from_one_half_on(tmp_path: Path, record: Record) -> None:
    gold = np.ones((4, 3), np.uint8)
    splits: Any = {"test": (list("abcd"), gold, "")}
    record_examples(tmp_path, "toy", "en", ["x", "y", "z"], FEATURES, 1, 1, 0, splits)
    record(tmp_path, "k", {("test", RULES): np.zeros((4, 3), np.float32)})  # sigmoid(0) = 0.5
    assert score(tmp_path, chosen_by="own", metric="acc")["value"] == 1.0


def test_a_class_without_gold_or_predictions_counts_as_zero(tmp_path: Path, record: Record) -> None:
    gold = np.array([[1, 0, 0], [0, 1, 0]] * 10, np.uint8)
    splits: Any = {"test": ([str(i) for i in range(20)], gold, "")}
    record_examples(tmp_path, "toy", "en", ["x", "y", "never"], FEATURES, 1, 1, 0, splits)
    record(tmp_path, "k", {("test", RULES): gold - np.float32(0.5)})
    row = score(tmp_path, chosen_by="own", metric="macro_f1")
    assert row["value"] == pytest.approx(2 / 3)
    assert row["hi"] == pytest.approx(2 / 3)


@pytest.mark.parametrize(("bce", "mse", "expected"), [(1, 1, True), (9, 1, False), (1, 9, False)])
def test_the_star_stands_over_both_baselines(
    tmp_path: Path,
    toy: Callable[..., Any],
    record: Record,
    bce: float,
    mse: float,
    expected: bool,
) -> None:
    gold = toy(tmp_path, m=200)
    arms = {"soft_accuracy": 6, "bce": bce, "mse": mse}
    for seed, (loss, skill) in enumerate(arms.items()):
        logits = noisy(gold, seed, skill)
        record(tmp_path, loss, {("test", RULES): logits}, loss=loss, cell=loss)
        # Perfect arms of other settings, which are not to be compared with these.
        other = {"settings": '{"lr": 2}', "cell": f"{loss}-2", "loss": loss}
        record(tmp_path, f"{loss}-2", {("test", RULES): gold - np.float32(0.5)}, **other)
    row = score(tmp_path, cell="soft_accuracy", chosen_by="own", metric="acc")
    assert row["paper_star"] is expected
    assert not score(tmp_path, cell="bce", chosen_by="own", metric="acc")["paper_star"]


def test_no_star_is_claimed_or_denied_without_both_baselines(
    tmp_path: Path, toy: Callable[..., Any], record: Record
) -> None:
    gold = toy(tmp_path)
    good = {("test", RULES): gold - np.float32(0.5)}
    record(tmp_path, "s", good, loss="soft_accuracy", cell="s", settings='{"a":1,"b":2}')
    record(
        tmp_path, "b", {("test", RULES): noisy(gold, 1, 0.5)}, cell="b", settings='{"b":2,"a":1}'
    )
    assert score(tmp_path, cell="s", chosen_by="own", metric="acc")["paper_star"] is None
    record(tmp_path, "m", {}, loss="mse", cell="m", settings='{"b":2,"a":1}', status="diverged")
    assert score(tmp_path, cell="s", chosen_by="own", metric="acc")["paper_star"] is None
    worse = {("test", RULES): noisy(gold, 2, 0.5)}
    record(tmp_path, "m1", worse, seed=1, loss="mse", cell="m", settings='{"b":2,"a":1}')
    assert score(tmp_path, cell="s", chosen_by="own", metric="acc")["paper_star"] is True


def test_seeds_that_went_wrong_are_counted(
    tmp_path: Path, toy: Callable[..., Any], record: Record
) -> None:
    gold = toy(tmp_path)
    logits = noisy(gold, 0)
    record(tmp_path, "k0", {("test", RULES): logits}, seed=0)
    record(tmp_path, "k1", {}, seed=1, status="diverged")
    record(tmp_path, "k2", {}, seed=2, status="failed", error="killed")
    row = score(tmp_path, chosen_by="own", metric="micro_f1")
    assert row["value"] == pytest.approx(f1_score(gold, logits >= 0, average="micro"))
    assert (row["status"], row["seeds"], row["seeds_ok"], row["seeds_failed"]) == ("ok", 3, 1, 2)
    assert "seeds:0|" in row["signature"]


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [(("diverged", "diverged"), "diverged"), (("failed", "diverged"), "diverged"),
     (("failed", "failed"), "failed")],
)  # fmt: skip
def test_a_cell_without_any_result_is_there_and_null(
    tmp_path: Path,
    toy: Callable[..., Any],
    record: Record,
    statuses: tuple[str, str],
    expected: str,
) -> None:
    toy(tmp_path)
    for seed, status in enumerate(statuses):
        record(tmp_path, f"k{seed}", {}, seed=seed, status=status)
    row = score(tmp_path, chosen_by="own", metric="acc")
    assert row["status"] == expected
    assert row["value"] is row["lo"] is row["hi"] is row["half_width"] is None
    assert (row["seeds_ok"], row["seeds_failed"]) == (0, 2)


def test_incomplete_records_are_named(
    tmp_path: Path, toy: Callable[..., Any], record: Record
) -> None:
    gold = toy(tmp_path)
    record(tmp_path, "k", {("test", ("acc",)): noisy(gold, 0)})
    with pytest.raises(RecordError, match="part trial-k: arm k has no test predictions at the epo"):
        score_table(open_run(tmp_path))
    record(tmp_path, "k", {("test", RULES): noisy(gold, 0)[:50]}, minutes=1, part="later")
    with pytest.raises(RecordError, match=r"part later: arm k has 50 rows on test .* of 60 texts"):
        score_table(open_run(tmp_path))
    part_path(tmp_path, "examples", "toy-en").unlink()
    with pytest.raises(RecordError, match="no examples are recorded"):
        score_table(open_run(tmp_path))


def test_rules_newer_than_the_records_are_left_out(
    tmp_path: Path, toy: Callable[..., Any], record: Record
) -> None:
    gold = toy(tmp_path)
    record(tmp_path, "k", {("test", ("own", "acc", "macro_f1")): noisy(gold, 0)})
    rules = set(score_table(open_run(tmp_path))["chosen_by"].to_pylist())
    assert rules == {"own", "acc", "macro_f1"}


def test_arms_of_other_features_are_not_scored(
    tmp_path: Path, toy: Callable[..., Any], record: Record
) -> None:
    gold = toy(tmp_path)
    record(tmp_path, "old", {("test", RULES): noisy(gold, 0)}, features="e" * 64)
    with pytest.raises(RecordError) as caught:
        score_table(open_run(tmp_path))
    message = str(caught.value)
    assert "arm old of toy, language en, was trained on other features (sha256 eeeeeeee" in message
    assert "run again with the features of the arms" in message
    assert "another folder with --out" in message


def test_where_the_seeds_of_a_value_were_trained_is_said(
    tmp_path: Path, toy: Callable[..., Any], record: Record
) -> None:
    gold = toy(tmp_path)
    for seed, (device, width) in enumerate([("cuda", 16), ("cpu", 2), ("cpu", 2)]):
        chosen = {("test", RULES): noisy(gold, seed)}
        record(tmp_path, f"k{seed}", chosen, seed=seed, device=device, width=width)
    record(tmp_path, "k3", {}, seed=3, status="failed", device="none", width=9)
    row = score(tmp_path, chosen_by="own", metric="acc")
    assert (row["device"], row["threads"], row["width"]) == ("cpu, cuda", "1", "2, 16")
