"""Table 1 of a run: its counts, and whether they are the paper's."""

import csv
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from results.corpus import LabelCounts, corpus_table, label_counts
from results.findings import Findings
from results.records import record_examples
from results.render import FORMS, render
from results.run import Run
from results.tables.corpus import tables


def published(language: str) -> LabelCounts:
    text = (files("results") / "paper" / "table1.csv").read_text("utf-8")
    rows = [
        {"label": line["class"]}
        | {split: int(line[f"{language}_{split}"]) for split in ("train", "dev", "test", "all")}
        for line in csv.DictReader(text.splitlines())
    ]
    return LabelCounts("semeval2018-ec", language, rows)


def test_texts_of_every_class_and_split_are_counted(
    tmp_path: Path, toy: Callable[..., Any], record: Callable[..., str]
) -> None:
    gold = {language: toy(tmp_path, language=language) for language in ("es", "en")}
    wide = np.ones((5, 4), dtype=np.uint8)
    splits: Any = {"train": (list("abcde"), wide, "")}
    record_examples(tmp_path, "other", "en", list("wxyz"), "f" * 64, 1, 1, 0, splits)
    record(tmp_path, "k", {("test", ("own",)): np.zeros((60, 3), dtype=np.float32)})
    counted = label_counts(Run(tmp_path))
    assert [(one.corpus, one.language) for one in counted] == [
        ("other", "en"), ("toy", "en"), ("toy", "es"),
    ]  # fmt: skip
    assert [row["label"] for row in counted[1].rows] == [
        "joy", "fear", "trust", "ALL_LABELS", "SAMPLES",
    ]  # fmt: skip
    for one, language in zip(counted[1:], ("en", "es"), strict=True):
        assert one.splits == ("dev", "test")
        for row, count in zip(one.rows, gold[language].sum(axis=0), strict=False):
            assert (row["dev"], row["test"], row["all"]) == (count, count, 2 * count)
        assert one.rows[-1] == {"label": "SAMPLES", "dev": 60, "test": 60, "all": 120}
    (table,) = tables(Findings(Run(tmp_path)))
    assert table.name == "table1"
    assert table.columns == (
        "class", "other en train", "other en all", "toy en dev", "toy en test", "toy en all",
        "es dev", "es test", "es all",
    )  # fmt: skip
    assert [row[0] for row in table.rows[-2:]] == ["ALL_LABELS", "SAMPLES"]
    assert table.breaks == {7}
    assert table.notes == ()
    assert all(render(table, form) for form in FORMS)


def test_the_papers_own_counts_are_said_to_be_equal() -> None:
    table = corpus_table("table1", "", [published("en"), published("es")])
    assert table.notes == (
        "en: train, dev, test equal the paper's Table 1",
        "es: train, dev, test equal the paper's Table 1",
    )
    totals = {row[0]: row for row in table.rows}["SAMPLES"]
    assert totals[1:5] == (6838, 886, 3259, 10983)


@pytest.mark.parametrize("language", ["en", "es"])
def test_counts_that_differ_are_named(language: str) -> None:
    counted = published(language)
    counted.rows[0]["dev"] += 1
    (note,) = corpus_table("table1", "", [counted]).notes
    paper = counted.rows[0]["dev"] - 1
    assert note == (
        f"{language}: not as in the paper's Table 1: anger dev {paper + 1} (paper: {paper})"
    )
