from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from benchmarks.__main__ import NAMES
from benchmarks.children import forget_peak, fresh, memory
from benchmarks.corpora import LABELS, write_sample
from benchmarks.histories import grid, record_arms, record_corpus
from benchmarks.orchestration import CORES, spent
from features import FeatureSpec, build
from results import aggregate, open_run
from results.render import Table
from sweep.plan import make_job, make_plan

VECTORS = {"kind": "skipgram", "dimension": 4, "epochs": 1, "workers": 1, "text": "sample"}


@pytest.mark.parametrize("name", NAMES)
def test_every_benchmark_has_rows_and_a_title(name: str) -> None:
    module = import_module(f"benchmarks.{name}")
    assert callable(module.rows)
    assert isinstance(module.TITLE, str)


def test_recorded_histories_are_a_run_like_any_other(tmp_path: Path) -> None:
    experiment = {
        "name": "growth",
        "corpus": {"reader": "sample", "train": 40, "dev": 20, "test": 20},
        "languages": ["en"],
        "vectors": VECTORS,
        "grid": grid(4),
        "train": {"epochs": 30},
    }
    job = make_job(experiment, out=tmp_path / "run", cache=tmp_path / "cache")
    features = {"en": build(job.experiment.feature_spec("en"), None, job.cache)}
    wanted = make_plan(job, features).todo
    assert len(wanted) == 20
    record_corpus(job.run, features["en"])
    record_arms(job.run, features["en"], wanted)
    assert not make_plan(job, features).todo
    run = open_run(job.run)
    assert len(run.arms) == 20
    assert len(run.epochs) == 20 * 30 * 5
    assert run.scores["value"].between(0.2, 0.95).all()
    tables = aggregate(job.run)
    assert all(isinstance(table, Table) for table in tables)


def test_a_written_sample_is_a_corpus_of_that_size(tmp_path: Path) -> None:
    write_sample(tmp_path / "corpus", 70)
    files = {split: f"{split}.csv" for split in ("train", "dev", "test")}
    spec = FeatureSpec.model_validate(
        {
            "corpus": {"reader": "table", "labels": LABELS, **files},
            "language": "en",
            "vectors": VECTORS,
        }
    )
    features = build(spec, tmp_path / "corpus", tmp_path / "cache")
    assert [len(features.split(name).ids) for name in files] == [40, 10, 20]


def peak() -> float:
    return memory()[1]


def test_memory_of_a_fresh_process_is_its_own() -> None:
    held = np.ones(40_000_000)  # 305 MiB that a child does not have
    assert fresh(peak) < 250 < held.nbytes / 2**20


def test_a_peak_can_be_forgotten() -> None:
    np.ones(40_000_000)
    forget_peak()
    before, _ = memory()
    np.ones(20_000_000)
    now, peak = memory()
    assert peak - before > 100
    assert peak - now > 100


def test_what_a_side_takes_is_split_at_the_first_arms() -> None:
    found = spent(100.0, [104.0, 105.0, 106.0, 107.0], 108.0)
    assert CORES == 2
    assert (found.start, found.per_arm) == (5.0, 1.5)
