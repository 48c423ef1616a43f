"""Predictions of kept weights: those that were recorded, and for texts of any file."""

import csv
import io
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import logit

from features.later import find_entry
from results import open_run, query
from results.run import Run
from sweep.driver import Outcome
from sweep.kept import find_arm
from sweep.predicting import predict

RunTiny = Callable[..., Outcome]
Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(trained: Callable[[int], Path], tmp_path: Path) -> Path:
    """A run of a soft macro-F1 and a BCE arm that kept their weights."""
    return Path(shutil.copytree(trained(60), tmp_path / "run"))


@pytest.fixture
def texts(run: Path, cache: Path, tmp_path: Path) -> Path:
    """The dev texts of that run as a table."""
    dev = find_entry(cache, open_run(run).arms["features"][0]).split("dev")
    path = tmp_path / "dev.jsonl"
    rows = [{"id": i, "text": t} for i, t in zip(dev.ids, dev.texts, strict=True)]
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


@pytest.mark.parametrize("chosen_by", ["own", "micro_f1"])
def test_dev_texts_get_the_logits_that_were_recorded(
    run: Path, texts: Path, cache: Path, chosen_by: str
) -> None:
    found = predict(run, "bce", texts, cache=cache, chosen_by=chosen_by).table
    key = find_arm(Run(run), "bce")["arm"]
    sql = f"""SELECT p.logits, e.id FROM predictions p JOIN examples e USING (split, example)
        WHERE arm = '{key}' AND split = 'dev' AND list_contains(chosen_by, '{chosen_by}')
        ORDER BY example"""
    recorded = query(run, sql)
    assert found["id"].to_pylist() == recorded["id"].to_pylist()
    logits = logit(np.array([found[name].to_numpy() for name in found.column_names[2:]]).T)
    np.testing.assert_allclose(logits, recorded["logits"].to_pylist(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("threshold", ["0.5", "tuned", "per label"])
def test_labels_are_those_whose_scores_are_recorded(
    run: Path, texts: Path, cache: Path, threshold: str
) -> None:
    found = predict(run, "bce", texts, cache=cache, threshold=threshold, chosen_by="macro_f1")
    gold = open_run(run).examples.query("split == 'dev'").sort_values("example")["gold"]
    predicted = [set(names.split(", ")) - {""} for names in found.table["predicted"].to_pylist()]
    shared = [len(one & set(other)) for one, other in zip(predicted, gold, strict=True)]
    assert sum(shared) > 0
    if threshold != "0.5":  # tuned on these very texts
        at_half = predict(run, "bce", texts, cache=cache, chosen_by="macro_f1")
        assert macro_f1(found.table, gold) >= macro_f1(at_half.table, gold)


def macro_f1(table: Any, gold: Any) -> float:
    names = table.column_names[2:]
    predicted = [set(row.split(", ")) for row in table["predicted"].to_pylist()]
    values = []
    for name in names:
        p = np.array([name in row for row in predicted])
        y = np.array([name in set(row) for row in gold])
        values.append(2 * (p & y).sum() / max((p.sum() + y.sum()), 1))
    return float(np.mean(values))


def test_the_command_prints_what_import_reads(
    softsweep: Command, run: Path, tmp_path: Path
) -> None:
    path = tmp_path / "two.txt"
    path.write_text("ich bin froh\n\n")
    key = find_arm(Run(run), "SM-F1")["arm"]
    status, out, err = softsweep("predict", run, key[:9], path, "--format", "csv")
    assert status == 0
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [row["id"] for row in rows] == ["1", "2"]
    assert all(0 <= float(row["anger"]) <= 1 for row in rows)
    assert f"{key}: SM-F1, en, seed 0, epoch" in err
    assert "of 3 tokens are unknown to vectors and lexicons" in err


WRONG = [
    (["zzz", "t.txt"], "no arm's key begins with 'zzz' and no loss is called so"),
    (["", "t.txt"], "no arm's key begins with ''"),
    (["bce", "t.doc"], r"t\.doc: expected a name that ends in one of \.txt, \.txt\.gz, \.csv"),
    (["bce", "none.txt"], r"none\.txt: cannot be read"),
    (["bce", "t.csv", "--column", "tweet"], "no column 'tweet'; expected it among id, text"),
    (["bce", "n.jsonl"], "n.jsonl, line 1: text is 5; expected a text"),
    (["bce", "t.txt", "--threshold", "0.4"], "--threshold 0.4: expected one of 0.5, tuned, per l"),
    (["bce", "t.txt", "--chosen-by", "f1"], "--chosen-by f1: expected one of own, acc"),
    (["bce", "t.txt", "--cache", "elsewhere"], "elsewhere: no entry with features .* --cache"),
]


@pytest.mark.parametrize(("arguments", "said"), WRONG)
def test_wrong_requests_are_one_sentence(
    softsweep: Command,
    run: Path,
    tmp_path: Path,
    arguments: list[str],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("t.txt", "t.doc"):
        (tmp_path / name).write_text("a text\n")
    (tmp_path / "t.csv").write_text("id,text\n1,a text\n")
    (tmp_path / "n.jsonl").write_text('{"text": 5}\n')
    status, out, err = softsweep("predict", run, *arguments)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert re.search(said, err)


def test_arms_that_cannot_predict_say_why(
    softsweep: Command, run_tiny: RunTiny, run: Path, tmp_path: Path
) -> None:
    (tmp_path / "t.txt").write_text("a text\n")
    run_tiny("grid.seed=[0, 1]", "grid.loss=[bce]")
    status, _, err = softsweep("predict", run, "bce", tmp_path / "t.txt")
    assert status == 2
    assert "bce is 2 arms: name one by its key: " in err
    assert "(BCE, en, b=16, seed 1)" in err
    arms = open_run(run).arms.set_index(["loss", "seed"])
    status, _, err = softsweep("predict", run, arms.loc[("bce", 1), "arm"], tmp_path / "t.txt")
    assert status == 2
    assert "has no weights: they are kept by `softsweep run --keep-weights`" in err


def test_weights_of_another_arm_are_refused(softsweep: Command, run: Path, tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text("a text\n")
    first, second = sorted((run / "weights").iterdir())
    first.write_bytes(second.read_bytes())
    status, _, err = softsweep("predict", run, first.stem, tmp_path / "t.txt")
    assert status == 2
    assert f"holds the weights of another arm, {second.stem}" in err
