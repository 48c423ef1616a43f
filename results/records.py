"""Recording: a trial's arms, epochs and predictions, and the examples they are scored on.

An arm is recorded if and only if its row in `arms` is there, so that kind is written last; rows of
other kinds without it are left-overs of an interrupted trial, which readers pass by.
Resuming is a subtraction: wanted keys minus `recorded` ones.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from results.errors import DamagedError, RecordError
from results.light import rows_at
from results.parts import (
    MERGED,
    NOTHING,
    Aside,
    covered,
    merge_parts,
    part_groups,
    part_path,
    part_schema,
    present,
    read_groups,
    write_part,
)
from results.schemas import (
    ARMS,
    STATUSES,
    epochs_schema,
    examples_schema,
    facts_of,
    imported,
    predictions_schema,
    table_of,
)

__all__ = [
    "check_features",
    "corpus_facts",
    "merge_parts",
    "predictions_table",
    "record_examples",
    "record_later",
    "record_trial",
    "recorded",
    "winners",
    "write_part",
]

STANDING = ("arm", "status", "finished", "part")
"""The columns of `arms` that decide which of several rows of one arm counts."""

FEATURES = ("corpus", "language", "features")
"""The columns of `arms` that say on which features an arm was trained."""

_LONGEST_NAME = 100
"""Characters of a part that is named after a corpus; file systems allow 255."""


def record_trial(
    run: Path,
    name: str,
    arms: Sequence[dict[str, Any]],
    epochs: Sequence[dict[str, Any]],
    predictions: pa.Table | None = None,
) -> str:
    """Record one trial: predictions, then epochs, then (which makes it count) arms.

    Args:
        run: the run folder; made where missing.
        name: the trial's part name, which no other trial has.
        arms: rows of `schemas.ARMS` without `part`.
        epochs: rows of `schemas.epochs_schema` without `part`; absent columns are null.
        predictions: from `predictions_table`; None only if no arm is `ok`.

    Returns:
        The name of the parts written.

    Raises:
        RecordError: it cannot be written; the trial is then not recorded, everything else is kept.
        ValueError: a trial of this name is recorded, a row has unknown or missing columns, a status
            is unknown, or an `ok` arm has no predictions.
    """
    if part_path(run, "arms", name).exists():
        raise ValueError(f"a trial named {name!r} is recorded already in {run}")
    arms_table = table_of(arms, ARMS, part=name)
    epochs_table = table_of(epochs, epochs_schema(), part=name)
    if unknown := {row["status"] for row in arms} - set(STATUSES):
        raise ValueError(f"unknown status {sorted(unknown)}; statuses are {STATUSES}")
    predicted = set() if predictions is None else set(predictions["arm"].unique().to_pylist())
    if lacking := {row["arm"] for row in arms if row["status"] == "ok"} - predicted:
        raise ValueError(f"arms {sorted(lacking)} are ok but have no predictions")
    tables = {"epochs": epochs_table, "arms": arms_table}
    if predictions is not None:
        parts = pa.repeat(pa.scalar(name), len(predictions))
        field = pa.field("part", pa.string(), nullable=False)
        tables = {"predictions": predictions.append_column(field, parts), **tables}
    try:
        for kind, table in tables.items():
            write_part(run, kind, name, table)
    except RecordError:
        for kind in reversed(tables):  # arms first: without it the others are nothing
            with suppress(OSError):
                part_path(run, kind, name).unlink(missing_ok=True)
        raise
    return name


def predictions_table(
    blocks: Sequence[tuple[str, str, int, Sequence[str], NDArray[np.float32]]],
) -> pa.Table:
    """Predictions of a trial as a table, without a Python object per row.

    Args:
        blocks: for each arm, split and chosen epoch: arm key, split, epoch, the rules that chose
            the epoch, and the logits `[m, C]`, row i being the text with `example` i of the split.

    Returns:
        A table of `schemas.predictions_schema` without `part`, which `record_trial` adds.

    Raises:
        ValueError: there are no blocks, or their numbers of labels differ.
    """
    if not blocks:
        raise ValueError("no predictions to record")
    widths = {logits.shape[1] for *_, logits in blocks}
    if len(widths) > 1:
        raise ValueError(f"blocks of one trial have different numbers of labels: {sorted(widths)}")
    schema = predictions_schema(widths.pop())
    schema = schema.remove(schema.get_field_index("part"))
    return pa.concat_tables([_block(schema, *block) for block in blocks])


def _block(
    schema: pa.Schema,
    arm: str,
    split: str,
    epoch: int,
    chosen_by: Sequence[str],
    logits: NDArray[np.float32],
) -> pa.Table:
    """One row set of `predictions`."""
    rows, classes = logits.shape
    flat = pa.array(np.ascontiguousarray(logits, dtype=np.float32).reshape(-1))
    return pa.table(
        [
            pa.repeat(pa.scalar(arm), rows),
            pa.repeat(pa.scalar(split), rows),
            pa.repeat(pa.scalar(epoch, pa.int32()), rows),
            pa.repeat(pa.scalar(list(chosen_by), pa.list_(pa.string())), rows),
            pa.array(np.arange(rows, dtype=np.int32)),
            pa.FixedSizeListArray.from_arrays(flat, classes),
        ],
        schema=schema,
    )


def record_examples(
    run: Path,
    corpus: str,
    language: str,
    label_names: Sequence[str],
    features_sha: str,
    n: int,
    d: int,
    v: int,
    splits: Mapping[str, tuple[Sequence[str], NDArray[np.uint8], Sequence[str] | str]],
) -> Path:
    """Record what is scored: ids, gold labels and dev halves of one corpus and language.

    Args:
        run: the run folder; made where missing.
        corpus: name of the corpus.
        language: its language.
        label_names: names of the C labels.
        features_sha: sha256 of the feature bytes.
        n: positions of a text.
        d: dimensions of a word vector.
        v: lexicon columns.
        splits: per split: ids (m), labels `[m, C]`, and halves: "a" or "b" per text of dev, or ''
            for all texts of a split. A split that `record_later` added stays, too.

    Raises:
        RecordError: the run holds other features of this language, or it cannot be written.
    """
    check_features(run, corpus, language, features_sha)
    facts = {
        "corpus": corpus,
        "language": language,
        "label_names": list(label_names),
        "features": features_sha,
        "n": n,
        "d": d,
        "v": v,
    }
    tables = [_split_table(facts, split, *rows) for split, rows in splits.items()]
    name = _examples_name(run, corpus, language)
    if later := _examples_parts(run).get(name, {}).get("later"):
        with suppress(DamagedError):  # it is lost until `softsweep score` brings it again
            kept = _examples(run, name)
            tables.append(kept.filter(pa.array([s in later for s in kept["split"].to_pylist()])))
            facts["later"] = later
    return _write_examples(run, name, facts, tables)


def record_later(
    run: Path, corpus: str, language: str, split: str, ids: Sequence[str], labels: NDArray[np.uint8]
) -> Path:
    """Record the texts of a split that arrived after the others were recorded.

    Those recorded of this split are replaced.

    Args:
        run: the run folder, which holds the other splits.
        corpus: name of the corpus.
        language: its language.
        split: the split.
        ids: of its m texts.
        labels: their gold labels, `[m, C]`.

    Raises:
        RecordError: the recorded examples are damaged, or it cannot be written.
    """
    import pyarrow.compute as pc

    name = _examples_name(run, corpus, language)
    facts = _examples_parts(run)[name] | {"later": [split]}
    others = _examples(run, name).filter(pc.field("split") != split)
    tables = [others, _split_table(facts, split, ids, labels, "")]
    return _write_examples(run, name, facts, tables)


def _split_table(
    facts: Mapping[str, Any],
    split: str,
    ids: Sequence[str],
    labels: NDArray[np.uint8],
    halves: Sequence[str] | str,
) -> pa.Table:
    """The rows of `examples` of one split."""
    rows, classes = len(ids), len(facts["label_names"])
    flat = pa.array(np.ascontiguousarray(labels, dtype=np.uint8).reshape(-1))
    half = pa.repeat(pa.scalar(halves), rows) if isinstance(halves, str) else list(halves)
    columns = [
        pa.repeat(pa.scalar(facts["corpus"]), rows),
        pa.repeat(pa.scalar(facts["language"]), rows),
        pa.repeat(pa.scalar(split), rows),
        pa.array(np.arange(rows, dtype=np.int32)),
        pa.array(list(ids), pa.string()),
        pa.array(half, pa.string()) if isinstance(half, list) else half,
        pa.FixedSizeListArray.from_arrays(flat, classes),
    ]
    return pa.table(columns, schema=examples_schema(classes, {}))


def _examples(run: Path, name: str) -> pa.Table:
    """The rows of one part of `examples`."""
    return pa.concat_tables(part_groups(part_path(run, "examples", name)))


def _write_examples(
    run: Path, name: str, facts: dict[str, Any], tables: Sequence[pa.Table]
) -> Path:
    """Write one part of `examples` in place of what was there."""
    schema = examples_schema(len(facts["label_names"]), facts)
    plain = [table.replace_schema_metadata(schema.metadata) for table in tables]
    return write_part(run, "examples", name, pa.concat_tables(plain))


def check_features(
    run: Path, corpus: str, language: str, sha: str, arms: pa.Table | None = None
) -> None:
    """Make sure that the run holds no other features of this corpus and language.

    Where the examples are gone, the arms tell.

    Args:
        run: the run folder.
        corpus: name of the corpus.
        language: its language.
        sha: sha256 of the feature bytes.
        arms: rows of `winners` with `FEATURES`, if they have been read already: they are asked too.

    Raises:
        RecordError: it does.
    """
    told = [tuple(facts[name] for name in FEATURES) for facts in corpus_facts(run)]
    if arms is None and (corpus, language) not in {(c, lang) for c, lang, _ in told}:
        arms = winners(run, (*STANDING, *FEATURES))
    if arms is not None:
        told += set(zip(*(arms[name].to_pylist() for name in FEATURES), strict=True))
    for *pair, found in told:
        if pair == [corpus, language] and found != sha:
            raise RecordError(
                f"{run} was recorded with other features of {corpus}, language {language} "
                f"(sha256 {found[:12]}…, now {sha[:12]}…): give another folder with --out"
            )


def corpus_facts(run: Path, aside: Aside = NOTHING) -> list[dict[str, Any]]:
    """Facts of each recorded corpus and language: names of labels, features, n, d, v."""
    return list(_examples_parts(run, aside).values())


def _examples_parts(run: Path, aside: Aside = NOTHING) -> dict[str, dict[str, Any]]:
    """The parts of `examples` by name, and their facts."""
    names = sorted(present(run, "examples", aside))
    return {name: facts_of(part_schema(part_path(run, "examples", name))) for name in names}


def _examples_name(run: Path, corpus: str, language: str) -> str:
    """The name of a corpus and language's part: the recorded one's, else a new one."""
    for name, facts in _examples_parts(run).items():
        if (facts["corpus"], facts["language"]) == (corpus, language):
            return name
    return _new_examples_name(corpus, language)


def _new_examples_name(corpus: str, language: str) -> str:
    """A file name for a corpus and language, readable and never that of another pair.

    It begins with neither `_` nor `.`, which other readers of Parquet folders pass by.
    """
    name = f"{corpus}-{language}"
    # The last hyphen ends the corpus. Capitals are the same file as small letters on some disks.
    plain = r"[a-z0-9][a-z0-9_.-]*-[a-z0-9_.]+"
    usual = re.fullmatch(plain, name) and len(name) <= _LONGEST_NAME
    if usual and "-" not in language and not name.startswith(MERGED):
        return name
    digest = hashlib.sha256(repr((corpus, language)).encode()).hexdigest()[:12]
    return f"corpus-{re.sub('[^A-Za-z0-9_.]+', '-', name)[:_LONGEST_NAME]}~{digest}"


def recorded(run: Path) -> dict[str, str]:
    """Status of every recorded arm by its key; empty for a folder that is not there yet.

    Raises:
        RecordError: a part is damaged.
    """
    return statuses(winners(run, STANDING))


def statuses(arms: pa.Table) -> dict[str, str]:
    """Status by key, of rows of `winners`."""
    return dict(zip(arms["arm"].to_pylist(), arms["status"].to_pylist(), strict=True))


def winners(run: Path, columns: Sequence[str] | None = None, aside: Aside = NOTHING) -> pa.Table:
    """The rows of `arms` that count, one per arm key.

    Of several rows the better status counts, then the one finished last. A row `ok` whose epochs or
    predictions are gone, cut off or set aside does not count, nor one `pruned` whose epochs are: so
    the arms of a damaged part train again. Imported predictions count without epochs.

    Args:
        run: the run folder.
        columns: those to read, `STANDING` among them; all by default.
        aside: what is known to be damaged.

    Raises:
        RecordError: a part is damaged, or lacks a column.
    """
    schema = ARMS if columns is None else pa.schema([ARMS.field(name) for name in columns])
    # Neither here nor below anything for which Arrow loads pandas (`empty_table`, `pa.array`, times
    # of day): planning would take half a second longer.
    groups = [pa.Table.from_batches([], schema)]
    for group in read_groups(run, "arms", columns, aside):
        if lacking := set(schema.names) - set(group.schema.names):
            raise RecordError(
                f"{run / 'arms'} holds a part without {sorted(lacking)}: another version of "
                "softsweep wrote it; use that version, or move the part away"
            )
        groups.append(group.select(schema.names).cast(schema))
    table = pa.concat_tables(groups)
    measured, predicted = covered(run, "epochs", aside), covered(run, "predictions", aside)
    needed = {"ok": measured & predicted, "pruned": measured}
    best: dict[str, tuple[int, int, int]] = {}
    finished = table["finished"].cast(pa.int64())
    keys = (table["arm"], table["status"], finished, table["part"])
    rows = zip(*(column.to_pylist() for column in keys), strict=True)
    for row, (arm, status, when, part) in enumerate(rows):
        if part not in (predicted if imported(part) else needed.get(status, (part,))):
            continue
        standing = (-STATUSES.index(status), when, row)
        best[arm] = max(best.get(arm, standing), standing)
    chosen = np.fromiter((row for *_, row in best.values()), np.int64, len(best))
    return rows_at(table, chosen)
