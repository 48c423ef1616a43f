"""What an experiment wants, minus what its run folder holds: the arms that are to be trained."""

import os
import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from features import Features, find
from model.catalogue import LossSource
from results.mirror import local_folder
from results.records import FEATURES, STANDING, check_features, recorded, statuses, winners
from results.stores import is_uri
from sweep.arms import Arm, expand
from sweep.cachestore import bring
from sweep.errors import ExperimentError
from sweep.experiment import RESOLVED, Experiment, load_experiment
from sweep.pace import COLUMNS

SETTLED = ("ok", "diverged")
"""Statuses that are not tried again."""


@dataclass(frozen=True)
class Job:
    """An experiment, checked, and where its things are; what lies in a store has mirrors here.

    Attributes:
        experiment: as resolved.
        losses: every known loss by name.
        data: folder below which official files are found, or None.
        run: run folder.
        cache: folder of the feature cache.
        brought: loss files that a run folder lists, which someone else may have put there.
        keep_weights: whether arms that are trained now leave the weights of their chosen epochs.
    """

    experiment: Experiment
    losses: Mapping[str, LossSource]
    data: Path | None
    run: Path
    cache: Path
    brought: tuple[Path, ...] = ()
    keep_weights: bool = False


@dataclass(frozen=True)
class Plan:
    """What a job wants and what of it is to do.

    Attributes:
        job: the job.
        features: by language; languages whose features are not built yet are absent.
        wanted: every arm whose features are there.
        todo: those that are not recorded yet, or failed.
        recorded: rows of all arms that are recorded, wanted or not: their status, features, pace.
        standing: the wanted ones that are recorded, counted by their status.
    """

    job: Job
    features: Mapping[str, Features]
    wanted: Sequence[Arm]
    todo: Sequence[Arm]
    recorded: pa.Table
    standing: Mapping[str, int] = field(default_factory=dict)


def default_cache() -> Path:
    """Folder of the feature cache: `$SOFTSWEEP_CACHE`, else `softsweep` in the user's cache."""
    if given := os.environ.get("SOFTSWEEP_CACHE"):
        return local_folder(given, pull=False)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "softsweep"


def make_job(
    experiment: str | Path | Mapping[str, Any],
    *,
    data: str | Path | None = None,
    out: str | Path | None = None,
    overrides: Sequence[str] = (),
    losses: Sequence[str | Path] = (),
    cache: str | Path | None = None,
) -> Job:
    """Check an experiment and the folders given with it.

    Args:
        experiment: a built-in name, the path of a YAML file or of a run folder, or the mapping
            itself.
        data: folder below which corpora, lexicons and texts are found by their official names.
        out: run folder; by default the one that is the experiment, else
            `runs/<name of the experiment>`. This, `data` and `cache` may be URIs of stores.
        overrides: `key.key=value` settings that replace the experiment's.
        losses: files with losses of your own.
        cache: folder of the feature cache; `default_cache()` by default.

    Raises:
        ExperimentError, LossError: something asked for is wrong.
    """
    below = None if data is None else local_folder(data)
    if below and not below.is_dir():
        raise ExperimentError(f"--data {data}: no such folder")
    if isinstance(experiment, str) and is_uri(experiment):
        experiment = local_folder(experiment)
    checked, known = load_experiment(experiment, overrides, [Path(path) for path in losses])
    source = run_folder(experiment)
    run = local_folder(out) if out else source or Path("runs") / checked.name
    if run.exists() and not run.is_dir():
        raise ExperimentError(f"--out {run}: is a file, expected a folder")
    return Job(
        checked,
        known,
        below,
        run.resolve(),
        local_folder(cache or default_cache(), pull=False).resolve(),
        _brought(experiment, checked, losses),
    )


def run_folder(experiment: str | Path | Mapping[str, Any]) -> Path | None:
    """The run folder that an experiment is read from, if it is."""
    if isinstance(experiment, Mapping):
        return None
    path = Path(experiment)
    folder = path.parent if path.name == RESOLVED else path
    return folder if (folder / RESOLVED).is_file() and (folder / "examples").is_dir() else None


def _brought(
    experiment: str | Path | Mapping[str, Any], checked: Experiment, given: Sequence[str | Path]
) -> tuple[Path, ...]:
    """Loss files that a folder's own experiment lists, wherever they lie, and nobody gave here."""
    if isinstance(experiment, Mapping):
        return ()
    path = Path(experiment)
    if path.name != RESOLVED and not (path / RESOLVED).is_file():
        return ()
    own = {Path(file).resolve() for file in given}
    return tuple(path for path in map(Path, checked.losses) if path not in own)


def check_trusted(job: Job) -> None:
    """Refuse to run losses that a run folder brings: whoever wrote there wrote them.

    Raises:
        ExperimentError: there are such losses.
    """
    if job.brought:
        names = ", ".join(str(path) for path in job.brought)
        raise ExperimentError(
            f"the run folder brings losses of its own, Python that would be executed: {names}; "
            "read them and add --trust-run-losses to `softsweep run`, or give your own files with "
            "--losses"
        )


def find_features(job: Job, say: Callable[[str], None] = warnings.warn) -> dict[str, Features]:
    """The features that are in the cache, by language; builds nothing.

    Args:
        job: the job.
        say: told when features are damaged, which count as not built.
    """
    found = {
        language: find(job.experiment.feature_spec(language), job.data, job.cache, say, bring)
        for language in job.experiment.languages
    }
    return {language: entry for language, entry in found.items() if entry is not None}


def make_plan(job: Job, features: Mapping[str, Features]) -> Plan:
    """Subtract what is recorded from what is wanted.

    Args:
        job: the job.
        features: by language, of all its languages or of some.

    Raises:
        RecordError: the run folder holds other features, or is damaged.
    """
    arms = winners(job.run, tuple(dict.fromkeys((*STANDING, *FEATURES, *COLUMNS))))
    for entry in features.values():
        check_features(job.run, entry.corpus, entry.language, entry.sha256, arms)
    there = job.experiment.model_copy(update={"languages": tuple(features)})
    wanted = expand(there, features, job.losses)
    have = statuses(arms)
    standing = Counter(have[arm.key] for arm in wanted if arm.key in have)
    return Plan(job, features, wanted, _unsettled(wanted, have), arms, standing)


def unsettled(run: Path, arms: Sequence[Arm]) -> list[Arm]:
    """Of these arms, those that are not recorded yet, or failed.

    Raises:
        RecordError: the run folder is damaged.
    """
    return _unsettled(arms, recorded(run))


def _unsettled(arms: Sequence[Arm], have: Mapping[str, str]) -> list[Arm]:
    return [arm for arm in arms if have.get(arm.key) not in SETTLED]
