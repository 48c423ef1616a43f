"""Which arms, where, until done.

    from sweep import run_experiment
    outcome = run_experiment("sample")

Names load when first used (PEP 562), so that `plan` and `query` cost neither torch nor ray.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sweep.ablation import Ablation as Ablation
    from sweep.ablation import ablate as ablate
    from sweep.driver import Outcome as Outcome
    from sweep.driver import run_experiment as run_experiment
    from sweep.errors import ExperimentError as ExperimentError
    from sweep.workers import Workers as Workers

_HOMES = {
    "Ablation": "sweep.ablation",
    "ExperimentError": "sweep.errors",
    "Outcome": "sweep.driver",
    "Workers": "sweep.workers",
    "ablate": "sweep.ablation",
    "run_experiment": "sweep.driver",
}

__all__ = ["Ablation", "ExperimentError", "Outcome", "Workers", "ablate", "run_experiment"]


def __getattr__(name: str) -> object:
    """Load a public name from its home."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'sweep' has no attribute {name!r}")
