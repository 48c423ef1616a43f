"""Scores as `tables/scores.parquet` keeps them, with a digest of the records they were made from.

Scoring a large run takes minutes, reading its scores a second: a reader takes the file where it is
of what is recorded now.
"""

import hashlib
import io
import json
from importlib.metadata import version
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from model.metrics import METRICS
from results.parts import readable, whole_file
from results.records import corpus_facts
from results.run import Run
from results.schemas import METADATA_KEY, facts_of
from results.scores import SCORES, score_table
from results.searched import read_chosen, read_tries


def score_path(run: Run) -> Path:
    """Where the scores are kept."""
    return run.path / "tables" / "scores.parquet"


def write_scores(run: Run) -> pa.Table:
    """Score a run and keep the scores, whole or not at all.

    Returns:
        A table of `results.scores.SCORES`.

    Raises:
        RecordError: records are damaged or incomplete, or the file cannot be written.
    """
    digest = _digest(run)  # of before, so that what is recorded meanwhile makes the scores stale
    scores = score_table(run)
    facts = json.dumps({"records": digest}).encode()
    kept = scores.replace_schema_metadata({METADATA_KEY: facts})
    out = io.BytesIO()
    pq.write_table(kept, out, compression="zstd")
    with whole_file(score_path(run)) as file:
        file.write(out.getvalue())
    return scores


def current_scores(run: Run) -> pa.Table:
    """The scores of what is recorded now: those kept, if they are, else made anew (not kept).

    Raises:
        RecordError: records or the kept scores are damaged, or records are incomplete.
    """
    path = score_path(run)
    if path.exists():
        kept = readable(path, lambda: pq.read_table(path))
        if kept.schema.equals(SCORES) and facts_of(kept.schema).get("records") == _digest(run):
            return kept.replace_schema_metadata()
    return score_table(run)


def _digest(run: Run) -> str:
    """A hash of all that scores hang on: the rows that count, searches, examples, metrics."""
    arms = run.arms_table.select(["arm", "status", "part"]).sort_by("arm")
    records = [
        arms.to_pylist(),
        read_tries(run.path).select(["arm"]).sort_by("arm").to_pylist(),
        read_chosen(run.path).to_pylist(),
        corpus_facts(run.path),
        list(METRICS),
        version("softsweep"),
    ]
    return hashlib.sha256(json.dumps(records, sort_keys=True).encode()).hexdigest()
