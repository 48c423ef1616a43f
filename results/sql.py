"""SQL over a run's records, in a DuckDB that can touch nothing else.

Views are Arrow data registered in an in-memory database; then access to files and the network is
switched off and the configuration locked, so that a query can read the run and do nothing more.
"""

import re
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from results.derived import DERIVED, kept_path, kept_table
from results.errors import DamagedError, RecordError, one_line
from results.parts import readable
from results.predictionscan import prediction_datasets
from results.run import Run

if TYPE_CHECKING:
    import duckdb

VIEWS = ("arms", "epochs", "predictions", "examples", "tries", "chosen", *DERIVED)
"""What a query can read; `docs/views.md` tells of each column."""

_EXPLAIN = re.compile(
    r"explain\b\s*(analyze\b|verbose\b|\(\s*(analyze|verbose|format|costs|buffers)\b[^()]*\))?",
    re.IGNORECASE,
)
"""What is before a query that is to be explained."""


def query(run: str | Path, sql: str) -> pa.Table:
    """Answer one SQL statement over the views of `VIEWS`.

    `predictions` adds `probabilities` (of every label) and `predicted` (names of the labels that
    are present); `examples` adds `gold` (names of its labels). `tries` and `chosen` are what a
    search tried and chose (`results.searched`), empty where there was none.

    Example:
        >>> query("runs/sample", "SELECT loss, max(value) FROM scores GROUP BY loss")
        ... # doctest: +SKIP

    Raises:
        RecordError: the run is missing, or DuckDB refuses the statement.
    """
    opened = Run(run)
    return opened.passing_damage(lambda: _answer(opened, sql))


def _answer(run: Run, sql: str) -> pa.Table:
    """What DuckDB answers.

    Raises:
        DamagedError: predictions turned out to be damaged while they were read.
    """
    import duckdb

    # Replacement scans would let SQL read this program's own variables.
    config: dict[str, str | bool | int | float | list[str]] = {"python_enable_replacements": False}
    with duckdb.connect(":memory:", config=config) as connection:
        connection.execute("SET enable_progress_bar = false")
        # How long an Arrow dataset is DuckDB does not know: it would hold predictions in memory to
        # look arms up in them. So joins are done as they are written, what stands right is held.
        connection.execute("SET disabled_optimizers = 'join_order,build_side_probe_side'")
        _register(connection, run)
        # DuckDB may always read and write where it would put what does not fit into memory.
        connection.execute("SET temp_directory = ''")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        try:
            answer = connection.sql(_one_select(connection, sql))
            return answer.to_arrow_table()
        except (duckdb.Error, pa.ArrowException, OSError) as error:
            for _ in run.prediction_groups():  # is it that they cannot be read?
                pass
            raise RecordError(_explained(error, run)) from error


def _one_select(connection: "duckdb.DuckDBPyConnection", sql: str) -> "duckdb.Statement":
    """The statement, if it is one that only reads.

    Raises:
        RecordError: it is another, none, or one of several.
    """
    statements = connection.extract_statements(sql)
    if len(statements) != 1 or not _reads(connection, statements[0]):
        raise RecordError("query: one SELECT is expected, and nothing else")
    return statements[0]


def _reads(connection: "duckdb.DuckDBPyConnection", statement: "duckdb.Statement") -> bool:
    """Whether a statement only reads, whatever is within it."""
    from duckdb import ParserException, StatementType

    try:
        kind = statement.type
    except ValueError:  # one that DuckDB's Python has no name for
        return False
    if kind not in (StatementType.EXPLAIN, StatementType.MULTI):
        return kind == StatementType.SELECT
    text = statement.query.strip()
    explained = _EXPLAIN.sub("", text, count=1) if _EXPLAIN.match(text) else None
    try:
        if explained is not None:
            inner = connection.extract_statements(explained)
            return len(inner) == 1 and _reads(connection, inner[0])
        # A PIVOT, or what has one within, is several statements. Only a query can be a subquery.
        connection.extract_statements(f"SELECT * FROM (\n{text.removesuffix(';')}\n)")
    except ParserException:
        return False
    return True


def _register(connection: "duckdb.DuckDBPyConnection", run: Run) -> None:
    """Make the views; predictions stay on disk until a query reads them."""
    connection.register("epochs", run.epochs_table)  # first: arms without them do not count
    connection.register("arms", run.arms_table)
    connection.register("tries", run.tries_table)
    connection.register("chosen", run.chosen_table)
    connection.register("examples", run.examples_table)
    _register_derived(connection, run)
    _register_predictions(connection, run)


def _register_derived(connection: "duckdb.DuckDBPyConnection", run: Run) -> None:
    """The views of tables that are kept, with a warning where they are not of these records."""
    paths = {name: kept_path(run, name) for name in DERIVED}
    for name, path in paths.items():
        if path.exists():
            with suppress(DamagedError):  # said below
                connection.register(name, readable(path, partial(pq.read_table, path)))
    if old := [name for name in DERIVED if paths[name].exists() and kept_table(run, name) is None]:
        run.warn(
            f"{run.path}: {', '.join(old)} in `tables` are not of what is recorded now: "
            f"`softsweep tables {run.path}` makes them anew"
        )


def _register_predictions(connection: "duckdb.DuckDBPyConnection", run: Run) -> None:
    """The view `predictions`, over one dataset for each number of labels."""
    selects = []
    for number, dataset in enumerate(prediction_datasets(run)):
        connection.register(f"_predictions_{number}", dataset)
        selects.append(
            "SELECT arm, split, epoch, chosen_by, example, logits::FLOAT[] AS logits, part "
            f"FROM _predictions_{number}"
        )
    if not selects:
        selects = [
            "SELECT NULL::VARCHAR AS arm, NULL::VARCHAR AS split, NULL::INT AS epoch, "
            "NULL::VARCHAR[] AS chosen_by, NULL::INT AS example, NULL::FLOAT[] AS logits, "
            "NULL::VARCHAR AS part WHERE false"
        ]
    connection.register("_labels", _label_names(run))
    connection.execute(
        f"""
        CREATE VIEW predictions AS
        SELECT p.* EXCLUDE (part),
            list_transform(logits, lambda z: 1 / (1 + exp(-z::DOUBLE))) AS probabilities,
            list_filter(names, lambda name, place: logits[place] >= 0) AS predicted,
            p.part
        FROM ({" UNION ALL ".join(selects)}) AS p
        JOIN arms USING (arm, part)
        JOIN _labels USING (corpus, language)
        """
    )


def _label_names(run: Run) -> pa.Table:
    """Names of labels of each corpus and language."""
    facts = run.facts.values()
    return pa.table(
        {
            "corpus": pa.array([fact["corpus"] for fact in facts], pa.string()),
            "language": pa.array([fact["language"] for fact in facts], pa.string()),
            "names": pa.array([fact["label_names"] for fact in facts], pa.list_(pa.string())),
        }
    )


def _explained(error: Exception, run: Run) -> str:
    """DuckDB's message in one line, and what is there where a view is not."""
    message = one_line(error)
    if "Table with name" in message and "does not exist" in message:
        table = message.split("Table with name ")[1].split(" does not exist")[0]
        if table in DERIVED:
            return f"{run.path}: no {table} yet; `softsweep tables {run.path}` makes them"
        return f"no view named {table}; the views are {', '.join(VIEWS)}"
    return message
