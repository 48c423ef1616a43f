"""Runs merged: a run folder that holds what several have recorded.

Whole parts are linked where the disk allows it, else copied; of a part that was merged before, only
the trials that are new are taken. Each file appears whole, and `arms` come last, so that a merge
that was cut off has merged fewer arms, and the next one brings the rest. Of several rows of an arm
the one counts that would count in one run.
"""

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from results.difference import check_same_texts
from results.errors import RecordError
from results.locks import locked
from results.mirror import direct, fetch_file, local_folder
from results.parts import (
    MERGED,
    OF_TRIALS,
    covered,
    part_groups,
    part_path,
    part_schema,
    present,
    read_groups,
    whole_file,
    write_tables,
)
from results.run import Run
from results.schemas import EXTERNAL, METADATA_KEY
from results.united import read_experiments, unite_experiments, unite_searches

Names = Mapping[str, str]
"""Names of trials in a run, and those that they get in the merged one."""

_STANDING = ("arm", "status", "finished", "part")
"""The columns of `arms` that tell trials apart."""


def merge_runs(runs: Sequence[str | Path], out: str | Path) -> Path:
    """Merge runs into a new folder, or add what is new to an earlier merge of theirs.

    Args:
        runs: run folders, which stay as they are.
        out: the folder; made where missing.

    Returns:
        The folder: a run as any other.

    Raises:
        RecordError: a folder is no run, they hold other texts or features of one corpus and
            language, or other predictions imported under one name, the experiment of one cannot be
            read, or the merged folder is one of them or cannot be written. Nothing is written
            before all is checked.
    """
    folder = local_folder(out)
    sources = [Run(run) for run in runs]
    paths = [run.path for run in sources]
    if folder.resolve() in {path.resolve() for path in paths}:
        raise RecordError(f"--out {out}: is one of the runs to merge, give a new folder")
    if folder.exists() and not folder.is_dir():
        raise RecordError(f"--out {out}: is a file, expected a folder")
    for run in sources:
        run.examine()
    earlier = [Run(folder)] if present(folder, "arms") else []
    check_mergeable([*earlier, *sources])
    check_imports([*earlier, *sources])
    experiments = read_experiments([folder, *paths])
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RecordError(f"--out {out}: cannot be made ({error.strerror})") from error
    with locked(folder):
        for run in sources:
            _add(run, folder)
        unite_searches(sources, folder)
        unite_experiments(experiments, paths, folder)
    return folder


def check_mergeable(runs: Sequence[Run]) -> None:
    """Make sure that runs hold the same texts and features of each corpus and language.

    Raises:
        RecordError: two do not; the sentence names them and what differs.
    """
    first: dict[tuple[str, str], Run] = {}
    features: dict[tuple[str, str], tuple[str, Run]] = {}
    for run in runs:
        for pair, facts in run.facts.items():
            other = first.setdefault(pair, run)
            for name in ("label_names", "n", "d", "v"):
                if facts[name] != (there := other.facts[pair][name]):
                    raise _unlike(other, run, pair, f"{name} is {there} and {facts[name]}")
            check_same_texts(other, run, pair)
        names = ("corpus", "language", "features")
        of_arms = zip(*(run.arms_table[name].to_pylist() for name in names), strict=True)
        of_texts = ((*pair, facts["features"]) for pair, facts in run.facts.items())
        for corpus, language, sha in {*of_arms, *of_texts}:
            known, other = features.setdefault((corpus, language), (sha, run))
            if known != sha:
                differ = f"features (sha256 {known[:12]}… and {sha[:12]}…)"
                raise _unlike(other, run, (corpus, language), differ)


def _unlike(a: Run, b: Run, pair: tuple[str, str], what: str) -> RecordError:
    """Why two runs cannot be merged."""
    return RecordError(
        f"{a.path} and {b.path} cannot be merged: of {pair[0]}, language {pair[1]}, they differ in "
        f"{what}"
    )


def check_imports(runs: Sequence[Run]) -> None:
    """Make sure that predictions imported under one name and seed are the same, or went on growing.

    Of two rows of an arm the one finished last counts, whole: it may hold more than the other, not
    less or else.

    Raises:
        RecordError: they are not; the sentence names the runs.
    """
    known: dict[str, tuple[dict[str, Any], Run]] = {}
    for run in runs:
        arms = run.arms_table
        for row in arms.filter(pc.equal(arms["device"], EXTERNAL)).to_pylist():
            old, other = known.get(row["arm"], (row, run))
            first, last = sorted((old, row), key=lambda one: one["finished"])
            if not _imported_files(first).items() <= _imported_files(last).items():
                what = f"{row['corpus']}, language {row['language']}"
                raise RecordError(
                    f"{other.path} and {run.path} cannot be merged: of {what}, they hold other "
                    f"predictions of {row['loss']}, seed {row['seed']} ({_of(old)}, and "
                    f"{_of(row)}), of which one would be lost; import into one of them what is to "
                    "count, with --replace where it differs"
                )
            known[row["arm"]] = last, run if last is row else other


def _imported_files(row: Mapping[str, Any]) -> dict[str, str]:
    """The sha256 of the files that an arm was imported from, by split."""
    settings = json.loads(row["settings"])
    return {
        key.removesuffix(".sha256"): value
        for key, value in settings.items()
        if key.endswith(".sha256")
    }


def _of(row: Mapping[str, Any]) -> str:
    """What an arm was imported from: `dev of sha256 0123456789ab…`."""
    files = _imported_files(row)
    return " and ".join(f"{split} of sha256 {sha[:12]}…" for split, sha in sorted(files.items()))


def _add(run: Run, folder: Path) -> None:
    """Bring the examples and trials of a run that the folder lacks."""
    for name in run.part_names("examples").keys() - present(folder, "examples"):
        _bring(part_path(run.path, "examples", name), part_path(folder, "examples", name))
    weights = direct(run.path).names("weights/")
    for name in sorted(set(weights) - set(direct(folder).names("weights/"))):
        fetch_file(run.path, run.path / name)
        _bring(run.path / name, folder / name)
    names = _names(run, folder)
    for kind in reversed(OF_TRIALS):  # arms last: without it the others are nothing
        there = covered(folder, kind)
        for name, without in run.part_names(kind).items():
            source = part_path(run.path, kind, name)
            groups = part_groups(source, ("part",), without)
            held = {trial for group in groups for trial in group["part"].unique().to_pylist()}
            new = {
                trial: names[trial] for trial in held & names.keys() if names[trial] not in there
            }
            if not without and all(new.get(trial) == trial for trial in held):
                _bring(source, part_path(folder, kind, name))
            elif new:
                _rewrite(source, without, new, folder / kind)
            there |= set(new.values())


def _names(run: Run, folder: Path) -> Names:
    """The trials of a run, and what they are called in the folder.

    A name that another trial has there gets a hash of the trial behind it, always the same one.
    """
    there = _standing(read_groups(folder, "arms", _STANDING))
    return {
        name: name if there.get(name, rows) == rows else f"{name}~{_hash(rows)}"
        for name, rows in _standing(run.groups("arms", _STANDING)).items()
    }


def _standing(groups: Iterable[pa.Table]) -> dict[str, list[str]]:
    """What became of the arms of each trial."""
    found: dict[str, list[str]] = {}
    for group in groups:
        for row in group.to_pylist():
            found.setdefault(row.pop("part"), []).append(json.dumps(row, default=str))
    return {name: sorted(rows) for name, rows in found.items()}


def _hash(rows: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()[:8]


def _bring(source: Path, target: Path) -> None:
    """Link a whole file, or copy it where that cannot be; it appears whole."""
    linked = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
    target.parent.mkdir(exist_ok=True)
    try:
        os.link(source, linked)
        linked.replace(target)
    except OSError:  # another disk, or one without links
        with source.open("rb") as file, whole_file(target) as copy:
            shutil.copyfileobj(file, copy)


def _rewrite(source: Path, without: Collection[int], new: Names, target: Path) -> None:
    """Write the rows of these trials, under their new names, as a part that was merged."""
    facts = json.dumps({"replaces": sorted(new.values())})
    name = MERGED + hashlib.sha256(facts.encode()).hexdigest()[:16]
    schema = part_schema(source).with_metadata({METADATA_KEY: facts})

    def rows() -> Iterator[pa.Table]:
        for group in part_groups(source, without=without):
            mine = group.filter(pc.is_in(group["part"], pa.array(list(new))))
            if len(mine):
                names = pa.array([new[old] for old in mine["part"].to_pylist()], pa.string())
                at = mine.schema.get_field_index("part")
                yield mine.set_column(at, mine.schema.field(at), names)

    write_tables(target / f"{name}.parquet", schema, rows())
