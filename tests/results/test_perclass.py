"""Precision, recall and F1 by class: right by scikit-learn, and what cannot be given is null."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_fscore_support

from results.classes import classes_table, named_arms, per_class
from results.errors import RecordError
from results.findings import Findings
from results.frames import open_run
from results.perclass import MACRO, MICRO, PER_CLASS, rows_of_counts
from results.render import FORMS, Table, records, render
from results.run import Run
from results.tables import per_class as tables

RULES = ("own", "acc", "macro_f1", "micro_f1")
NAMES = ("joy", "fear", "trust")
Bools = NDArray[np.bool_]
Record = Callable[..., str]


def noisy(gold: NDArray[np.uint8], seed: int, shift: float = 0.0) -> NDArray[np.float32]:
    noise = np.random.default_rng(seed).standard_normal(gold.shape)
    return (2.0 * (gold - 0.5) + noise + shift).astype(np.float32)


def rows_of(gold: Bools, *predicted: Bools) -> dict[str, dict[str, Any]]:
    both = [np.count_nonzero(gold & labels, axis=0) for labels in predicted]
    counts = [np.count_nonzero(labels, axis=0) for labels in predicted]
    rows = rows_of_counts(NAMES, both, counts, np.count_nonzero(gold, axis=0))
    assert [row["class"] for row in rows] == [*NAMES, MACRO, MICRO]
    return {row["class"]: row for row in rows}


def labels() -> st.SearchStrategy[Bools]:
    return arrays(bool, (8, 3), elements=st.booleans())


@given(gold=labels(), predicted=labels())
@settings(max_examples=60, deadline=None)
def test_every_number_is_scikit_learns(gold: Bools, predicted: Bools) -> None:
    rows = rows_of(gold, predicted)
    for average, names in ((None, NAMES), ("macro", (MACRO,)), ("micro", (MICRO,))):
        found = precision_recall_fscore_support(gold, predicted, average=average, zero_division=0)
        for place, name in enumerate(names):
            expected = [np.atleast_1d(of)[place] for of in found[:3]]
            row = rows[name]
            ours = [row[measure] or 0.0 for measure in ("precision", "recall", "f1")]
            assert ours == pytest.approx(expected)
    for place, name in enumerate(NAMES):
        row = rows[name]
        assert (row["precision"] is None) == (not predicted[:, place].any())
        assert (row["recall"] is None) == (not gold[:, place].any())
        assert row["tp"] + row["fn"] == row["support"] == gold[:, place].sum()
        assert row["tp"] + row["fp"] == row["predicted"]


def test_means_are_over_the_seeds_that_have_the_number() -> None:
    gold = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 0, 0]], dtype=bool)
    one, other = gold.copy(), gold.copy()
    one[:, 1] = False  # fear is never predicted with this seed
    other[3, 0] = True  # one joy too many with that one
    rows = rows_of(gold, one, other)
    assert rows["joy"]["precision"] == pytest.approx((1 + 2 / 3) / 2)
    assert rows["joy"]["f1_sd"] == pytest.approx((1 - 0.8) / np.sqrt(2))
    assert rows["fear"]["precision"] == 1.0  # of the one seed that predicts it
    assert rows["fear"]["recall"] == rows["fear"]["f1"] == 0.5
    assert (rows["fear"]["never_predicted_seeds"], rows["fear"]["seeds"]) == (1, 2)
    assert rows["fear"]["reason"] == ""
    trust = rows["trust"]
    assert (trust["precision"], trust["recall"], trust["f1"]) == (None, None, 0.0)
    assert trust["reason"] == "precision: predicted for no text; recall: no text has it"
    assert rows[MACRO]["precision"] == pytest.approx((1 / 3 + 5 / 9) / 2)  # 0 where undefined
    assert rows[MACRO]["support"] is None
    assert rows[MICRO]["support"] == 4


def test_rows_of_a_run(tmp_path: Path, toy: Callable[..., Any], record: Record) -> None:
    gold = toy(tmp_path)
    for seed in range(2):
        chosen = {("dev", RULES): noisy(gold, seed + 9), ("test", RULES): noisy(gold, seed)}
        record(tmp_path, f"k{seed}", chosen, seed=seed)
    record(tmp_path, "gone", {}, cell="gone", loss="mse", label="MSE", status="diverged", error="!")
    frame = pa.Table.from_pylist(Findings(Run(tmp_path)).per_class, schema=PER_CLASS).to_pandas()
    assert len(frame) == 2 * 4 * 3 * 5  # cells, rules, thresholds, classes with averages
    alive = frame[frame["cell"] == "cell"]
    scores = {
        (row["chosen_by"], row["threshold"], row["metric"]): row["value"]
        for row in open_run(tmp_path).scores.to_dict("records")
        if row["cell"] == "cell"
    }
    for row in alive.to_dict("records"):
        if (metric := {MACRO: "macro_f1", MICRO: "micro_f1"}.get(row["class"])) is not None:
            key = (row["chosen_by"], row["threshold"], metric)
            assert row["f1"] == pytest.approx(scores[key])
    assert set(alive["seeds"]) == {2}
    lost = frame[frame["cell"] == "gone"]
    assert lost["f1"].isna().all()
    assert set(lost["reason"]) == {"no seed is ok"}
    assert set(lost["status"]) == {"diverged"}


def pair_of_tables(run: Path, record: Record, gold: NDArray[np.uint8], corpus: str) -> list[Table]:
    for loss, label, shift in (("soft_macro_f1", "SM-F1", 0.3), ("soft_micro_f1", "Sm-F1", -0.3)):
        for batch_size in (32, 16):
            key = f"{loss}{batch_size}"
            facts = {"cell": key, "loss": loss, "label": label, "batch_size": batch_size}
            chosen = {("test", RULES): noisy(gold, batch_size, shift)}
            record(run, key, chosen, corpus=corpus, **facts)
    return tables.tables(Findings(Run(run)))


def test_the_papers_pair_is_shown_at_its_batch_size_by_both_rules(
    tmp_path: Path, toy: Callable[..., Any], record: Record
) -> None:
    gold = toy(tmp_path, corpus="sample")
    own, by_macro = pair_of_tables(tmp_path, record, gold, "sample")
    assert (own.name, by_macro.name) == ("table4_en", "table4_en_by_macro_f1")
    assert not own.headline
    assert own.title == (
        "Table 4: SM-F1 and Sm-F1, English (sample), test set, epoch chosen on dev, by the arm's "
        "own metric; one seed"
    )
    assert by_macro.title.endswith("by M-F1; one seed")
    assert own.columns == (
        "class", "SM-F1 P", "SM-F1 R", "SM-F1 F1", "Sm-F1 P", "Sm-F1 R", "Sm-F1 F1",
    )  # fmt: skip
    assert [row[0] for row in own.rows] == [*NAMES, MACRO, MICRO]
    assert own.breaks == {3}
    assert own.notes[-1] == (
        "Shown: SM-F1 and Sm-F1. 2 other arms: `softsweep per-class` shows any two."
    )
    predicted = noisy(gold, 16, 0.3) >= 0
    precision, *_ = precision_recall_fscore_support(gold, predicted, average=None)
    assert [row[1] for row in own.rows[:3]] == pytest.approx(100 * precision)
    assert all(render(own, form) for form in FORMS)


def test_the_published_figures_stand_below_those_of_the_papers_corpus() -> None:
    facts = {"corpus": "semeval2018-ec", "language": "en", "status": "ok", "threshold": "0.5"}
    names = ("anger", "fear")
    counts = [np.array([3, 4])]
    arms = []
    for loss, label in (("soft_macro_f1", "SM-F1"), ("bce", "BCE")):
        row = facts | {"loss": loss, "label": label, "batch_size": 16}
        rows = rows_of_counts(names, counts, counts, np.array([5, 6]))
        arms.append([row | of_class for of_class in rows])
    table = classes_table("t", "", named_arms(arms))
    assert [row[:2] for row in table.rows[:3]] == [
        ("anger", "run"), ("anger", "paper"), ("fear", "run"),
    ]  # fmt: skip
    assert table.rows[1][2:] == (72.41, 81.29, 76.59, None, None, None)  # it has none of BCE
    assert table.breaks == {4}
    assert "paper: its published figures (test set, b = 16, one run per loss)." in table.notes
    for other in ({"batch_size": 32}, {"threshold": "tuned"}, {"corpus": "toy"}):
        elsewhere = [[row | other for row in rows] for rows in arms]
        assert "source" not in classes_table("t", "", named_arms(elsewhere)).columns


def test_what_cannot_be_given_is_said() -> None:
    gold = np.array([[1, 0, 0], [1, 1, 0]], dtype=bool)
    nothing = np.zeros_like(gold)
    facts = {"corpus": "c", "language": "en", "batch_size": 16, "threshold": "0.5", "loss": "l"}
    found = list(rows_of(gold, nothing, gold).values())
    lost = rows_of_counts(NAMES, [], [], gold.sum(axis=0))
    arms = [
        [facts | {"label": "SAcc", "status": "ok"} | row for row in found],
        [facts | {"label": "MSE", "status": "diverged"} | row for row in lost],
    ]
    table = classes_table("t", "", named_arms(arms))
    assert (
        "SAcc never predicts joy (1 of 2 seeds), fear (1 of 2 seeds), trust (2 of 2 seeds): P "
        "is over the seeds that do, empty where none does, and 0 within MACRO."
    ) in table.notes
    assert "MSE: no seed is ok (diverged), so there are no numbers." in table.notes
    assert (
        "No text has trust: R cannot be given, and F1 is 0 and lowers MACRO, as in the official "
        "scorer."
    ) in table.notes
    assert table.rows[2] == ("trust", None, None, 0.0, None, None, None)
    assert records(table)[0]["MSE F1"] is None


def test_any_two_cells_can_be_asked_for(
    tmp_path: Path, toy: Callable[..., Any], record: Record
) -> None:
    gold = toy(tmp_path)
    pair_of_tables(tmp_path, record, gold, "toy")
    (table,) = per_class(tmp_path, "soft_macro_f1@b=16", "soft_macro_f1@b=32", chosen_by="acc")
    assert table.name == "classes_en"
    assert table.title.startswith("Classes: SM-F1 (b=16) and SM-F1 (b=32), English (toy)")
    assert table.columns[1] == "SM-F1 (b=16) P"
    assert per_class(tmp_path, "SM-F1@b=16", "Sm-F1@b=16", language="en")[0].columns[1] == "SM-F1 P"
    for wrong, message in {
        ("bce", "Sm-F1@b=16", None, "own", "0.5"): "no cell of bce",
        ("SM-F1", "Sm-F1@b=16", None, "own", "0.5"): "SM-F1 may be 2 cells",
        ("SM-F1@b=16", "SM-F1@b=16", None, "own", "0.5"): "are the same cell",
        ("SM-F1@b=16", "Sm-F1@b=16", "es", "own", "0.5"): "no arms of language es; there are en",
        ("SM-F1@b=16", "Sm-F1@b=16", None, "f1", "0.5"): "no metric named f1",
        ("SM-F1@b=16", "Sm-F1@b=16", None, "own", "0.4"): "no threshold '0.4'",
        ("SM-F1@b=16", "Sm-F1@b=16", None, "own", "tuned"): "has no labels at threshold tuned",
    }.items():
        with pytest.raises(RecordError, match=message):
            per_class(tmp_path, *wrong)
