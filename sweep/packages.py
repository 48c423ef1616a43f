"""Makes sure that `features`, `model`, `results` and `sweep` are softsweep's own.

The four names are common words. Python, and Ray for its workers, look into the working directory
first, so a user's own `model.py` there would be imported instead.
"""

from importlib.util import find_spec
from pathlib import Path

from sweep.errors import ExperimentError

NAMES = ("features", "model", "results", "sweep")
HOME = Path(__file__).resolve().parent.parent


def check_packages(shared_with_workers: bool) -> None:
    """Find what stands in the way of softsweep's packages, if anything.

    Args:
        shared_with_workers: whether processes will be started in this working directory.

    Raises:
        ExperimentError: naming the file in the way.
    """
    for name in NAMES:
        found = find_spec(name)
        origin = Path(found.origin).resolve() if found and found.origin else None
        if origin != HOME / name / "__init__.py":
            raise ExperimentError(
                f"{origin or name} is imported instead of softsweep's package {name}; rename it "
                "or run from another folder"
            )
        if not shared_with_workers or Path.cwd().resolve() == HOME:
            continue
        for path in (Path.cwd() / f"{name}.py", Path.cwd() / name / "__init__.py"):
            if path.exists():
                raise ExperimentError(
                    f"{path} would be imported by workers instead of softsweep's package {name}; "
                    "rename it or run from another folder"
                )
