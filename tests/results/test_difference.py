"""Paired differences of two cells."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import f1_score

from results.difference import difference
from results.errors import RecordError
from results.frames import open_run
from results.scores import score_table

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
    assert 0 < found.lo < found.value < found.hi
    back = difference(tmp_path, "B", "A", "micro_f1")
    assert (back.lo, back.hi) == pytest.approx((-found.hi, -found.lo))
    alone = [
        row["half_width"]
        for row in score_table(open_run(tmp_path)).to_pylist()
        if row["metric"] == row["chosen_by"] == "micro_f1"
    ]
    assert (found.hi - found.lo) / 2 < min(alone)


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
