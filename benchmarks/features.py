"""Features of the real train and dev sets, once their vectors are trained.

Needs the data (`--data DIR`), and vectors trained before: `softsweep features paper --data DIR`.
"""

import shutil
import statistics
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from benchmarks.measure import Row, seconds
from features import build, find, open_features
from sweep.experiment import load_experiment
from sweep.plan import default_cache

TITLE = (
    "Features of the real English and Spanish corpora, vectors ready (limits: 20 s to build both, "
    "0.05 s to open one)"
)
OPENINGS = 20


def rows(quick: bool, data: Path, cache: Path | None = None) -> Iterator[Row]:
    """A row per language for building, for finding what was built, and for opening it."""
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
            entry = build(spec, data, fresh).path
            took = statistics.median(seconds(partial(_open, entry)) for _ in range(OPENINGS))
            yield Row(f"open {language}", took, None, "s", None, "sizes checked, matrix mapped")


def _open(entry: Path) -> None:
    """Open an entry as a trial does, up to its first word."""
    open_features(entry).vectors()[0].sum()
