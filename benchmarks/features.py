"""Features of the real train and dev sets, once their vectors are trained (limit 30 s).

Needs the data (`--data DIR`), and vectors trained before: `softsweep features paper --data DIR`.
"""

import shutil
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from benchmarks.measure import Row, seconds
from features import build, find
from sweep.experiment import load_experiment
from sweep.plan import default_cache

TITLE = "Features of the real English and Spanish corpora, vectors ready (limit 30 s)"


def rows(quick: bool, data: Path, cache: Path | None = None) -> Iterator[Row]:
    """A row per language for building, and for finding what was built."""
    experiment, _ = load_experiment("paper")
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder)
        for vectors in (cache or default_cache()).glob("vectors-*"):
            if vectors.is_dir():
                shutil.copytree(vectors, fresh / vectors.name)
        for language in experiment.languages:
            spec = experiment.feature_spec(language)
            for step in (build, find):
                took = seconds(partial(step, spec, data, fresh))
                yield Row(f"{step.__name__} {language}", took, None, "s", None)
