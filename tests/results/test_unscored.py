"""A test split that arrives after training: arms without predictions for it say so."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from model.metrics import METRICS
from results.derived import current_table
from results.errors import DamagedError
from results.evidence import score_table
from results.layout import UNSCORED
from results.parts import part_path
from results.records import corpus_facts, record_later
from results.run import Run
from results.searched import write_chosen, write_tries
from results.standings import leaderboard

HALVES = tuple(f"{rule}/{half}" for rule in ("own", *METRICS) for half in "ab")
WHOLE = ("own", *METRICS)
IDS = [f"t{i}" for i in range(50)]

Record = Callable[..., str]


def drawn(m: int, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(size=(m, 3)).astype(np.float32)


def arrive(run: Path, seed: int = 9) -> None:
    record_later(run, "toy", "en", "test", IDS, (drawn(50, seed) >= 0).astype(np.uint8))


def record_scored(record: Record, run: Path, arm: str, **changes: Any) -> None:
    """Records an arm with predictions for both splits, as `softsweep score` does."""
    logits = {("dev", (*HALVES, *WHOLE)): drawn(80), ("test", WHOLE): drawn(50)}
    record(run, arm, logits, part=f"scored-{arm}", minutes=1, **changes)


@pytest.fixture
def run(tmp_path: Path, halves: Callable[..., Any], record: Record) -> Path:
    """A run of two seeds, trained before the test split arrived."""
    halves(tmp_path)
    for seed in (0, 1):
        record(tmp_path, f"s{seed}", {("dev", HALVES): drawn(80)}, seed=seed)
    return tmp_path


def test_nothing_is_averaged_over_other_texts(run: Path, record: Record) -> None:
    before = current_table(Run(run), "scores").to_pylist()
    assert {(row["split"], row["texts"], row["seeds_ok"]) for row in before} == {("dev", 80, 2)}
    arrive(run)
    rows = current_table(Run(run), "scores").to_pylist()  # those kept of before are not current
    assert {(row["split"], row["texts"], row["status"]) for row in rows} == {
        ("test", 50, "unscored")
    }
    assert {row["value"] for row in rows} == {None}
    record_scored(record, run, "s1", seed=1)
    rows = current_table(Run(run), "scores").to_pylist()
    assert {(row["status"], row["seeds"], row["seeds_ok"]) for row in rows} == {("ok", 2, 1)}
    assert all(row["value"] is not None for row in rows)


def test_tables_say_what_unscored_means(run: Path, record: Record) -> None:
    arrive(run)
    record_scored(record, run, "s1", seed=1, cell="other", loss="mse", label="MSE")
    (table,) = leaderboard(run, "acc")
    places = {row[1]: row[0] for row in table.rows}
    assert places == {"MSE": 1, "BCE": None}
    assert [row[2] for row in table.rows if row[1] == "BCE"] == ["unscored"]
    assert UNSCORED in table.notes


def test_texts_that_arrived_stay_when_the_others_are_recorded_again(
    run: Path, halves: Callable[..., Any]
) -> None:
    arrive(run)
    halves(run)
    table = Run(run).examples_table
    assert table["split"].to_pylist() == ["dev"] * 80 + ["test"] * 50
    assert table["id"].to_pylist()[80:] == IDS
    assert corpus_facts(run)[0]["later"] == ["test"]
    arrive(run, 8)
    assert len(Run(run).examples_table) == 130


def test_damaged_examples_are_recorded_again_without_them(
    run: Path, halves: Callable[..., Any]
) -> None:
    arrive(run)
    path = part_path(run, "examples", "toy-en")
    content = bytearray(path.read_bytes())
    content[60:90] = b"x" * 30
    path.write_bytes(content)
    with pytest.raises(DamagedError):
        arrive(run)
    halves(run)
    assert set(Run(run).examples_table["split"].to_pylist()) == {"dev"}


def test_what_either_half_chose_is_a_cell_once_test_scores(
    tmp_path: Path, halves: Callable[..., Any], record: Record
) -> None:
    halves(tmp_path)
    chosen = {"dev/a": ("fast", 0.01), "dev/b": ("slow", 0.001)}
    shared = {"corpus": "toy", "language": "en", "loss": "bce", "label": "BCE", "batch_size": 16}
    rows = []
    for part, (cell, rate) in chosen.items():
        settings = json.dumps({"learning_rate": rate})
        record(tmp_path, cell, {("dev", HALVES): drawn(80)}, cell=cell, settings=settings)
        record(tmp_path, f"try-{cell}", {("dev", HALVES): drawn(80)}, cell=f"try-{cell}")
        row = {"group": "g", "metric": "acc", "part": part, "study": "s", "cell": cell}
        rows.append(shared | row | {"setting": settings, "current": True})
        tried = {"study": part, "metric": "acc", "part": part, "number": 0, "batch": 0}
        tried |= {"arm": f"try-{cell}", "setting": settings, "value": 0.5, "status": "ok"}
        write_tries(tmp_path, part.replace("/", ""), [shared | tried | {"epochs": 2, "best": True}])
    write_chosen(tmp_path, "g", rows)
    before = score_table(Run(tmp_path)).to_pylist()
    assert {(row["cell"], row["searched_by"]) for row in before} == {("g", "acc")}
    arrive(tmp_path)
    for cell, rate in chosen.values():
        settings = json.dumps({"learning_rate": rate})
        record_scored(record, tmp_path, cell, cell=cell, settings=settings)
    rows = score_table(Run(tmp_path)).to_pylist()
    assert {(row["cell"], row["status"]) for row in rows} == {("fast", "ok"), ("slow", "ok")}
