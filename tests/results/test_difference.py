"""Paired differences of two cells."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import f1_score

from results.difference import difference
from results.errors import RecordError
from results.evidence import score_table
from results.frames import open_run
from results.records import record_later

RULES = ("own", "acc", "macro_f1", "micro_f1")


def test_differences_are_paired_over_shared_seeds(
    tmp_path: Path, toy: Callable[..., Any], record: Callable[..., str]
) -> None:
    gold = toy(tmp_path, m=200)
    expected = []
    for seed in range(4):
        noise = np.random.default_rng(seed).standard_normal(gold.shape)
        worse = (2.0 * (gold - 0.5) + noise).astype(np.float32)
        better = (2.4 * (gold - 0.5) + noise).astype(np.float32)
        status = {"status": "diverged"} if seed == 3 else {}
        for cell, logits in (("A", better), ("B", worse)):
            chosen = {("test", RULES): logits}
            record(tmp_path, f"{cell}{seed}", chosen, cell=cell, seed=seed, **status)
            status = {}
        if seed < 3:
            a, b = (f1_score(gold, x >= 0, average="micro") for x in (better, worse))
            expected.append(a - b)
    found = difference(tmp_path, "A", "B", "micro_f1")
    assert found.seeds == (0, 1, 2)
    assert found.value == pytest.approx(np.mean(expected))
    low, high = found.over_texts
    assert 0 < low < found.value < high
    back = difference(tmp_path, "B", "A", "micro_f1")
    assert back.over_texts == pytest.approx((-high, -low))
    alone = [
        row["half_width"]
        for row in score_table(open_run(tmp_path)).to_pylist()
        if row["metric"] == row["chosen_by"] == "micro_f1"
    ]
    assert (high - low) / 2 < min(alone)


def test_cells_that_cannot_be_compared(
    tmp_path: Path, toy: Callable[..., Any], record: Callable[..., str]
) -> None:
    gold, spanish = toy(tmp_path), toy(tmp_path, language="es")
    record(tmp_path, "k", {("test", RULES): gold - np.float32(0.5)}, cell="A", seed=0)
    record(tmp_path, "j", {("test", RULES): gold - np.float32(0.5)}, cell="B", seed=1)
    other = {("test", RULES): spanish - np.float32(0.5)}
    record(tmp_path, "i", other, cell="C", language="es")
    with pytest.raises(RecordError, match="share no seed that is ok in both"):
        difference(tmp_path, "A", "B", "acc")
    with pytest.raises(RecordError, match=r"they are of .*'en'.*'es'"):
        difference(tmp_path, "A", "C", "acc")
    with pytest.raises(RecordError, match="neither is recorded"):
        difference(tmp_path, "X", "Y", "acc")


def test_two_cells_of_two_runs_are_paired_as_if_they_were_of_one(
    tmp_path: Path, toy: Callable[..., Any], record: Callable[..., str]
) -> None:
    one, here, there = (tmp_path / name for name in ("one", "here", "there"))
    for run in (one, here, there):
        gold = toy(run)
    noise = np.random.default_rng(0).standard_normal((2, *gold.shape)).astype(np.float32)
    for seed in range(2):
        for cell, scale, run in (("A", 0.5, here), ("B", 2.0, there)):
            chosen = {("test", RULES): gold - np.float32(0.5) + scale * noise[seed]}
            for folder in (run, one):
                record(folder, f"{cell}{seed}", chosen, cell=cell, seed=seed)
    apart = difference(here, "A", "B", "macro_f1", run_of_b=there)
    together = difference(one, "A", "B", "macro_f1")
    assert apart.values.tolist() == together.values.tolist()
    assert apart.resampled.tolist() == together.resampled.tolist()
    assert apart.seeds == together.seeds == (0, 1)
    with pytest.raises(RecordError, match=r"here and .*there: cells A and X share no seed"):
        difference(here, "A", "X", "macro_f1", run_of_b=there)


def test_runs_on_other_texts_cannot_be_compared(
    tmp_path: Path, toy: Callable[..., Any], record: Callable[..., str]
) -> None:
    for run, m in (("here", 60), ("there", 62)):
        gold = toy(tmp_path / run, m=m)
        record(tmp_path / run, "k", {("test", RULES): gold - np.float32(0.5)}, cell="A")
    message = "texts of toy, language en, differ in ids, gold labels or splits"
    with pytest.raises(RecordError, match=message):
        difference(tmp_path / "here", "A", "A", "acc", run_of_b=tmp_path / "there")


def test_a_run_that_lacks_only_the_test_split_is_to_be_scored_on_it(
    tmp_path: Path, halves: Callable[..., Any], record: Callable[..., str]
) -> None:
    for run in ("early", "late"):
        gold, _ = halves(tmp_path / run)
        record(tmp_path / run, "k", {("dev", RULES): gold - np.float32(0.5)}, cell="A")
    record_later(tmp_path / "late", "toy", "en", "test", ["t"], gold[:1])
    for a, b in (("early", "late"), ("late", "early")):
        with pytest.raises(RecordError, match=r"only \S*late has test .*`softsweep score \S*early"):
            difference(tmp_path / a, "A", "A", "acc", run_of_b=tmp_path / b)
