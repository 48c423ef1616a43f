"""Derived tables as `<run>/tables/` keeps them, with a digest of the records they were made from.

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
from results.comparisons import COMPARISONS
from results.convergence import CONVERGENCE
from results.declared import confirmatory
from results.errors import DamagedError
from results.findings import Findings
from results.parts import readable, whole_file
from results.perclass import PER_CLASS
from results.run import Run
from results.schemas import METADATA_KEY, facts_of
from results.scores import SCORES

DERIVED = {
    "scores": SCORES,
    "comparisons": COMPARISONS,
    "per_class": PER_CLASS,
    "convergence": CONVERGENCE,
}
"""The derived tables by name: each is a file, and a view of `query`."""


def kept_path(run: Run, name: str) -> Path:
    """Where a derived table is kept."""
    return run.path / "tables" / f"{name}.parquet"


def write_derived(run: Run) -> tuple[Findings, dict[str, pa.Table]]:
    """Make the derived tables of a run and keep them, each whole or not at all.

    Returns:
        What is known of the run, and the tables by name.

    Raises:
        RecordError: records are damaged or incomplete, or a file cannot be written.
    """
    digest = digest_of(run)  # of before, so that what is recorded meanwhile makes the tables stale
    findings = Findings(run)
    tables = {name: derived_table(findings, name) for name in DERIVED}
    for name, table in tables.items():
        keep(run, name, table, digest)
    return findings, tables


def derived_table(findings: Findings, name: str) -> pa.Table:
    """A derived table, made from what is known of a run.

    Args:
        findings: what is known.
        name: one of `DERIVED`.
    """
    if name in ("scores", "comparisons"):
        return getattr(findings.evidence, name)
    return pa.Table.from_pylist(getattr(findings, name), schema=DERIVED[name])


def keep(run: Run, name: str, table: pa.Table, digest: str) -> None:
    """Keep a derived table, whole or not at all.

    Args:
        run: the run.
        name: one of `DERIVED`.
        table: its rows.
        digest: of the records that it was made from, see `digest_of`.

    Raises:
        RecordError: it cannot be written.
    """
    facts = {METADATA_KEY: json.dumps({"records": digest}).encode()}
    out = io.BytesIO()
    pq.write_table(table.replace_schema_metadata(facts), out, compression="zstd")
    with whole_file(kept_path(run, name), lasting=False) as file:
        file.write(out.getvalue())


def current_table(run: Run, name: str) -> pa.Table:
    """A derived table of what is recorded now: the kept one, if it is, else made anew (not kept).

    Args:
        run: the run.
        name: one of `DERIVED`.

    Raises:
        RecordError: records are incomplete.
    """
    kept = kept_table(run, name)
    return derived_table(Findings(run), name) if kept is None else kept


def kept_table(run: Run, name: str) -> pa.Table | None:
    """A derived table, where what is kept is of what is recorded now; a damaged one is not.

    Args:
        run: the run.
        name: one of `DERIVED`.
    """
    path = kept_path(run, name)
    if not path.exists():
        return None
    try:
        # `read_table` would load what reads folders, and pandas: half a second.
        kept = readable(path, lambda: pq.ParquetFile(path).read())
    except DamagedError as damage:
        run.warn(str(damage))
        return None
    current = kept.schema.equals(DERIVED[name]) and (
        facts_of(kept.schema).get("records") == digest_of(run)
    )
    return kept.replace_schema_metadata() if current else None


def digest_of(run: Run) -> str:
    """A hash of all that scores hang on: rows that count, searches, examples, metrics, families."""
    arms = run.arms_table.select(["arm", "status", "part"]).sort_by("arm")
    records = [
        arms.to_pylist(),
        run.tries_table.select(["arm"]).sort_by("arm").to_pylist(),
        run.chosen_table.to_pylist(),
        list(run.facts.values()),
        list(METRICS),
        confirmatory(run),
        version("softsweep"),
    ]
    return hashlib.sha256(json.dumps(records, sort_keys=True).encode()).hexdigest()
