"""What an experiment declared before its results were seen."""

import yaml

from results.errors import RecordError
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
    path = run.path / EXPERIMENT
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise RecordError(f"{path} cannot be read: {' '.join(str(error).split())}") from error
    declared = found.get("confirm") if isinstance(found, dict) else None
    return PAPER if declared is None else tuple(str(name) for name in declared)
