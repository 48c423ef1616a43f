"""What an experiment wants, minus what its run folder holds: the arms that are to be trained."""

import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from features import Features, find
from model.catalogue import LossSource
from results.records import check_features, recorded
from sweep.arms import Arm, expand
from sweep.errors import ExperimentError
from sweep.experiment import RESOLVED, Experiment, load_experiment

SETTLED = ("ok", "diverged")
"""Statuses that are not tried again."""


@dataclass(frozen=True)
class Job:
    """An experiment, checked, and where its things are.

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
    """

    job: Job
    features: Mapping[str, Features]
    wanted: Sequence[Arm]
    todo: Sequence[Arm]


def default_cache() -> Path:
    """Folder of the feature cache: `$SOFTSWEEP_CACHE`, else `softsweep` in the user's cache."""
    if given := os.environ.get("SOFTSWEEP_CACHE"):
        return Path(given)
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
            `runs/<name of the experiment>`.
        overrides: `key.key=value` settings that replace the experiment's.
        losses: files with losses of your own.
        cache: folder of the feature cache; `default_cache()` by default.

    Raises:
        ExperimentError, LossError: something asked for is wrong.
    """
    if data is not None and not Path(data).is_dir():
        raise ExperimentError(f"--data {data}: no such folder")
    checked, known = load_experiment(experiment, overrides, [Path(path) for path in losses])
    source = run_folder(experiment)
    run = Path(out) if out else source or Path("runs") / checked.name
    if run.exists() and not run.is_dir():
        raise ExperimentError(f"--out {run}: is a file, expected a folder")
    return Job(
        checked,
        known,
        Path(data) if data else None,
        run.resolve(),
        Path(cache or default_cache()).resolve(),
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
        language: find(job.experiment.feature_spec(language), job.data, job.cache, say)
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
    for entry in features.values():
        check_features(job.run, entry.corpus, entry.language, entry.sha256)
    there = job.experiment.model_copy(update={"languages": tuple(features)})
    wanted = expand(there, features, job.losses)
    return Plan(job, features, wanted, unsettled(job.run, wanted))


def unsettled(run: Path, arms: Sequence[Arm]) -> list[Arm]:
    """Of these arms, those that are not recorded yet, or failed.

    Raises:
        RecordError: the run folder is damaged.
    """
    have = recorded(run)
    return [arm for arm in arms if have.get(arm.key) not in SETTLED]
