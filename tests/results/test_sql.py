"""Questions in SQL: what can be read, and that nothing else can be touched."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from results.aggregation import aggregate
from results.errors import RecordError
from results.parts import part_path
from results.records import merge_parts, record_examples
from results.sql import query

RULES = ("own", "acc", "macro_f1", "micro_f1")
LOGITS = np.array([[0.0, -1.0, 2.0], [-3.0, -0.5, -1e-3]], np.float32)


@pytest.fixture
def run(tmp_path: Path, record: Callable[..., str]) -> Path:
    run = tmp_path / "it's a run"
    gold = np.array([[1, 0, 1], [0, 0, 0]], np.uint8)
    splits: Any = {"test": (["i", "j"], gold, "")}
    record_examples(run, "toy", "en", ["joy", "fear", "trust"], "f" * 64, 4, 5, 0, splits)
    record(run, "k", {("test", RULES): LOGITS})
    record(run, "orphan", {("test", RULES): LOGITS})
    part_path(run, "arms", "trial-orphan").unlink()
    return run


def rows(run: Path, sql: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = query(run, sql).to_pylist()
    return found


def test_views_hold_what_counts(run: Path) -> None:
    assert rows(run, "SELECT arm, seed FROM arms") == [{"arm": "k", "seed": 0}]
    assert rows(run, "SELECT arm, loss FROM epochs") == [{"arm": "k", "loss": 0.5}]
    assert rows(run, "SELECT id, gold FROM examples ORDER BY id") == [
        {"id": "i", "gold": ["joy", "trust"]},
        {"id": "j", "gold": []},
    ]
    found = rows(run, "SELECT * FROM predictions ORDER BY example")
    assert [row["arm"] for row in found] == ["k", "k"]
    assert [row["predicted"] for row in found] == [["joy", "trust"], []]
    probabilities = [row["probabilities"] for row in found]
    np.testing.assert_allclose(probabilities, 1 / (1 + np.exp(-LOGITS.astype(float))))
    assert found[0]["logits"] == LOGITS[0].tolist()


def test_views_join(run: Path) -> None:
    sql = """SELECT avg(len(list_intersect(p.predicted, e.gold))) AS hits
        FROM predictions p JOIN arms a USING (arm)
        JOIN examples e USING (corpus, language, split, example)"""
    assert rows(run, sql) == [{"hits": 1.0}]


def test_merged_parts_and_other_numbers_of_labels(run: Path, record: Callable[..., str]) -> None:
    splits: Any = {"test": (["x"], np.ones((1, 2), np.uint8), "")}
    record_examples(run, "two", "es", ["yes", "no"], "f" * 64, 1, 1, 0, splits)
    two = np.array([[1.0, -1.0]], np.float32)
    record(run, "w", {("test", RULES): two}, corpus="two", language="es", cell="w")
    sql = "SELECT arm, predicted FROM predictions ORDER BY arm, example"
    expected = [("k", ["joy", "trust"]), ("k", []), ("w", ["yes"])]
    assert [tuple(row.values()) for row in rows(run, sql)] == expected
    merge_parts(run, "predictions", at_least=2)
    assert [tuple(row.values()) for row in rows(run, sql)] == expected


def test_scores_are_there_once_made(run: Path) -> None:
    with pytest.raises(RecordError, match=r"no scores yet; `softsweep tables .*` makes them"):
        query(run, "SELECT * FROM scores")
    aggregate(run)
    sql = "SELECT value FROM scores WHERE metric = 'acc' AND chosen_by = 'own'"
    assert rows(run, sql) == [{"value": 1.0}]


def test_a_run_without_predictions_can_be_asked(
    tmp_path: Path, toy: Callable[..., Any], record: Callable[..., str]
) -> None:
    toy(tmp_path)
    record(tmp_path, "k", {}, status="diverged")
    assert rows(tmp_path, "SELECT count(*) AS n FROM predictions") == [{"n": 0}]
    assert rows(tmp_path, "SELECT status FROM arms") == [{"status": "diverged"}]


@pytest.mark.parametrize(
    "sql",
    [
        "COPY arms TO '{here}/out.csv'",
        "ATTACH '{here}/other.db'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SELECT * FROM read_csv('{here}/secret.csv')",
        "SELECT * FROM read_text('{here}/secret.csv')",
        "SELECT * FROM '{here}/secret.csv'",
        "SELECT * FROM glob('{here}/*')",
        "EXPORT DATABASE '{here}/out'",
        "SET enable_external_access = true",
        "SET lock_configuration = false",
        "SELECT * FROM run",  # a variable of this program
        "SELECT * FROM sql",
    ],
)
def test_nothing_outside_can_be_touched(run: Path, tmp_path: Path, sql: str) -> None:
    (tmp_path / "secret.csv").write_text("a\n1\n")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(RecordError) as caught:
        query(run, sql.format(here=tmp_path))
    assert "\n" not in str(caught.value)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELEC 1", "syntax error"),
        ("SELECT nothing FROM arms", 'column "nothing" not found'),
        ("SELECT * FROM arm", "no view named arm; the views are arms, .*, scores, tries, chosen"),
        ("", "returns no rows: a SELECT is expected"),
    ],
)
def test_a_bad_question_is_answered_in_one_line(run: Path, sql: str, message: str) -> None:
    with pytest.raises(RecordError, match=message) as caught:
        query(run, sql)
    assert "\n" not in str(caught.value)


def test_a_damaged_part_is_named(run: Path) -> None:
    path = part_path(run, "predictions", "trial-k")
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(RecordError, match=r"predictions/trial-k\.parquet is damaged"):
        query(run, "SELECT * FROM predictions")
