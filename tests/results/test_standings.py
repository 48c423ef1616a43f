"""Leaderboards: their order, their control, what they warn of, and what they need not compute."""

import csv
import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray
from sklearn.metrics import f1_score

from results import leaderboard
from results.aggregation import aggregate
from results.derived import current_table, kept_path, write_derived
from results.errors import RecordError, RecordWarning
from results.evidence import score_table
from results.findings import Findings
from results.frames import open_run
from results.judged import Judged
from results.labels import cell_labels
from results.pairing import mean, paired
from results.render import FORMS, Figure, Table, render
from results.run import Run
from results.searched import write_chosen
from results.standings import warnings_of
from results.tables import all_tables

RULES = ("own", "acc", "macro_f1", "micro_f1")
NAMES = ("joy", "fear", "trust")
Record = Callable[..., str]


def noisy(gold: NDArray[np.uint8], seed: int, skill: float, shift: float = 0.0) -> Any:
    noise = np.random.default_rng(seed).standard_normal(gold.shape)
    return (skill * (gold - 0.5) + noise + shift).astype(np.float32)


def settings(**others: Any) -> str:
    return json.dumps({"warmup_epochs": 0} | others)


@pytest.fixture
def run(tmp_path: Path, toy: Callable[..., Any], record: Record) -> Path:
    """Three seeds of BCE, SAcc, focal twice and LSEP, which only ranks; MSE, which diverged."""
    gold = toy(tmp_path, m=120)
    collapsed = np.array([0, 0, -20.0])  # never predicts trust
    losses: list[tuple[str, str, float, Any, str]] = [
        ("bce", "BCE", 2.0, -1.0, settings()),
        ("soft_accuracy", "SAcc", 3.0, collapsed, settings(warmup_epochs=1)),
        ("focal", "focal", 4.0, 0.0, settings(**{"loss.gamma": 1.0})),
        ("focal", "focal", 0.5, 0.0, settings(**{"loss.gamma": 2.0})),
        ("lsep", "LSEP", 2.5, 3.0, settings(ranks=True)),
    ]
    for place, (loss, label, skill, shift, chosen) in enumerate(losses):
        for seed in range(3):
            on_dev, on_test = (noisy(gold, 10 * seed + i, skill, shift) for i in (0, 1))
            record(
                tmp_path,
                f"{place}-{seed}",
                {("dev", RULES): on_dev, ("test", RULES): on_test},
                cell=f"{loss}{place}",
                loss=loss,
                label=label,
                seed=seed,
                settings=chosen,
            )
    record(tmp_path, "m", {}, cell="mse", loss="mse", label="MSE", status="diverged")
    return tmp_path


def column(table: Table, name: str) -> list[Any]:
    return [row[table.columns.index(name)] for row in table.rows]


def test_losses_stand_in_the_order_of_their_scores_at_one_half(run: Path) -> None:
    (table,) = leaderboard(run, "macro_f1")
    assert table.name == "leaderboard_macro_f1_en"
    assert not table.headline
    assert column(table, "Loss") == [
        "focal (gamma=1)",
        "LSEP‡",
        "BCE",
        "SAcc",
        "focal (gamma=2)",
        "MSE",
    ]
    assert column(table, "warmup epochs") == ["0", "0", "0", "1", "0", "0"]
    assert "seeds" in table.columns  # MSE has none
    assert column(table, "rank") == [1, 2, 3, 4, 5, None]
    assert column(table, "labels never predicted") == [0, 0, 0, 1, 0, None]
    assert column(table, "at 0.5")[1] is None
    assert isinstance(column(table, "tuned")[1], Figure)
    assert column(table, "at 0.5")[5] == column(table, "tuned")[5] == "diverged"
    assert table.notes[0] == "SAcc (warmup_epochs=1) never predicts trust (1 of 3 labels)."
    assert any("‡ only ranks the labels" in note for note in table.notes)
    rows = list(csv.DictReader(io.StringIO(render(table, "csv"))))
    assert rows[1]["at 0.5"] == ""
    for form in FORMS:
        assert "SAcc" in render(table, form)
    shown = [cell.value for cell in column(table, "per label")[:5]]
    scores = score_table(Run(run)).to_pylist()
    wanted = {"threshold": "per label", "metric": "macro_f1", "chosen_by": "macro_f1"}
    kept = [s for s in scores if all(s[k] == v for k, v in wanted.items()) and s["value"]]
    assert sorted(shown) == pytest.approx(sorted(100 * score["value"] for score in kept))


def test_the_control_is_bce_with_a_tuned_threshold(run: Path) -> None:
    wanted = {"metric": "acc", "chosen_by": "acc"}
    scores = [s for s in score_table(Run(run)).to_pylist() if wanted.items() <= s.items()]
    cells = Judged(Run(run))
    control = cells.measure("bce0", "acc", "acc", "tuned")
    for score in scores:
        if score["status"] != "ok":
            continue
        values = cells.measure(score["cell"], "acc", "acc", score["threshold"])
        found = paired(values, control)
        assert found is not None
        assert found.both is not None
        assert score["control"] == "bce0"  # of SAcc as well, which alone was warmed up
        assert score["control_seeds"] == 3
        assert score["to_control"] == pytest.approx(found.value)
        assert (score["to_control_lo"], score["to_control_hi"]) == pytest.approx(found.both)
        assert (score["both_lo"], score["both_hi"]) == mean(values).both
    own = [s["to_control"] for s in scores if s["cell"] == "bce0" and s["threshold"] == "tuned"]
    assert own == [0.0]
    assert all(
        s["control"] is None for s in score_table(Run(run)).to_pylist() if s["chosen_by"] == "own"
    )


def test_the_only_bce_is_the_control_of_losses_with_settings_of_their_own(
    tmp_path: Path, toy: Callable[..., Any], record: Record
) -> None:
    gold = toy(tmp_path)

    def controls(*rates: float) -> set[str | None]:
        for place, rate in enumerate(rates):
            chosen = {(split, RULES): noisy(gold, place, 2.0) for split in ("dev", "test")}
            changes = {"cell": f"bce{rate}", "settings": settings(learning_rate=rate)}
            record(tmp_path, f"bce{rate}", chosen, **changes)
        found = score_table(Run(tmp_path)).to_pylist()
        own = [row for row in found if row["loss"] == "mse" and row["chosen_by"] == row["metric"]]
        return {row["control"] for row in own}

    chosen = {(split, RULES): noisy(gold, 9, 2.0) for split in ("dev", "test")}
    changes = {"cell": "m", "loss": "mse", "label": "MSE", "settings": settings(learning_rate=0.1)}
    record(tmp_path, "m", chosen, **changes)
    assert controls() == {None}
    assert controls(0.2) == {"bce0.2"}
    assert controls(0.3) == {None}  # of two, none is picked
    assert controls(0.1) == {"bce0.1"}


def test_losses_that_only_rank_are_scored_tuned_only(run: Path) -> None:
    scores = score_table(Run(run)).to_pylist()
    ranked = [score for score in scores if score["loss"] == "lsep"]
    assert {score["threshold"] for score in ranked} == {"tuned", "per label"}
    (table,) = (table for table in all_tables(Findings(Run(run))) if table.headline)
    shown = dict(zip(column(table, "Loss"), table.rows, strict=True))
    (label,) = (label for label in shown if label.startswith("LSEP"))
    assert label.endswith("‡")
    tuned = [
        s
        for s in ranked
        if s["threshold"] == "tuned" and s["chosen_by"] == "own" and s["metric"] == "acc"
    ]
    assert shown[label][1].value == pytest.approx(100 * tuned[0]["value"])
    assert not shown[label][1].best
    assert any(note.startswith("‡ a loss that only ranks") for note in table.notes)
    assert "$\\ddagger$" in render(table, "latex")


def test_a_loss_that_only_ranks_needs_dev(
    tmp_path: Path, toy: Callable[..., Any], record: Record
) -> None:
    gold = toy(tmp_path)
    record(tmp_path, "k", {("test", RULES): noisy(gold, 0, 2.0)}, settings=settings(ranks=True))
    with pytest.raises(RecordError, match="arm k has no dev predictions at the epoch chosen by"):
        score_table(Run(tmp_path))


def test_labels_that_some_seed_never_predicts_are_named(
    tmp_path: Path, toy: Callable[..., Any], record: Record
) -> None:
    gold = toy(tmp_path, m=60)
    never = {0: (), 1: (1,), 2: (1, 2)}
    for seed, columns in never.items():
        logits = noisy(gold, seed, 3.0)
        logits[:, columns] = -1
        record(tmp_path, f"k{seed}", {("test", RULES): logits}, seed=seed)
    row = score_table(Run(tmp_path)).to_pylist()[0]
    assert (row["never_predicted"], row["labels"]) == (["fear", "trust"], 3)
    aggregate(tmp_path)
    with (tmp_path / "tables" / "scores.csv").open(newline="", encoding="utf-8") as file:
        assert next(csv.DictReader(file))["never_predicted"] == "fear, trust"
    assert warnings_of(score_table(Run(tmp_path)).to_pylist()) == [
        "en (toy): BCE never predicts fear, trust (2 of 3 labels)."
    ]


def test_warnings_are_short_and_begin_with_the_worst(run: Path, record: Record) -> None:
    gold = np.zeros((120, 3), np.uint8)
    for place in range(4):
        logits = np.full(gold.shape, -1.0, np.float32)
        logits[:, : place % 3] = 1
        changes = {"cell": f"w{place}", "loss": f"w{place}", "label": f"W{place}"}
        record(run, f"w{place}", {("test", RULES): logits}, settings=settings(), **changes)
    (line,) = warnings_of(score_table(Run(run)).to_pylist())
    assert line == (
        "en (toy): W0 (warmup_epochs=0) never predicts joy, fear, trust (3 of 3 labels); "
        "W3 (warmup_epochs=0) never predicts joy, fear, trust (3 of 3 labels); "
        "W1 (warmup_epochs=0) never predicts fear, trust (2 of 3 labels); and 2 more."
    )


def test_one_seed_is_said_to_say_nothing_of_others(
    tmp_path: Path, toy: Callable[..., Any], record: Record
) -> None:
    gold = toy(tmp_path)
    for seed, loss in enumerate(("bce", "mse")):
        chosen = {
            (split, RULES): noisy(gold, seed + i, 2.0) for i, split in enumerate(("dev", "test"))
        }
        record(tmp_path, loss, chosen, cell=loss, loss=loss, label=loss.upper())
    (table,) = leaderboard(tmp_path, "acc")
    assert column(table, "over texts and seeds") == ["one seed", "one seed"]
    assert any("over texts alone where one seed is shared" in note for note in table.notes)
    assert any("With one seed" in note for note in table.notes)


def test_other_searches_are_left_out(
    tmp_path: Path, toy: Callable[..., Any], record: Record
) -> None:
    gold = toy(tmp_path)
    row = {"corpus": "toy", "language": "en", "loss": "bce", "label": "BCE", "batch_size": 16}
    row |= {"part": "dev", "study": "s", "setting": '{"lr": 1}', "current": True}
    for seed, metric in enumerate(("acc", "macro_f1")):
        chosen = {("test", RULES): noisy(gold, seed, 2.0)}
        record(tmp_path, metric, chosen, cell=metric, settings=settings(lr=seed + 1))
        write_chosen(tmp_path, metric, [row | {"group": metric, "cell": metric, "metric": metric}])
    (table,) = leaderboard(tmp_path, "acc")
    assert column(table, "Loss") == ["BCE"]
    assert "Settings searched by M-F1 are left out: others were by Acc." in table.notes
    (both,) = leaderboard(tmp_path, "micro_f1")
    assert column(both, "Loss") == ["BCE", "BCE"]
    assert sorted(column(both, "lr")) == ["1", "2"]


def test_what_is_not_there_is_answered_with_what_is(
    run: Path, toy: Callable[..., Any], record: Record
) -> None:
    with pytest.raises(RecordError, match="no metric named f2; the metrics are acc, macro_f1, mic"):
        leaderboard(run, "f2")
    with pytest.raises(RecordError, match="no arms of language fr; there are en"):
        leaderboard(run, "acc", "fr")
    with pytest.raises(RecordError, match="no such run folder"):
        leaderboard(run / "none", "acc")
    gold = toy(run, language="es")
    record(run, "es", {("test", RULES): noisy(gold, 0, 2.0)}, cell="es", language="es")
    names = ["leaderboard_acc_en", "leaderboard_acc_es"]
    assert [table.name for table in leaderboard(run, "acc")] == names
    assert [table.name for table in leaderboard(run, "acc", "es")] == names[1:]


def test_kept_scores_are_taken_while_they_are_of_what_is_recorded(
    tmp_path: Path, toy: Callable[..., Any], record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    gold = toy(tmp_path)
    record(tmp_path, "k", {("test", RULES): noisy(gold, 0, 2.0)})
    aggregate(tmp_path)
    assert current_table(Run(tmp_path), "scores").equals(score_table(Run(tmp_path)))
    before = leaderboard(tmp_path, "acc")
    with monkeypatch.context() as patch:
        patch.setattr("results.derived.derived_table", None)  # calling it would fail
        assert leaderboard(tmp_path, "acc") == before
    record(tmp_path, "new", {("test", RULES): noisy(gold, 0, 1.0)}, cell="new")
    assert "new" in current_table(Run(tmp_path), "scores")["cell"].to_pylist()


def test_kept_scores_of_another_version_or_damaged_are_not_taken(
    tmp_path: Path, toy: Callable[..., Any], record: Record
) -> None:
    gold = toy(tmp_path)
    record(tmp_path, "k", {("test", RULES): noisy(gold, 0, 2.0)})
    write_derived(Run(tmp_path))
    path = kept_path(Run(tmp_path), "scores")
    pq.write_table(pq.read_table(path).drop_columns("threshold"), path)
    assert "threshold" in current_table(Run(tmp_path), "scores").column_names
    path.write_bytes(b"PAR1")
    with pytest.warns(RecordWarning, match=r"scores\.parquet is damaged"):
        assert leaderboard(tmp_path, "acc")


def test_a_setting_that_came_in_later_was_off(
    tmp_path: Path, toy: Callable[..., Any], record: Record
) -> None:
    gold = toy(tmp_path)
    dev = {"weight_decay": 0.0, "network.dropout": 0}
    for seed, (loss, others) in enumerate({"bce": {}, "mse": dev, "hill": {"rho": 0.9}}.items()):
        chosen = {(split, RULES): noisy(gold, seed, 2.0) for split in ("dev", "test")}
        changes = {"loss": loss, "label": loss, "settings": settings(**others)}
        record(tmp_path, loss, chosen, cell=loss, **changes)
    other = {"cell": "other", "settings": settings(rho=0.5)}  # so that BCE is not the only one
    record(tmp_path, "other", chosen, **other)
    wanted = {"metric": "acc", "chosen_by": "acc", "threshold": "0.5"}
    rows = [row for row in score_table(Run(tmp_path)).to_pylist() if wanted.items() <= row.items()]
    found = {row["cell"]: row["control"] for row in rows}
    assert found == {"bce": "bce", "mse": "bce", "hill": None, "other": "other"}
    labels = {"bce": "bce", "mse": "mse", "hill": "hill (rho=0.9)", "other": "BCE (rho=0.5)"}
    assert cell_labels(rows) == labels


def test_a_parameter_that_an_older_record_lacks_was_the_default(
    tmp_path: Path, toy: Callable[..., Any], record: Record
) -> None:
    gold = toy(tmp_path)
    for seed, others in enumerate(({"lr": 1e-3}, {"lr": 1 / 3, "loss.gamma": 2.0})):
        chosen = {(split, RULES): noisy(gold, seed, 2.0) for split in ("dev", "test")}
        record(tmp_path, f"a{seed}", chosen, cell=f"c{seed}", settings=settings(**others))
    labels = cell_labels(score_table(Run(tmp_path)).to_pylist())
    assert labels == {"c0": "BCE (lr=0.001)", "c1": "BCE (lr=0.333333)"}


def test_what_cannot_be_given_says_why(
    tmp_path: Path, toy: Callable[..., Any], record: Record
) -> None:
    gold = toy(tmp_path)
    chosen = {(split, RULES): noisy(gold, 0, 2.0) for split in ("dev", "test")}
    for seed in (0, 1):
        record(tmp_path, f"b{seed}", chosen, cell="b", seed=seed)
        record(tmp_path, f"h{seed}", chosen, cell="h", loss="hill", seed=seed + 7)
        record(tmp_path, f"o{seed}", chosen, cell="o", loss="other", batch_size=32, seed=seed)
        record(tmp_path, f"m{seed}", {}, cell="m", loss="mse", seed=seed, status="diverged")
    (table,) = leaderboard(tmp_path, "acc")
    said = set(column(table, "to tuned BCE"))
    assert said == {"control", "no seed in common", "no such BCE", ""}
    assert "diverged" in column(table, "tuned")


def test_a_leaderboard_is_light(run: Path) -> None:
    code = (
        "import sys\n"
        "from results import leaderboard\n"
        f"assert leaderboard({str(run)!r}, 'acc')\n"
        "assert callable(leaderboard)\n"
        "assert not {'torch', 'ray', 'duckdb'} & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr


def test_a_tuned_score_is_that_of_scikit_learn(
    tmp_path: Path, toy: Callable[..., Any], record: Record
) -> None:
    gold = toy(tmp_path)
    on_dev, on_test = noisy(gold, 0, 2.0, -1.0), noisy(gold, 1, 2.0, -1.0)
    record(tmp_path, "k", {("dev", RULES): on_dev, ("test", RULES): on_test})
    (row,) = open_run(tmp_path).scores.query(
        "threshold == 'tuned' and chosen_by == metric == 'micro_f1'"
    )["value"]
    cuts = np.unique(on_dev).astype(float)
    between = (cuts[1:] + cuts[:-1]) / 2
    reached = np.array([f1_score(gold, on_dev >= cut, average="micro") for cut in between])
    best = between[reached > reached.max() - 1e-12]
    cut = best[np.argmin(np.abs(best))]
    assert row == pytest.approx(f1_score(gold, on_test >= cut, average="micro"))
