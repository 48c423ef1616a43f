"""Questions in SQL: what can be read, and that nothing else can be touched."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from results.aggregation import aggregate
from results.derived import DERIVED, kept_path
from results.errors import RecordError, RecordWarning
from results.parts import part_path
from results.records import merge_parts, record_examples
from results.run import Run
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


def test_derived_tables_are_there_once_made(run: Path, record: Callable[..., str]) -> None:
    for name in DERIVED:
        with pytest.raises(RecordError, match=rf"no {name} yet; `softsweep tables .*` makes them"):
            query(run, f"SELECT * FROM {name}")
    aggregate(run)
    sql = (
        "SELECT value FROM scores WHERE metric = 'acc' AND chosen_by = 'own' AND threshold = '0.5'"
    )
    assert rows(run, sql) == [{"value": 1.0}]
    for name in DERIVED:
        query(run, f"SELECT * FROM {name}")
    record(run, "j", {("test", RULES): LOGITS}, seed=1)
    with pytest.warns(RecordWarning, match=r"scores, .* are not of what is recorded now: `softsw"):
        assert rows(run, sql) == [{"value": 1.0}]
    kept_path(Run(run), "scores").write_bytes(b"PAR1")
    with pytest.warns(RecordWarning), pytest.raises(RecordError, match="no scores yet"):
        query(run, sql)


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
        "SELECT getenv('HOME')",
        "SELECT 1; COPY arms TO '{here}/out.csv'",
        "SELECT 1; SELECT 2",
        "COPY (SELECT 1) TO '{here}/out.parquet'",
        "COPY arms FROM '{here}/secret.csv'",
        "EXPLAIN ANALYZE COPY arms TO '{here}/out.csv'",
        "IMPORT DATABASE '{here}'",
        "PRAGMA import_database('{here}')",
        "ATTACH ':memory:' AS other",
        "ATTACH 'md:'",
        "DETACH memory",
        "FORCE INSTALL spatial FROM community",
        "UPDATE EXTENSIONS",
        "LOAD '{here}/x.duckdb_extension'",
        "SELECT * FROM duckdb_extensions()",
        "CREATE SECRET s (TYPE http, BEARER_TOKEN 'b')",
        "CREATE PERSISTENT SECRET s (TYPE http, BEARER_TOKEN 'b')",
        "SELECT * FROM duckdb_secrets()",
        "SELECT * FROM which_secret('s3://x', 's3')",
        "SELECT * FROM 'https://localhost/x.parquet'",
        "SELECT * FROM read_parquet('s3://x/y.parquet')",
        "SELECT * FROM read_csv('/dev/stdin')",
        "SELECT * FROM query('COPY arms TO ''{here}/out.csv'' ')",
        "SELECT * FROM create_external_resource('{here}')",
        "SELECT * FROM read_blob('/proc/self/environ')",
        "SELECT * FROM read_json('{here}/secret.csv')",
        "SELECT * FROM '/proc/self/environ'",
        "SELECT * FROM 'file://{here}/secret.csv'",
        "SELECT * FROM query_table(['{here}/secret.csv'])",
        "FROM json_execute_serialized_sql(json_serialize_sql('FROM ''{here}/secret.csv'' '))",
        "FROM json_execute_serialized_sql(json_serialize_sql('COPY arms TO ''{here}/x'' '))",
        "PRAGMA json_execute_serialized_sql('{{}}')",
        "SET VARIABLE path = '{here}'",
        "SET allowed_directories = ['{here}']",
        "SET allowed_paths = ['{here}/secret.csv']",
        "SET GLOBAL extension_directory = '{here}'",
        "SET home_directory = '{here}'",
        "COPY FROM DATABASE memory TO other",
        "CREATE TYPE t AS ENUM (SELECT * FROM read_text('{here}/secret.csv'))",
        "EXECUTE p",
        "USE other",
        "SELECT excel_text(1, '0')",  # of an extension, which would be fetched
        "FROM sqlite_scan('{here}/x', 'y')",
        "CREATE TABLE t AS SELECT 1",
        "CREATE OR REPLACE VIEW arms AS SELECT 1",
        "CREATE MACRO f(a) AS a",
        "DROP VIEW arms",
        "INSERT INTO arms SELECT * FROM arms",
        "WITH t AS (INSERT INTO arms VALUES (1) RETURNING 1) SELECT * FROM t",
        "UPDATE arms SET seed = 1",
        "DELETE FROM arms",
        "MERGE INTO arms USING arms b ON true WHEN MATCHED THEN DELETE",
        "PREPARE p AS SELECT 1",
        "BEGIN",
        "CHECKPOINT",
        "VACUUM",
        "CALL enable_logging(storage='file', storage_config={{'path': '{here}/log'}})",
        "SELECT * FROM enable_logging()",
        "SELECT * FROM enable_profiling()",
        "PRAGMA enable_profiling",
        "SET profiling_output = '{here}/profile'",
        "SET temp_directory = '{here}'",
        "SET memory_limit = '1TB'",
        "RESET enable_external_access",
        "PRAGMA database_list",
    ],
)
def test_nothing_outside_can_be_touched(run: Path, tmp_path: Path, sql: str) -> None:
    (tmp_path / "secret.csv").write_text("a\n1\n")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(RecordError) as caught:
        query(run, sql.format(here=tmp_path))
    assert "\n" not in str(caught.value)
    assert sorted(tmp_path.rglob("*")) == before


def test_it_is_locked_while_it_answers(run: Path) -> None:
    settings = ("enable_external_access", "lock_configuration", "python_enable_replacements")
    sql = f"SELECT {', '.join(f'current_setting({name!r}) AS {name}' for name in settings)}"
    (found,) = rows(run, sql)
    assert found == {name: name == "lock_configuration" for name in settings}
    assert rows(run, "SELECT len(current_setting('allowed_paths')) AS n") == [{"n": 0}]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_text('{here}/.tmp/a.csv')",
        "SELECT * FROM '.tmp/a.csv'",
        "PIVOT read_csv('{here}/.tmp/a.csv') ON a",
        "EXPLAIN ANALYZE COPY (SELECT 1) TO '{here}/.tmp/x.csv'",
        "COPY (PIVOT (SELECT 1 AS a) ON a) TO '{here}/.tmp/x.csv'",
    ],
)
def test_the_folder_for_what_does_not_fit_into_memory_is_none(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sql: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".tmp").mkdir()
    (tmp_path / ".tmp" / "a.csv").write_text("a\n1\n")
    with pytest.raises(RecordError):
        query(run, sql.format(here=tmp_path))
    assert [path.name for path in (tmp_path / ".tmp").iterdir()] == ["a.csv"]
    settings = "SELECT current_setting('temp_directory') AS t, current_setting('{}') AS d"
    found = rows(run, settings.format("allowed_directories"))
    assert found == [{"t": "", "d": []}]


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE y AS PIVOT (SELECT 1 AS a) ON a",
        "COPY (PIVOT (SELECT 1 AS a) ON a) TO 'x.csv'",
        "INSERT INTO arms PIVOT (SELECT 1 AS a) ON a",
        "WITH q AS (PIVOT (SELECT 1 AS a) ON a) INSERT INTO arms FROM q",
        "EXPLAIN CREATE TABLE y AS SELECT 1",
        "EXPLAIN ANALYZE CREATE TABLE y AS SELECT 1",
        "EXPLAIN (ANALYZE) CREATE TABLE y AS SELECT 1",
        "EXPLAIN /* */ ANALYZE CREATE TABLE y AS SELECT 1",
        "EXPLAIN CREATE TABLE y AS PIVOT (SELECT 1 AS a) ON a",
    ],
)
def test_what_writes_is_found_within_other_statements(run: Path, sql: str) -> None:
    with pytest.raises(RecordError, match="one SELECT is expected"):
        query(run, sql)


def test_every_function_that_reads_files_is_refused(run: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("a\n1\n")
    named = rows(run, "SELECT DISTINCT function_name AS name FROM duckdb_functions()")
    words = ("read", "scan", "parquet", "glob", "sniff")
    readers = [row["name"] for row in named if any(word in row["name"] for word in words)]
    assert len(readers) > 20
    allowed = [name for name in readers if answers(run, f"FROM {name}('{tmp_path}/secret.csv')")]
    assert allowed == []


def answers(run: Path, sql: str) -> bool:
    try:
        query(run, sql)
    except RecordError:
        return False
    return True


@pytest.mark.parametrize(
    "sql",
    [
        "FROM arms",
        "WITH a AS (SELECT 1) SELECT * FROM a",
        "DESCRIBE arms",
        "SUMMARIZE arms",
        "SHOW TABLES",
        "EXPLAIN SELECT * FROM arms",
        "EXPLAIN ANALYZE SELECT * FROM arms",
        "EXPLAIN (FORMAT json) (SELECT * FROM arms)",
        "EXPLAIN (SELECT 1)",
        "EXPLAIN PIVOT arms ON status USING count(*);",
        "PIVOT arms ON status USING count(*)",
        "PIVOT arms ON status USING count(*);",
        "WITH q AS (PIVOT arms ON status USING count(*)) FROM q  -- with a remark",
        "SELECT 1;  -- with a remark",
    ],
)
def test_whatever_only_reads_is_answered(run: Path, sql: str) -> None:
    assert rows(run, sql)


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELEC 1", "syntax error"),
        ("SELECT nothing FROM arms", 'column "nothing" not found'),
        ("SELECT * FROM arm", "no view named arm; the views are arms, .*, tries, chosen, scores"),
        ("", "one SELECT is expected"),
    ],
)
def test_a_bad_question_is_answered_in_one_line(run: Path, sql: str, message: str) -> None:
    with pytest.raises(RecordError, match=message) as caught:
        query(run, sql)
    assert "\n" not in str(caught.value)


def test_damaged_predictions_are_passed_by(
    run: Path, record: Callable[..., str], flip: Callable[..., None]
) -> None:
    record(run, "j", {("test", RULES): LOGITS}, seed=1)
    flip(part_path(run, "predictions", "trial-k"))
    sql = "SELECT DISTINCT arm FROM predictions WHERE len(logits) = 3"
    with pytest.warns(RecordWarning, match=r"predictions/trial-k\.parquet is damaged"):
        assert rows(run, sql) == [{"arm": "j"}]
