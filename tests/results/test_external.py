"""Another system's predictions are an arm like any other, once they fit the examples."""

import csv
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Barrier, BrokenBarrierError
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import expit

import results.external
from features.tables import read_columns
from model.metrics import METRICS
from results.errors import RecordError
from results.evidence import score_table
from results.external import Imported, import_predictions
from results.outputs import logits_of
from results.parts import merge_parts
from results.records import record_later, recorded
from results.run import Run
from results.standings import leaderboard

NAMES = ("joy", "fear", "trust")
BOTH = ("", "/a", "/b")
RULES = tuple(f"{name}{half}" for name in ("own", *METRICS) for half in BOTH)

Logits = NDArray[np.float32]
Values = NDArray[Any]


@pytest.fixture
def file(tmp_path: Path) -> Callable[..., Path]:
    """Writes ids and values as a table."""

    def write(ids: Sequence[str], values: Values, name: str = "mine.csv") -> Path:
        path = tmp_path / name
        with path.open("w", newline="") as out:
            rows = csv.writer(out)
            rows.writerow(["text", *NAMES, "id"])
            numbers = values.astype(int) if values.dtype == bool else values
            rows.writerows(["", *row, one] for one, row in zip(ids, numbers.tolist(), strict=True))
        return path

    return write


def imported(run: Path, path: Path, **options: Any) -> Imported:
    return import_predictions(run, read_columns(path), **({"name": "theirs"} | options))


def drawn(m: int, seed: int = 0) -> Logits:
    return np.random.default_rng(seed).normal(size=(m, 3)).astype(np.float32)


def scores(run: Path, loss: str) -> dict[tuple[str, ...], float | None]:
    return {
        (row["chosen_by"], row["threshold"], row["metric"]): row["value"]
        for row in score_table(Run(run)).to_pylist()
        if row["loss"] == loss
    }


@pytest.fixture
def with_test(tmp_path: Path, toy: Callable[..., Any], record: Callable[..., str]) -> Path:
    """A run of one arm, scored on test."""
    toy(tmp_path / "run", 60)
    logits = {("dev", RULES): drawn(60), ("test", RULES): drawn(60, 1)}
    record(tmp_path / "run", "ours", logits)
    return tmp_path / "run"


@pytest.fixture
def with_halves(tmp_path: Path, halves: Callable[..., Any], record: Callable[..., str]) -> Path:
    """A run of one arm, scored on the halves of dev."""
    halves(tmp_path / "run", 80)
    record(tmp_path / "run", "ours", {("dev", RULES): drawn(80)})
    return tmp_path / "run"


IDS = [f"en-{i}" for i in range(60)]


def test_our_own_probabilities_score_as_our_own_arm(
    with_halves: Path, file: Callable[..., Path]
) -> None:
    ids = [str(i) for i in range(80)]
    shuffled = np.random.default_rng(1).permutation(80)
    values = expit(drawn(80).astype(np.float64))[shuffled]
    done = imported(with_halves, file([ids[i] for i in shuffled], values))
    assert (done.corpus, done.language, done.texts, done.changed) == (
        "toy",
        "en",
        {"dev": 80},
        True,
    )
    ours, theirs = scores(with_halves, "bce"), scores(with_halves, "theirs")
    assert theirs == ours
    assert {threshold for _, threshold, _ in theirs} == {"0.5", "tuned", "per label"}


def test_predictions_of_test_alone_are_scored_at_one_half(
    with_test: Path, file: Callable[..., Path]
) -> None:
    path = file(IDS, expit(drawn(60, 1).astype(np.float64)))
    imported(with_test, path, split="test")
    ours, theirs = scores(with_test, "bce"), scores(with_test, "theirs")
    assert {threshold for _, threshold, _ in theirs} == {"0.5"}
    assert theirs == {key: value for key, value in ours.items() if key[1] == "0.5"}
    dev = file(IDS, expit(drawn(60).astype(np.float64)), "dev.csv")
    assert imported(with_test, dev, split="dev").texts == {"dev": 60, "test": 60}
    assert scores(with_test, "theirs") == ours
    assert len(recorded(with_test)) == 2


def test_labels_alone_are_predictions(with_test: Path, file: Callable[..., Path]) -> None:
    labels = (drawn(60, 1) >= 0).astype(int)
    imported(with_test, file(IDS, labels), split="test")
    theirs = scores(with_test, "theirs")
    assert theirs.items() <= scores(with_test, "bce").items()


def test_logits_are_taken_as_they_are(with_test: Path, file: Callable[..., Path]) -> None:
    imported(with_test, file(IDS, drawn(60, 1)), split="test", logits=True)
    groups = Run(with_test).prediction_groups()
    (group,) = [group for group in groups if group["arm"][0].as_py() != "ours"]
    assert np.array_equal(group["logits"].to_pylist(), drawn(60, 1))


def test_the_same_again_changes_nothing_and_other_predictions_ask(
    with_test: Path, file: Callable[..., Path]
) -> None:
    path = file(IDS, expit(drawn(60, 1).astype(np.float64)))
    first = imported(with_test, path, split="test")
    parts = sorted(with_test.glob("*/*.parquet"))
    assert not imported(with_test, path, split="test").changed
    assert sorted(with_test.glob("*/*.parquet")) == parts
    imported(with_test, file(IDS, drawn(60) >= 0, "dev.csv"), split="dev")
    other = file(IDS, (drawn(60, 1) < 0).astype(int), "other.csv")
    with pytest.raises(RecordError, match=r"other test predictions of theirs, seed 0.*--replace"):
        imported(with_test, other, split="test")
    imported(with_test, other, split="test", seed=1)
    done = imported(with_test, other, split="test", replace=True)
    assert (done.arm, done.texts) == (first.arm, {"test": 60})  # nothing of the old one is left


def test_several_seeds_are_one_cell_in_every_table(
    with_test: Path, file: Callable[..., Path], record: Callable[..., str]
) -> None:
    for seed in (0, 1):
        path = file(IDS, (drawn(60, seed) >= 0).astype(int), f"{seed}.csv")
        imported(with_test, path, split="test", seed=seed, label="Theirs")
    rows = [row for row in score_table(Run(with_test)).to_pylist() if row["loss"] == "theirs"]
    assert {(row["label"], row["seeds"], row["batch_size"]) for row in rows} == {("Theirs", 2, 0)}
    (table,) = leaderboard(with_test, "acc")
    assert "b" not in table.columns
    assert {row[1] for row in table.rows} == {"BCE", "Theirs"}


def test_the_only_bce_is_the_control(with_test: Path, file: Callable[..., Path]) -> None:
    imported(with_test, file(IDS, drawn(60) >= 0, "t.csv"), split="test")
    rows = [row for row in score_table(Run(with_test)).to_pylist() if row["loss"] == "theirs"]
    controls = {row["control"] for row in rows if row["chosen_by"] == row["metric"]}
    assert controls == {"cell"}


def test_what_was_imported_survives_a_merge(with_test: Path, file: Callable[..., Path]) -> None:
    imported(with_test, file(IDS, drawn(60) >= 0, "t.csv"), split="test")
    before = scores(with_test, "theirs")
    for kind in ("arms", "epochs", "predictions"):
        merge_parts(with_test, kind, 2)
    assert scores(with_test, "theirs") == before
    imported(with_test, file(IDS, drawn(60) >= 0, "d.csv"), split="dev")
    assert scores(with_test, "theirs").items() >= before.items()


def test_predictions_of_dev_wait_for_those_of_a_test_split_that_arrives(
    with_halves: Path, file: Callable[..., Path]
) -> None:
    imported(with_halves, file([str(i) for i in range(80)], drawn(80) >= 0))
    ids = [f"t{i}" for i in range(40)]
    record_later(with_halves, "toy", "en", "test", ids, (drawn(40, 2) >= 0).astype(np.uint8))
    rows = score_table(Run(with_halves)).to_pylist()
    assert {row["status"] for row in rows} == {"unscored"}
    assert all(row["value"] is None for row in rows)
    imported(with_halves, file(ids, drawn(40) >= 0, "t.csv"))
    assert None not in scores(with_halves, "theirs").values()
    assert set(scores(with_halves, "bce").values()) == {None}


def test_which_language_is_found_by_the_ids(
    with_test: Path, toy: Callable[..., Any], record: Callable[..., str], file: Callable[..., Path]
) -> None:
    toy(with_test, 50, language="es")
    ids = [f"es-{i}" for i in range(50)]
    assert imported(with_test, file(ids, drawn(50) >= 0), split="test").language == "es"


def test_ids_of_several_languages_ask_which(
    with_halves: Path, halves: Callable[..., Any], file: Callable[..., Path]
) -> None:
    from results.records import record_examples

    ids = [str(i) for i in range(80)]
    splits: dict[str, Any] = {"dev": (ids, np.zeros((80, 3), np.uint8), ["a", "b"] * 40)}
    record_examples(with_halves, "toy", "es", NAMES, "f" * 64, 4, 5, 0, splits)
    path = file(ids, drawn(80) >= 0)
    with pytest.raises(RecordError, match="its ids are of toy en and toy es alike; say which with"):
        imported(with_halves, path)
    assert imported(with_halves, path, language="es").language == "es"


def some(values: Values, row: int, value: object) -> Values:
    changed = values.astype(object)
    changed[row, 1] = value
    return changed


LABELS = (drawn(60) >= 0).astype(int)

RANGE = r"'; expected a probability from 0 to 1"
WRONG: list[tuple[list[str], Values, dict[str, Any], str]] = [
    (IDS[:-2], LABELS[:-2], {}, r"lacks 2 ids \(en-58, en-59\); expected all 60 texts in test of"),
    ([*IDS, "x"], np.vstack([LABELS, [0, 1, 0]]), {}, r"not of test of toy en: 1 id \(x\)"),
    (["a", "b"], LABELS[:2], {}, r"such as en-0, found 2 ids \(a, b\), none of which is recorded"),
    ([*IDS[:-1], "en-0"], LABELS, {}, r"more than once 1 id \(en-0\); expected every id once"),
    ([*IDS[:-1], ""], LABELS, {}, "line 61: no id"),
    (IDS, some(LABELS, 4, 1.5), {}, rf"line 6: fear is '1.5{RANGE}; if these are percent"),
    (IDS, LABELS * 100, {}, r"expected a probability from 0 to 1; if .* divide them by 100$"),
    (IDS, LABELS * 101, {}, r"expected a probability from 0 to 1 \(--logits takes logits\)$"),
    (IDS, some(LABELS, 4, -0.1), {}, rf"line 6: fear is '-0.1{RANGE} \(--logits"),
    (IDS, some(LABELS, 0, ""), {}, f"line 2: fear is '{RANGE}$"),
    (IDS, some(LABELS, 0, "nan"), {}, f"line 2: fear is 'nan{RANGE}$"),
    (IDS, some(LABELS, 0, "inf"), {"logits": True}, "line 2: fear is 'inf'; expected a finite"),
    (IDS, LABELS, {"name": "a|b"}, r"--name 'a\|b': expected letters"),
    (IDS, LABELS, {"name": "bce"}, "--name bce: is a loss or system of .*; expected another"),
    (IDS, LABELS, {"name": "Bce"}, "--name Bce: is a loss or system of"),
    (IDS, LABELS, {"label": "bce"}, "--label bce: is a loss or system of"),
    (IDS, LABELS, {"seed": -1}, "--seed -1: expected a number from 0"),
    (IDS, LABELS, {"language": "es"}, "has no texts of test of es; it has toy en"),
]


@pytest.mark.parametrize(("ids", "values", "options", "said"), WRONG)
def test_what_does_not_fit_is_one_sentence_and_nothing_is_written(
    with_test: Path,
    file: Callable[..., Path],
    ids: list[str],
    values: Values,
    options: dict[str, Any],
    said: str,
) -> None:
    before = sorted(with_test.rglob("*"))
    with pytest.raises(RecordError, match=said) as error:
        imported(with_test, file(ids, values), **({"split": "test"} | options))
    assert "\n" not in str(error.value)
    assert sorted(with_test.rglob("*")) == before


def test_two_systems_are_not_called_alike(with_test: Path, file: Callable[..., Path]) -> None:
    path = file(IDS, LABELS)
    imported(with_test, path, split="test", label="Theirs")
    imported(with_test, path, split="test", label="Theirs", seed=1)
    with pytest.raises(RecordError, match="--label THEIRS: is a loss or system of"):
        imported(with_test, path, split="test", name="others", label="THEIRS")


def test_of_which_split_ids_are_is_said(with_halves: Path, file: Callable[..., Path]) -> None:
    test = np.zeros((2, 3), np.uint8)
    record_later(with_halves, "toy", "en", "test", ["t0", "t1"], test)
    path = file(["1", "2"], LABELS[:2])
    with pytest.raises(RecordError, match=r"such as t0, found 2 ids \(1, 2\), which are of dev of"):
        imported(with_halves, path, split="test")
    path = file(["1", "x"], LABELS[:2])
    with pytest.raises(RecordError, match=r"found 2 ids \(1, x\), 1 of which are of dev of toy en"):
        imported(with_halves, path, split="test")


def test_imports_wait_for_one_another(
    with_test: Path, file: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = {of: file(IDS, LABELS, f"{of}.csv") for of in ("dev", "test")}
    read = results.external._recorded
    both_have_read = Barrier(2)

    def slow(run: Run, key: str) -> dict[str, Logits]:
        found = read(run, key)
        with suppress(BrokenBarrierError):
            both_have_read.wait(0.2)  # seconds: both would have read before either wrote
        return found

    monkeypatch.setattr("results.external._recorded", slow)
    with ThreadPoolExecutor() as pool:
        for done in [pool.submit(imported, with_test, paths[of], split=of) for of in paths]:
            done.result()
    monkeypatch.undo()
    assert imported(with_test, paths["dev"], split="dev").texts == {"dev": 60, "test": 60}


def test_without_predictions_nothing_is_scored_and_that_is_said(with_test: Path) -> None:
    shutil.rmtree(with_test / "predictions")
    with pytest.raises(RecordError, match="of no arm can predictions be read, so nothing can be"):
        score_table(Run(with_test))


def test_a_split_that_is_not_there(with_halves: Path, file: Callable[..., Path]) -> None:
    path = file([str(i) for i in range(80)], drawn(80) >= 0)
    with pytest.raises(RecordError, match="has no texts of test; it has toy en"):
        imported(with_halves, path, split="test")


@given(st.floats(0, 1))
def test_logits_decide_as_probabilities_do(p: float) -> None:
    (found,) = logits_of(np.array([p]))
    assert np.isfinite(found)
    assert (found >= 0) == (p >= 0.5)
    assert expit(found) == pytest.approx(p, abs=1e-12)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=9))
def test_logits_are_in_the_order_of_probabilities(p: list[float]) -> None:
    ordered = logits_of(np.sort(p))
    assert (np.diff(ordered) >= 0).all()


def test_decisions_survive_single_precision(with_test: Path, file: Callable[..., Path]) -> None:
    close = [0.5, np.nextafter(0.5, 0), np.nextafter(0.5, 1), 5e-324, 1.0, 0.0]
    values = np.resize(close, (60, 3))
    imported(with_test, file(IDS, values), split="test")
    groups = Run(with_test).prediction_groups()
    (group,) = [group for group in groups if group["arm"][0].as_py() != "ours"]
    logits = np.array(group["logits"].to_pylist())
    assert np.isfinite(logits).all()
    assert np.array_equal(logits >= 0, values >= 0.5)
