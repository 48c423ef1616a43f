"""What an experiment declared before its results were seen."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from results.errors import RecordError, one_line
from results.run import Run

EXPERIMENT = "experiment.yaml"
"""The experiment as resolved, in a run folder."""

PAPER = ("soft_accuracy", "soft_macro_f1", "soft_micro_f1")
"""The losses whose comparisons with BCE are confirmatory by default: the paper's."""


def confirmatory(run: Run) -> tuple[str, ...]:
    """Names of the losses whose comparisons with BCE are confirmatory.

    Those of the key `confirm` of the run's experiment; by default the paper's three.

    Raises:
        RecordError: the experiment cannot be read.
    """
    return declared(read_experiment(run.path))


def declared(experiment: Mapping[str, Any]) -> tuple[str, ...]:
    """Names under the key `confirm` of an experiment; by default the paper's three."""
    names = experiment.get("confirm")
    return PAPER if names is None else tuple(str(name) for name in names)


def read_experiment(run: Path) -> dict[str, Any]:
    """The experiment of a run folder; empty where there is none.

    Raises:
        RecordError: it cannot be read, or is none.
    """
    path = run / EXPERIMENT
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise RecordError(f"{path} cannot be read: {one_line(error)}") from error
    if not isinstance(found, dict):
        raise RecordError(f"{path}: expected an experiment, found {str(found)[:40]!r}")
    for key in ("confirm", "losses"):
        if not isinstance(found.get(key), list | None):
            raise RecordError(f"{path}: {key}: expected a list, found {found[key]!r}")
    return found
