"""SQL over a run's records, in a DuckDB that can touch nothing else.

Views are Arrow data registered in an in-memory database; then access to files and the network is
switched off and the configuration locked, so that a query can read the run and do nothing more.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from results.errors import RecordError, one_line
from results.parts import names_of, part_path, part_schema, readable
from results.records import corpus_facts
from results.run import Run
from results.searched import read_chosen, read_tries

if TYPE_CHECKING:
    import duckdb

VIEWS = ("arms", "epochs", "predictions", "examples", "scores", "tries", "chosen")
"""What a query can read."""


def query(run: str | Path, sql: str) -> pa.Table:
    """Answer one SQL statement over the views of `VIEWS`.

    `predictions` adds `probabilities` (of every label) and `predicted` (names of the labels that
    are present); `examples` adds `gold` (names of its labels). `tries` and `chosen` are what a
    search tried and chose (`results.searched`), empty where there was none.

    Example:
        >>> query("runs/sample", "SELECT loss, max(value) FROM scores GROUP BY loss")
        ... # doctest: +SKIP

    Raises:
        RecordError: the run is missing, a part is damaged, or DuckDB refuses the statement.
    """
    import duckdb

    opened = Run(run)
    # Replacement scans would let SQL read this program's own variables.
    config: dict[str, str | bool | int | float | list[str]] = {"python_enable_replacements": False}
    with duckdb.connect(":memory:", config=config) as connection:
        _register(connection, opened)
        connection.execute("SET enable_progress_bar = false")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        try:
            answer = connection.sql(sql)
            if answer is None:
                raise RecordError("the SQL statement returns no rows: a SELECT is expected")
            return answer.to_arrow_table()
        except duckdb.Error as error:
            raise RecordError(_explained(error, opened)) from error


def _register(connection: "duckdb.DuckDBPyConnection", run: Run) -> None:
    """Make the views; predictions stay on disk until a query reads them."""
    connection.register("arms", run.arms_table)
    connection.register("epochs", run.epochs_table)
    connection.register("examples", run.examples_table)
    connection.register("tries", read_tries(run.path))
    connection.register("chosen", read_chosen(run.path))
    scores = run.path / "tables" / "scores.parquet"
    if scores.exists():
        connection.register("scores", readable(scores, lambda: pq.read_table(scores)))
    _register_predictions(connection, run)


def _register_predictions(connection: "duckdb.DuckDBPyConnection", run: Run) -> None:
    """The view `predictions`, over one dataset for each number of labels."""
    import pyarrow.dataset as ds

    by_schema: dict[pa.Schema, list[str]] = {}
    for name in names_of(run.path, "predictions"):
        path = part_path(run.path, "predictions", name)
        by_schema.setdefault(part_schema(path).remove_metadata(), []).append(str(path))
    selects = []
    for number, (schema, paths) in enumerate(by_schema.items()):
        connection.register(f"_predictions_{number}", ds.dataset(paths, schema=schema))
        selects.append(
            "SELECT arm, split, epoch, chosen_by, example, logits::FLOAT[] AS logits, part "
            f"FROM _predictions_{number}"
        )
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
        if selects
        else "CREATE VIEW predictions AS SELECT NULL AS arm WHERE false"
    )


def _label_names(run: Run) -> pa.Table:
    """Names of labels of each corpus and language."""
    facts = corpus_facts(run.path)
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
    if "Table with name scores does not exist" in message:
        return f"{run.path}: no scores yet; `softsweep tables {run.path}` makes them"
    if "Table with name" in message and "does not exist" in message:
        table = message.split("Table with name ")[1].split(" does not exist")[0]
        return f"no view named {table}; the views are {', '.join(VIEWS)}"
    return message
