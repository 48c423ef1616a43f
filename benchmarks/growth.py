"""How cost grows: with the arms of a run (training left out), and with the texts of a corpus.

Arms are written from recorded histories (`benchmarks.histories`), one arm a trial, which makes the
most parts. Then, each in a fresh process that has done it once on a small run, so that imports are
not in it:

* plan: wanted arms minus recorded ones, from unmerged parts and again from merged ones;
* merge: the parts of the three kinds into one each;
* tables: `results.aggregate`, five seeds a cell;
* query: two SQL statements.

A corpus is drawn, written as CSV, and read by the reader of tables; its vectors are trained before.

`ours` is per arm or per text. `peer` is the same at the smallest size: what linear growth would
give. So a ratio of 1 is growth in step, above 1 the cost of each falls, below 1 it rises. Memory is
the peak above what the imports take.
"""

import gc
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import yaml

from benchmarks.children import forget_peak, fresh, memory, silence
from benchmarks.corpora import LABELS, write_sample
from benchmarks.measure import Row, against

TITLE = (
    "Growth: cost of each arm (training replaced by recorded histories) and of each text; "
    "peer: linear growth from the smallest size"
)

SIZES = {True: (10, 100), False: (10, 100, 1000)}
"""Arms of the runs, by `quick`."""

TEXTS = {True: (150, 50, 100), False: (2000, 500, 1000)}
"""Texts of train, dev and test that arms are scored on: the `sample` experiment's, or fewer."""

CORPUS = {True: 350, False: 3500}
"""Texts of the smallest corpus; the others have ten and a hundred times as many."""

VECTORS = {"kind": "skipgram", "dimension": 8, "epochs": 1, "workers": 1, "text": "sample"}

QUERIES = (
    "SELECT loss, avg(seconds) FROM arms GROUP BY loss",
    "SELECT arm, avg(len(predicted)) FROM predictions"
    " WHERE split = 'test' AND list_contains(chosen_by, 'own') GROUP BY arm",
)

Cost = tuple[float, float]
"""Seconds, and MiB above what was there before."""

Stage = Callable[[Path, Path], Callable[[], object]]
"""Given a run (or corpus) and the feature cache: what is to be measured, ready to be called."""


def rows(quick: bool) -> Iterator[Row]:
    """Rows of arms by size and stage, then rows of corpora."""
    with tempfile.TemporaryDirectory() as folder:
        yield from _arm_rows(Path(folder), SIZES[quick], TEXTS[quick])
        yield from _corpus_rows(Path(folder), CORPUS[quick])


def _arm_rows(folder: Path, sizes: tuple[int, ...], texts: tuple[int, int, int]) -> Iterator[Row]:
    """For every size but the smallest, time and memory of each stage, and files."""
    warm = folder / "warm"
    fresh(_record, warm, folder / "cache", sizes[0], texts)
    first: dict[str, Cost] = {}
    for arms in sizes:
        run = folder / f"run-{arms}"
        stages = {"record": fresh(_record, run, folder / "cache", arms, texts)}
        fewer = {"files, unmerged": _files(run)}
        for name in ("plan", "merge", "plan, merged", "tables", "query"):
            stage = STAGES[name.partition(",")[0]]
            stages[name] = fresh(_warmed, stage, warm, run, folder / "cache")
        fewer["files, merged"] = _files(run)
        if not first:
            first, fewest = stages, fewer
            continue
        for name, (seconds, mib) in stages.items():
            alone, base = first[name]
            case = f"{name}: {arms} arms"
            yield against(case, 1000 * seconds / arms, 1000 * alone / sizes[0], "ms/arm")
            yield _memory(f"{case}, memory", mib, base * arms / sizes[0])
        for name, files in fewer.items():
            linear = fewest[name] * arms / sizes[0]
            yield against(f"{name}: {arms} arms", files, linear, "files")


def _memory(case: str, mib: float, linear: float) -> Row:
    """A row of memory; less than a MiB cannot be told from nothing."""
    return against(case, max(mib, 1.0), max(linear, 1.0), "MiB")


def _files(run: Path) -> int:
    """Parts on disk."""
    return len(list(run.glob("*/*.parquet")))


def _cost(call: Callable[[], object]) -> Cost:
    """Time and memory of a call in this process."""
    gc.collect()
    forget_peak()
    before, _ = memory()
    began = time.perf_counter()
    call()
    return time.perf_counter() - began, memory()[1] - before


def _record(run: Path, cache: Path, arms: int, texts: tuple[int, int, int]) -> Cost:
    """Build the features where they are missing; record every arm, which is what is measured."""
    from benchmarks.histories import EPOCHS, grid, record_arms, record_corpus
    from features import build
    from sweep.plan import make_job, make_plan

    experiment = {
        "name": "growth",
        "corpus": dict(zip(("reader", "train", "dev", "test"), ("sample", *texts), strict=True)),
        "languages": ["en"],
        "vectors": VECTORS,
        "grid": grid(arms // 5),
        "train": {"epochs": EPOCHS},
    }
    job = make_job(experiment, out=run, cache=cache)
    features = build(job.experiment.feature_spec("en"), None, cache)
    plan = make_plan(job, {"en": features})
    record_corpus(run, features)
    (run / "experiment.yaml").write_text(yaml.safe_dump(experiment), encoding="utf-8")
    assert len(plan.todo) == arms
    return _cost(lambda: record_arms(run, features, plan.todo))


def _warmed(stage: Stage, warm: Path, folder: Path, cache: Path) -> Cost:
    """Cost of a stage done once before, on a copy of something small, which loads what it needs."""
    silence()  # DuckDB draws a bar when a query takes seconds
    with tempfile.TemporaryDirectory() as scratch:
        stage(shutil.copytree(warm, Path(scratch) / "warm"), cache)()
    return _cost(stage(folder, cache))


def _plan(run: Path, cache: Path) -> Callable[[], None]:
    """Subtract what is recorded; nothing may be left to do."""
    from sweep.plan import find_features, make_job, make_plan

    job = make_job(run / "experiment.yaml", out=run, cache=cache)
    features = find_features(job)

    def plan() -> None:
        assert not make_plan(job, features).todo

    return plan


def _merge(run: Path, cache: Path) -> Callable[[], None]:
    """Merge the parts of each kind, however few they are."""
    from results.records import merge_parts

    def merge() -> None:
        for kind in ("arms", "epochs", "predictions"):
            merge_parts(run, kind, at_least=2)

    return merge


def _tables(run: Path, cache: Path) -> Callable[[], object]:
    """Scores with intervals and the tables of losses."""
    from results import aggregate

    return lambda: aggregate(run)


def _query(run: Path, cache: Path) -> Callable[[], object]:
    """One question about arms and one about every prediction."""
    from results import query

    return lambda: [query(run, sql) for sql in QUERIES]


STAGES: dict[str, Stage] = {"plan": _plan, "merge": _merge, "tables": _tables, "query": _query}
"""What is done with a recorded run."""


def _corpus_rows(folder: Path, texts: int) -> Iterator[Row]:
    """Time and memory to build the features of corpora x10 and x100 as large as the smallest."""
    warm = folder / "corpus-warm"
    fresh(write_sample, warm, 100)
    costs = {}
    for times in (1, 10, 100):
        corpus = folder / f"corpus-{times}"
        fresh(write_sample, corpus, texts * times)
        costs[times] = fresh(_warmed, _features, warm, corpus, folder / "cache")
    alone, base = costs.pop(1)
    for times, (seconds, mib) in costs.items():
        case = f"features: {texts * times} texts"
        each, linear = seconds / (texts * times), alone / texts
        yield against(case, 1e6 * each, 1e6 * linear, "µs/text", f"peer: {texts} texts")
        yield _memory(f"{case}, memory", mib, base * times)


def _features(corpus: Path, cache: Path) -> Callable[[], object]:
    """Build the features of a written corpus, in a cache that holds the vectors only."""
    from features import FeatureSpec, build

    files = {split: f"{split}.csv" for split in ("train", "dev", "test")}
    spec = FeatureSpec.model_validate(
        {
            "corpus": {"reader": "table", "labels": LABELS, **files},
            "language": "en",
            "vectors": VECTORS,
            "lexicons": ("sample",),
        }
    )
    fresh_cache = corpus / "cache"
    for vectors in cache.glob("vectors-*"):
        if vectors.is_dir():
            shutil.copytree(vectors, fresh_cache / vectors.name)
    return lambda: build(spec, corpus, fresh_cache)
