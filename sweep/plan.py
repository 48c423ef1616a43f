"""What an experiment wants, minus what its run folder holds: the arms that are to be trained."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from features import Features, find
from model.catalogue import LossSource
from results.records import check_features, recorded
from sweep.arms import Arm, expand
from sweep.errors import ExperimentError
from sweep.experiment import Experiment, load_experiment

SETTLED = ("ok", "diverged")
"""Statuses that are not tried again."""


def default_cache() -> Path:
    """Folder of the feature cache: `$SOFTSWEEP_CACHE`, else `softsweep` in the user's cache."""
    if given := os.environ.get("SOFTSWEEP_CACHE"):
        return Path(given)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "softsweep"


@dataclass(frozen=True)
class Plan:
    """What an experiment wants and what of it is recorded.

    Attributes:
        experiment: as resolved.
        losses: every known loss by name.
        features: by language; languages whose features are not built yet are absent.
        run: run folder.
        wanted: every arm whose features are there.
        todo: those that are not recorded yet, or failed.
    """

    experiment: Experiment
    losses: Mapping[str, LossSource]
    features: Mapping[str, Features]
    run: Path
    wanted: Sequence[Arm]
    todo: Sequence[Arm]


@dataclass(frozen=True)
class Request:
    """An experiment and where its things are, as given on the command line or from Python."""

    experiment: str | Path | Mapping[str, Any]
    data: Path | None = None
    out: Path | None = None
    overrides: Sequence[str] = ()
    losses: Sequence[Path] = ()
    cache: Path | None = None

    def load(self) -> tuple[Experiment, dict[str, LossSource], Path, Path]:
        """The experiment, the losses, the run folder and the cache folder."""
        if self.data is not None and not self.data.is_dir():
            raise ExperimentError(f"--data {self.data}: no such folder")
        experiment, losses = load_experiment(self.experiment, self.overrides, self.losses)
        run = self.out or Path("runs") / experiment.name
        if run.exists() and not run.is_dir():
            raise ExperimentError(f"--out {run}: is a file, expected a folder")
        return experiment, losses, run.resolve(), (self.cache or default_cache()).resolve()


def make_plan(request: Request) -> Plan:
    """Subtract what is recorded from what is wanted; trains and builds nothing.

    Raises:
        ExperimentError, InputError, LossError, RecordError: something asked for is wrong.
    """
    experiment, losses, run, cache = request.load()
    found = {
        language: find(experiment.feature_spec(language), request.data, cache)
        for language in experiment.languages
    }
    features = {language: entry for language, entry in found.items() if entry is not None}
    for entry in features.values():
        check_features(run, entry.corpus, entry.language, entry.sha256)
    return subtract(experiment, losses, features, run)


def subtract(
    experiment: Experiment,
    losses: Mapping[str, LossSource],
    features: Mapping[str, Features],
    run: Path,
) -> Plan:
    """The plan of an experiment whose features are there, for all languages or some."""
    there = experiment.model_copy(update={"languages": tuple(features)})
    wanted = expand(there, features, losses)
    have = recorded(run)
    todo = [arm for arm in wanted if have.get(arm.key) not in SETTLED]
    return Plan(experiment, losses, features, run, wanted, todo)
