"""What a run records: the columns of each kind of part.

A part is one Parquet file, `<run>/<kind>/<name>.parquet`. The kinds `epochs`, `predictions` and
`arms` are written once per trial, under one name, which their column `part` repeats: it ties the
kinds together after parts were merged. `examples` has one part per corpus and language.
"""

import json
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from model.metrics import METRICS

METADATA_KEY = b"softsweep"
"""The key of a Parquet schema's metadata under which a part keeps facts about itself, as JSON."""

KINDS = ("arms", "epochs", "predictions", "examples", "tries", "chosen")
"""The kinds of part: folders of a run."""

STATUSES = ("ok", "diverged", "pruned", "failed")
"""What can become of an arm, best first: of two rows of one arm the better counts.

`pruned`: a search stopped it early, so it has epochs but no predictions.
"""

OUTCOMES = ("ok", "unscored", "diverged", "pruned", "failed")
"""What a seed of a cell can come to, best first.

`unscored`: its arm is ok but predicts none of the texts that score it: they arrived after its
training and no weights were kept, or were not imported.
"""

EXTERNAL = "external"
"""The device of arms that are another system's imported predictions, and a setting of theirs."""


def imported(part: str) -> bool:
    """Whether a part, by its name, is of imported predictions: they have no epochs."""
    return part.startswith(f"{EXTERNAL}-")


ARMS = pa.schema(
    [
        pa.field("arm", pa.string(), nullable=False),  # content hash of all that decides the result
        pa.field("cell", pa.string(), nullable=False),  # the same without the seed
        pa.field("corpus", pa.string(), nullable=False),
        pa.field("language", pa.string(), nullable=False),
        pa.field("loss", pa.string(), nullable=False),
        pa.field("label", pa.string(), nullable=False),  # the loss in tables, "SM-F1"
        pa.field("own_metric", pa.string(), nullable=False),  # chooses the epoch by the paper
        pa.field("batch_size", pa.int32(), nullable=False),
        pa.field("seed", pa.int64(), nullable=False),
        pa.field("status", pa.string(), nullable=False),  # one of STATUSES
        pa.field("error", pa.string(), nullable=False),  # '' when ok
        pa.field("epochs", pa.int32(), nullable=False),  # epochs done
        pa.field("seconds", pa.float64(), nullable=False),
        pa.field("device", pa.string(), nullable=False),
        pa.field("threads", pa.int32(), nullable=False),
        pa.field("width", pa.int32(), nullable=False),  # arms trained together
        pa.field("host", pa.string(), nullable=False),
        pa.field("features", pa.string(), nullable=False),  # sha256 of the feature bytes
        pa.field("loss_sha256", pa.string(), nullable=False),
        pa.field("versions", pa.string(), nullable=False),  # JSON object
        pa.field("settings", pa.string(), nullable=False),  # JSON object: every other arm setting
        pa.field("signature", pa.string(), nullable=False),
        pa.field("finished", pa.timestamp("us", tz="UTC"), nullable=False),
        pa.field("part", pa.string(), nullable=False),
    ]
)
"""One row for an arm: what it was, where it ran and what became of it."""


def epochs_schema() -> pa.Schema:
    """Columns of `epochs`: a row per arm, epoch (from 1) and split, a column per hard metric.

    `split` is train, dev, dev/a, dev/b or test. Metrics and soft metrics lie in [0, 1], measured on
    the whole split; `loss` (mean over batches) and `seconds` (of training) are set for train only.
    """
    return pa.schema(
        [
            pa.field("arm", pa.string(), nullable=False),
            pa.field("epoch", pa.int32(), nullable=False),
            pa.field("split", pa.string(), nullable=False),
            pa.field("loss", pa.float64()),
            pa.field("soft_accuracy", pa.float64()),
            pa.field("soft_micro_f1", pa.float64()),
            pa.field("soft_macro_f1", pa.float64()),
            *(pa.field(name, pa.float64()) for name in METRICS),
            pa.field("precision", pa.float64()),
            pa.field("recall", pa.float64()),
            pa.field("predicted", pa.list_(pa.int32())),  # texts for which each label is predicted
            pa.field("saturated", pa.float64()),  # share of outputs at 0 or 1
            pa.field("seconds", pa.float64()),
            pa.field("part", pa.string(), nullable=False),
        ]
    )


def predictions_schema(classes: int) -> pa.Schema:
    """Columns of `predictions`: a row per text for every epoch that some rule chose.

    `chosen_by` names those rules: own, acc, micro_f1, macro_f1 (chosen on dev), or the same with
    /a or /b (chosen on that half of dev). `example` is the row of the text within its split.
    """
    return pa.schema(
        [
            pa.field("arm", pa.string(), nullable=False),
            pa.field("split", pa.string(), nullable=False),
            pa.field("epoch", pa.int32(), nullable=False),
            pa.field("chosen_by", pa.list_(pa.string()), nullable=False),
            pa.field("example", pa.int32(), nullable=False),
            pa.field("logits", pa.list_(pa.float32(), classes), nullable=False),
            pa.field("part", pa.string(), nullable=False),
        ]
    )


def examples_schema(classes: int, facts: dict[str, Any]) -> pa.Schema:
    """Columns of `examples`, no text among them; `facts` of the corpus go into the metadata."""
    return pa.schema(
        [
            pa.field("corpus", pa.string(), nullable=False),
            pa.field("language", pa.string(), nullable=False),
            pa.field("split", pa.string(), nullable=False),
            pa.field("example", pa.int32(), nullable=False),
            pa.field("id", pa.string(), nullable=False),
            pa.field("half", pa.string(), nullable=False),  # a or b on dev, '' elsewhere
            pa.field("labels", pa.list_(pa.uint8(), classes), nullable=False),
        ],
        metadata={METADATA_KEY: json.dumps(facts, ensure_ascii=False).encode()},
    )


def facts_of(schema: pa.Schema) -> dict[str, Any]:
    """The facts that a part keeps in its schema's metadata; empty where there are none."""
    found = (schema.metadata or {}).get(METADATA_KEY)
    facts: dict[str, Any] = json.loads(found) if found else {}
    return facts


def table_of(rows: Sequence[dict[str, Any]], schema: pa.Schema, **filled: str) -> pa.Table:
    """Rows as a table of this schema, with the columns of `filled` the same in every row.

    Raises:
        ValueError: a row has a column that the schema lacks, or lacks one that must be there.
    """
    needed = {field.name for field in schema if not field.nullable} - set(filled)
    for row in rows:
        if unknown := set(row) - set(schema.names):
            raise ValueError(f"no column named {sorted(unknown)} among {schema.names}")
        if missing := {name for name in needed if row.get(name) is None}:
            raise ValueError(f"a row lacks {sorted(missing)}: {row}")
    return pa.Table.from_pylist([{**row, **filled} for row in rows], schema=schema)
