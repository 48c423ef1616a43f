"""The table of comparisons, one comparison asked for, and the answers made from both."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from numpy.typing import NDArray

from results.aggregation import aggregate
from results.compare import compare
from results.comparisons import COMPARISONS
from results.contrast import NO_SEED, ONE_SEED
from results.errors import RecordError
from results.findings import Findings
from results.multiplicity import holm
from results.run import Run
from results.words import caveats, verdict

RULES = ("own", "acc", "macro_f1", "micro_f1")
Record = Callable[..., str]
Labels = NDArray[np.uint8]


def noisy(gold: Labels, seed: int, strength: float) -> NDArray[np.float32]:
    noise = np.random.default_rng(seed).standard_normal(gold.shape)
    return (strength * (gold - 0.5) + noise).astype(np.float32)


def add(
    record: Record, run: Path, gold: Labels, loss: str, strength: float, **changes: Any
) -> None:
    """Record three seeds of a loss, better the stronger."""
    for seed in changes.pop("seeds", range(3)):
        logits = noisy(gold, 10 * seed + len(loss), strength)
        chosen = {(split, RULES): logits for split in ("dev", "test")}
        row = {"cell": f"cell-{loss}", "loss": loss, "label": loss.upper(), "seed": seed, **changes}
        record(run, f"{row['cell']}{seed}", chosen, **row)


@pytest.fixture
def run(tmp_path: Path, toy: Callable[..., Labels], record: Record) -> Path:
    gold = toy(tmp_path, m=200)
    losses = {"bce": 1.0, "soft_macro_f1": 4.0, "soft_accuracy": 1.0, "mse": 0.9, "hill": 1.1}
    for loss, strength in losses.items():
        add(record, tmp_path, gold, loss, strength)
    return tmp_path


def rows(run: Path, **wanted: str) -> list[dict[str, Any]]:
    found = Findings(Run(run)).comparisons
    return [row for row in found if all(row[name] == value for name, value in wanted.items())]


def test_every_loss_is_compared_with_bce_and_then_with_each_other(run: Path) -> None:
    found = rows(run, metric="acc", threshold="tuned")
    families = {(row["loss_a"], row["loss_b"]): row["family"] for row in found}
    assert families["soft_macro_f1", "bce"] == families["soft_accuracy", "bce"] == "confirmatory"
    assert families["mse", "bce"] == families["hill", "bce"] == "exploratory"
    assert sum(family == "pair" for family in families.values()) == 6
    assert len(families) == len(found) == 10
    at_half = rows(run, metric="acc", threshold="0.5")
    assert {row["loss_b"] for row in at_half} == {"bce"}


def test_a_clear_difference_is_found_and_a_null_one_is_not(run: Path) -> None:
    (clear,) = rows(run, metric="macro_f1", threshold="tuned", loss_a="soft_macro_f1", loss_b="bce")
    assert clear["difference"] > 0.1
    assert clear["lo"] > 0
    for p in ("p", "p_holm", "p_max_t", "p_bootstrap", "p_randomisation"):
        assert clear[p] < 0.05, p
    assert clear["p_sign_flip"] == clear["sign_flip_floor"] == 0.25
    assert (clear["superiority"], clear["seeds"]) == (1.0, 3)
    assert clear["seeds_needed"] is None
    assert "better than BCE with a tuned threshold" in verdict(clear)
    (null,) = rows(run, metric="macro_f1", threshold="tuned", loss_a="soft_accuracy", loss_b="bce")
    assert null["p_max_t"] >= null["p"] > 0.05
    assert null["detectable"] > abs(null["difference"])
    assert "not shown to differ" in verdict(null)
    assert any("80% power" in sentence for sentence in caveats(null))
    parts = [null[f"var_{part}"] for part in ("seeds", "texts", "interaction")]
    assert sum(parts) == pytest.approx(null["se"] ** 2)


def test_families_are_corrected_apart(run: Path) -> None:
    for family, number in (("confirmatory", 6), ("exploratory", 6)):
        found = rows(run, threshold="tuned", family=family)
        assert len(found) == number  # two losses by three metrics
        assert [row["p_holm"] for row in found] == pytest.approx(holm([r["p"] for r in found]))
        assert all((row["q_bh"] is not None) == (family == "exploratory") for row in found)


def test_an_experiment_declares_what_is_confirmatory(run: Path) -> None:
    (run / "experiment.yaml").write_text(yaml.safe_dump({"confirm": ["hill"]}))
    assert {row["loss_a"] for row in rows(run, family="confirmatory")} == {"hill"}
    (run / "experiment.yaml").write_text("confirm: [")
    with pytest.raises(RecordError, match=r"experiment\.yaml cannot be read"):
        rows(run)


def test_numbers_that_cannot_be_given_say_why(
    run: Path, toy: Callable[..., Labels], record: Record
) -> None:
    gold = toy(run, m=200)
    add(record, run, gold, "focal", 1.0, seeds=[0])
    add(record, run, gold, "dice", 1.0, seeds=[7])
    add(record, run, gold, "asl", 1.0, batch_size=32)
    for loss, reason, seeds in (
        ("focal", ONE_SEED, 1),
        ("dice", NO_SEED, 0),
        ("asl", "BCE was not trained with its batch size and settings", 0),
    ):
        row = next(r for r in rows(run, loss_a=loss, threshold="tuned") if r["family"] != "pair")
        assert (row["reason"], row["seeds"], row["p"]) == (reason, seeds, None), loss
        assert verdict(row).endswith(".")
    one = next(r for r in rows(run, loss_a="focal", loss_b="bce"))
    assert one["uncertainty"] == "examples"
    assert one["lo"] < one["difference"] < one["hi"]
    assert "No test: one shared seed tells nothing of others." in verdict(one)


def test_compare_gives_the_numbers_of_the_table(run: Path) -> None:
    aggregate(run)
    (asked,) = compare(run, "soft_macro_f1", "bce", "macro_f1")
    (kept,) = rows(run, metric="macro_f1", threshold="tuned", loss_a="soft_macro_f1", loss_b="bce")
    assert asked == kept
    (back,) = compare(run, "BCE", "SOFT_MACRO_F1", "macro_f1")
    assert back["difference"] == pytest.approx(-kept["difference"])
    assert (back["lo"], back["hi"]) == pytest.approx((-kept["hi"], -kept["lo"]))
    (other,) = compare(run, "mse", "hill", "acc", threshold="per label")
    assert other["family"] == "pair"
    assert other["p_randomisation"] is not None
    assert set(asked) == set(COMPARISONS.names)


def test_cells_are_told_apart_by_their_settings(
    run: Path, toy: Callable[..., Labels], record: Record
) -> None:
    gold = toy(run, m=200)
    settings = json.dumps({"warmup_epochs": 1, "loss.gamma": 2.0})
    add(record, run, gold, "hill", 1.3, cell="warm", settings=settings)
    with pytest.raises(
        RecordError, match=r"hill may be 2 cells, tell them apart by loss@key=value"
    ):
        compare(run, "hill", "bce", "acc")
    (warm,) = compare(run, "hill@warmup_epochs=1,gamma=2", "bce", "acc")
    assert warm["a"] == "warm"
    (cold,) = compare(run, "hill@warmup_epochs=0", "bce", "acc")
    assert cold["a"] == "cell-hill"
    with pytest.raises(RecordError, match=r"no cell is hill@b=99; of hill there are: .*size 16"):
        compare(run, "hill@b=99", "bce", "acc")


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (("bec", "bce", "acc"), "no cell of bec; the losses recorded here are bce, hill, mse"),
        (("bce", "bce", "acc"), "bce and bce are the same cell: name two"),
        (("mse", "bce", "f2"), "no metric named f2; the metrics are acc"),
        (("mse@b", "bce", "acc"), "expected loss@key=value, found 'b' without a value"),
        (("mse", "bce", "acc", "fr"), "no arms of language fr; there are en"),
        (("mse", "bce", "acc", "en", "best"), "no threshold 'best'; there are 0.5, tuned"),
    ],
)
def test_what_cannot_be_compared_is_one_sentence(
    run: Path, asked: tuple[str, ...], message: str
) -> None:
    with pytest.raises(RecordError, match=message):
        compare(run, *asked)


def test_the_answer_names_the_best_of_those_shown_to_be_better(run: Path) -> None:
    by_metric = {answer.metric: answer for answer in Findings(Run(run)).answers}
    answer = by_metric["macro_f1"]
    (row,) = rows(run, metric="macro_f1", threshold="tuned", loss_a="soft_macro_f1", loss_b="bce")
    assert answer.row == row
    assert answer.cell == "cell-soft_macro_f1"
    assert answer.sentence == (
        f"Train with SOFT_MACRO_F1 if you are judged by macro-F1: {100 * row['difference']:+.1f} "
        f"points over BCE with a tuned threshold, 95% interval {100 * row['lo']:.1f} to "
        f"{100 * row['hi']:.1f}, 3 seeds, p = {row['p_max_t']:.3f} corrected for 6 confirmatory "
        "comparisons."
    )


def test_where_nothing_is_shown_to_be_better_that_is_the_answer(
    tmp_path: Path, toy: Callable[..., Labels], record: Record
) -> None:
    gold = toy(tmp_path, m=200)
    add(record, tmp_path, gold, "bce", 1.0)
    add(record, tmp_path, gold, "mse", 1.02)
    for answer in Findings(Run(tmp_path)).answers:
        begin = answer.sentence.split(" if ")[0]
        assert begin in ("Train with BCE and a tuned threshold",) or begin.startswith("No loss is")
        assert answer.cell == "cell-bce"


def test_without_bce_the_answer_says_what_is_missing(
    tmp_path: Path, toy: Callable[..., Labels], record: Record
) -> None:
    add(record, tmp_path, toy(tmp_path), "mse", 2.0)
    (first, *_) = Findings(Run(tmp_path)).answers
    assert "no loss was tested against BCE" in first.sentence
    assert "BCE is not recorded" in first.sentence
