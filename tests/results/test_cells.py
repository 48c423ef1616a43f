"""Groups of a search are scored as one; what was merely tried is not scored."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import f1_score

from results.ablation import ablation_rows
from results.difference import difference
from results.evidence import score_table
from results.frames import open_run
from results.judged import Judged
from results.labels import cell_labels
from results.searched import write_chosen, write_tries

RULES = ("own", "acc", "macro_f1", "micro_f1")
HALVES = tuple(f"{rule}/{half}" for rule in RULES for half in "ab")
Record = Callable[..., str]
Group = Callable[..., None]


def noisy(gold: NDArray[np.uint8], seed: int, skill: float = 2.0) -> NDArray[np.float32]:
    noise = np.random.default_rng(seed).standard_normal(gold.shape)
    return (skill * (gold - 0.5) + noise).astype(np.float32)


def rows_of(run: Path, **wanted: Any) -> list[dict[str, Any]]:
    """The scores that have these values: acc of the epoch that acc chose at 0.5, by default."""
    wanted = {"threshold": "0.5", "chosen_by": "acc", "metric": "acc"} | wanted
    rows: list[dict[str, Any]] = score_table(open_run(run)).to_pylist()
    return [row for row in rows if all(row[name] == each for name, each in wanted.items())]


def rate(value: float, **others: Any) -> str:
    return json.dumps({"learning_rate": value, "warmup_epochs": 0} | others)


@pytest.fixture
def group() -> Group:
    """Write what a search chose: `group(run, key, {part: cell})`."""

    def write(run: Path, key: str, cells: dict[str, str], **changes: Any) -> None:
        row = {
            "group": key,
            "corpus": "toy",
            "language": "en",
            "loss": "bce",
            "label": "BCE",
            "batch_size": 16,
            "metric": "acc",
            "study": "s",
            "setting": '{"learning_rate": 0.001}',
            "current": True,
        } | changes
        write_chosen(run, key, [row | {"part": part, "cell": cell} for part, cell in cells.items()])

    return write


def test_each_half_is_scored_by_what_the_other_chose(
    tmp_path: Path, halves: Callable[..., Any], record: Record, group: Group
) -> None:
    gold, in_b = halves(tmp_path)
    by_cell = {"on-a": (1, 0.001, (0, 1, 2)), "on-b": (11, 0.003, (1, 2, 3))}
    logits = {}
    for cell, (noise, learning_rate, seeds) in by_cell.items():
        for seed in seeds:
            logits[cell, seed] = noisy(gold, noise + seed)
            chosen = {("dev", HALVES): logits[cell, seed]}
            changes = {"cell": cell, "seed": seed, "settings": rate(learning_rate)}
            record(tmp_path, f"{cell}{seed}", chosen, **changes)
    record(tmp_path, "bad", {}, cell="on-a", seed=3, status="diverged", settings=rate(0.001))
    group(tmp_path, "g", {"dev/b": "on-b", "dev/a": "on-a"}, metric="macro_f1")
    (row,) = rows_of(tmp_path, metric="macro_f1", chosen_by="macro_f1")
    pooled = [
        np.where(in_b[:, None], logits["on-a", seed], logits["on-b", seed]) >= 0 for seed in (1, 2)
    ]
    by_seed = [f1_score(gold, labels, average="macro") for labels in pooled]
    assert row["value"] == pytest.approx(np.mean(by_seed))
    assert row["seed_sd"] == pytest.approx(np.std(by_seed, ddof=1))
    assert (row["cell"], row["searched_by"]) == ("g", "macro_f1")
    assert (row["seeds"], row["seeds_ok"], row["seeds_failed"]) == (3, 2, 1)  # 1, 2 and 3
    settings = json.loads(row["settings"])
    assert settings == {"learning_rate": {"a": 0.001, "b": 0.003}, "warmup_epochs": 0}
    other = row | {"cell": "x", "settings": rate(0.01)}
    labels = cell_labels([row, other])
    assert labels["g"] == "BCE (learning_rate=0.001/0.003)"
    assert "|search:macro_f1|" in row["signature"]
    found = Judged(open_run(tmp_path)).measure("g", "macro_f1", "macro_f1")
    assert {seed: one.value for seed, one in found.items()} == pytest.approx(
        dict(zip((1, 2), by_seed, strict=True))
    )


def test_a_try_that_a_grid_wants_too_stays_a_seed_of_it(
    tmp_path: Path, halves: Callable[..., Any], record: Record, group: Group
) -> None:
    gold, _ = halves(tmp_path)
    for place, (cell, seed) in enumerate((("plain", 0), ("plain", 5), ("best", 5), ("best", 1))):
        chosen = {("dev", HALVES): noisy(gold, place)}
        changes = {"cell": cell, "seed": seed, "settings": rate(len(cell))}
        record(tmp_path, f"{cell}{seed}", chosen, **changes)
    tried = {"corpus": "toy", "language": "en", "loss": "bce", "label": "BCE", "batch_size": 16}
    tried |= {"study": "s", "metric": "acc", "part": "dev/a", "batch": 0, "setting": "{}"}
    tried |= {"value": 0.5, "status": "ok", "epochs": 2, "best": False}
    rows = [tried | {"number": n, "arm": arm} for n, arm in enumerate(("plain5", "best5"))]
    write_tries(tmp_path, "s", rows)
    group(tmp_path, "g", {"dev/a": "best", "dev/b": "best"})
    group(tmp_path, "h", {"dev/a": "best", "dev/b": "best"})  # of another search
    found = [(row["cell"], row["seeds"], row["searched_by"]) for row in rows_of(tmp_path)]
    assert sorted(found, key=str) == [("best", 1, "acc"), ("plain", 2, None)]


def test_an_earlier_choice_is_not_scored(
    tmp_path: Path, halves: Callable[..., Any], record: Record, group: Group
) -> None:
    gold, _ = halves(tmp_path)
    for seed, cell in enumerate(("now", "before")):
        chosen = {("dev", HALVES): noisy(gold, seed)}
        record(tmp_path, cell, chosen, cell=cell, settings=rate(0.1 + seed))
    group(tmp_path, "g", {"dev/a": "now", "dev/b": "now"})
    group(tmp_path, "h", {"dev/a": "before", "dev/b": "before"}, current=False)
    assert {row["cell"] for row in rows_of(tmp_path)} == {"now"}


def test_a_choice_on_which_both_halves_agree_is_an_ordinary_cell(
    tmp_path: Path, halves: Callable[..., Any], record: Record, group: Group
) -> None:
    gold, _ = halves(tmp_path)
    record(tmp_path, "k", {("dev", HALVES): noisy(gold, 0)}, cell="c", settings=rate(0.001))
    (plain,) = rows_of(tmp_path)
    group(tmp_path, "g", {"dev/a": "c", "dev/b": "c"})
    (row,) = rows_of(tmp_path)
    assert (row["cell"], row["searched_by"]) == ("c", "acc")
    assert {**row, "searched_by": None, "signature": plain["signature"]} == plain
    group(tmp_path, "h", {"dev/a": "c", "dev/b": "c"}, metric="micro_f1")
    assert sorted(row["searched_by"] for row in rows_of(tmp_path)) == ["acc", "micro_f1"]


def test_with_a_test_split_dev_chooses_once(
    tmp_path: Path, toy: Callable[..., Any], record: Record, group: Group
) -> None:
    gold = toy(tmp_path)
    for cell in ("c", "d"):
        record(tmp_path, cell, {("test", RULES): noisy(gold, 0)}, cell=cell)
    group(tmp_path, "g", {"dev": "c"})
    searched = {row["cell"]: row["searched_by"] for row in rows_of(tmp_path)}
    assert searched == {"c": "acc", "d": None}


def test_what_was_tried_and_what_is_not_trained_yet_is_not_scored(
    tmp_path: Path,
    halves: Callable[..., Any],
    record: Record,
    group: Group,
) -> None:
    gold, _ = halves(tmp_path)
    for seed, cell in enumerate(("c", "d")):
        chosen = {("dev", HALVES): noisy(gold, seed)}
        record(tmp_path, f"try-{cell}", chosen, cell=cell, seed=1000)
    record(tmp_path, "stopped", {}, cell="e", seed=1000, status="pruned")
    record(tmp_path, "plain", {("dev", HALVES): noisy(gold, 5)}, cell="p")
    tried: dict[str, Any] = {"study": "s", "metric": "acc", "part": "dev/a", "batch": 0}
    tried |= {"corpus": "toy", "language": "en", "loss": "bce", "label": "BCE", "batch_size": 16}
    tried |= {"setting": "{}", "status": "ok", "epochs": 2, "best": False}
    arms = ("try-c", "try-d", "stopped")
    write_tries(tmp_path, "s", [tried | {"number": i, "arm": arm} for i, arm in enumerate(arms)])
    group(tmp_path, "g", {"dev/a": "c", "dev/b": "d"})
    assert [row["cell"] for row in rows_of(tmp_path)] == ["p"]
    record(tmp_path, "c0", {("dev", HALVES): noisy(gold, 2)}, cell="c")
    assert [row["cell"] for row in rows_of(tmp_path)] == ["p"]
    group(tmp_path, "g", {"dev/a": "c"})  # half b is still searching
    assert [row["cell"] for row in rows_of(tmp_path)] == ["p"]
    group(tmp_path, "g", {"dev/a": "c", "dev/b": "d"})
    record(tmp_path, "d0", {("dev", HALVES): noisy(gold, 3)}, cell="d")
    assert sorted(row["cell"] for row in rows_of(tmp_path)) == ["g", "p"]
    (row,) = rows_of(tmp_path, cell="g")
    assert row["seeds"] == 1


def test_nothing_of_half_b_chooses_what_scores_it(
    tmp_path: Path, halves: Callable[..., Any], record: Record, group: Group
) -> None:
    gold, in_b = halves(tmp_path)
    good, bad = noisy(gold, 0, 6.0), noisy(gold, 1, 0.1)
    # The setting that half b chose is perfect on half b: no score of half b may come of it.
    perfect_on_b = np.where(in_b[:, None], good, bad)
    record(tmp_path, "x", {("dev", HALVES): bad}, cell="x", settings=rate(0.001))
    record(tmp_path, "y", {("dev", HALVES): perfect_on_b}, cell="y", settings=rate(0.003))
    group(tmp_path, "g", {"dev/a": "x", "dev/b": "y"})
    (row,) = rows_of(tmp_path, metric="micro_f1", chosen_by="micro_f1")
    assert row["value"] == pytest.approx(f1_score(gold, bad >= 0, average="micro"))


def test_baselines_are_those_of_the_same_search(
    tmp_path: Path, halves: Callable[..., Any], record: Record, group: Group
) -> None:
    gold, _ = halves(tmp_path, m=200)
    losses = {"soft_accuracy": 9.0, "bce": 2.0, "mse": 2.0}
    for place, (loss, skill) in enumerate(losses.items()):
        for half in "ab":
            settings = rate(0.001 * (place + 1), **{f"loss.{loss}": place})
            chosen = {("dev", HALVES): noisy(gold, place, skill)}
            cell = f"{loss}-{half}"
            record(tmp_path, cell, chosen, cell=cell, loss=loss, settings=settings)
        # Perfect, but not searched.
        perfect = {("dev", HALVES): gold - np.float32(0.5)}
        record(tmp_path, f"p-{loss}", perfect, cell=f"p-{loss}", loss=loss, settings=rate(9.0))
        group(tmp_path, loss, {f"dev/{half}": f"{loss}-{half}" for half in "ab"}, loss=loss)
    (row,) = rows_of(tmp_path, cell="soft_accuracy")
    assert row["paper_star"] is True
    assert row["control"] == "bce"
    found = difference(tmp_path, "soft_accuracy", "bce", "acc")
    assert rows_of(tmp_path, cell="soft_accuracy", threshold="tuned")[0]["paper_star"] is None
    assert found.value > 0.1
    (alone,) = rows_of(tmp_path, cell="p-soft_accuracy")
    assert (alone["paper_star"], alone["control"]) == (False, "p-bce")


def test_searched_cells_of_two_runs_are_matched_whatever_was_chosen(
    tmp_path: Path, toy: Callable[..., Any], record: Record, group: Group
) -> None:
    runs = {"none": tmp_path / "none", "all": tmp_path / "all"}
    for place, (name, run) in enumerate(runs.items()):
        gold = toy(run)
        chosen = {("test", RULES): noisy(gold, place, 1.0 + place)}
        record(run, name, chosen, cell=name, settings=rate(0.001 * (place + 1)))
        group(run, "g", {"dev": name})
    rows = [row for row in ablation_rows(runs) if row["metric"] == "acc"]
    assert [(row["variant"], row["shared_seeds"]) for row in rows] == [("none", None), ("all", 1)]
