"""Examples: the texts that a run is scored on, and the features they came with."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from results.errors import RecordError
from results.frames import open_run
from results.parts import part_path
from results.records import (
    check_features,
    corpus_facts,
    record_examples,
)


def test_examples_and_their_facts_come_back(tmp_path: Path) -> None:
    gold = np.array([[1, 0, 1], [0, 0, 0]], np.uint8)
    splits: dict[str, Any] = {"dev": (["i", "j"], gold, ["a", "b"]), "test": (["k"], gold[:1], "")}
    for corpus in ("my 'own' corpus/ñ", "other"):
        record_examples(tmp_path, corpus, "en", ["x", "y", "z"], "f0", 52, 300, 33, splits)
    facts = {"label_names": ["x", "y", "z"], "features": "f0", "n": 52, "d": 300, "v": 33}
    found = {fact.pop("corpus"): fact for fact in corpus_facts(tmp_path)}
    assert found == dict.fromkeys(["my 'own' corpus/ñ", "other"], facts | {"language": "en"})
    (tmp_path / "arms").mkdir()
    pq.write_table(pa.table({"a": [1]}), tmp_path / "arms" / "x.parquet")
    frame = open_run(tmp_path).examples
    frame = frame[frame["corpus"] == "other"]
    assert frame["id"].tolist() == ["i", "j", "k"]
    assert frame["half"].tolist() == ["a", "b", ""]
    assert [list(names) for names in frame["gold"]] == [["x", "z"], [], ["x", "z"]]
    assert [list(row) for row in frame["labels"]] == [[1, 0, 1], [0, 0, 0], [1, 0, 1]]


@pytest.mark.parametrize(
    ("corpus", "language", "name"),
    [
        ("toy", "en", "toy-en"),
        ("semeval2018-ec", "en", "semeval2018-ec-en"),
        ("_x", "en", "corpus-_x-en~"),
        ("merged", "en", "corpus-merged-en~"),
        ("a", "b-c", "corpus-a-b-c~"),
        ("a-b", "c", "a-b-c"),
        ("Toy", "en", "corpus-Toy-en~"),  # on some disks the file of "toy"
    ],
)
def test_examples_have_readable_names(
    tmp_path: Path, corpus: str, language: str, name: str
) -> None:
    splits: dict[str, Any] = {"test": (["k"], np.zeros((1, 1), np.uint8), "")}
    path = record_examples(tmp_path, corpus, language, ["x"], "f", 1, 1, 0, splits)
    assert path.stem == name or (name.endswith("~") and path.stem.startswith(name))


def test_readers_of_parquet_folders_find_the_examples(
    tmp_path: Path, toy: Callable[..., Any]
) -> None:
    for corpus in ("semeval2018-ec", "_x", ".y"):
        toy(tmp_path, corpus=corpus)
    found = ds.dataset(tmp_path / "examples").to_table()
    assert set(found["corpus"].to_pylist()) == {"semeval2018-ec", "_x", ".y"}


def test_examples_under_an_older_name_are_written_again_there(
    tmp_path: Path, toy: Callable[..., Any]
) -> None:
    toy(tmp_path)
    older = part_path(tmp_path, "examples", "older")
    part_path(tmp_path, "examples", "toy-en").rename(older)
    with pytest.raises(RecordError, match="other features of toy"):
        check_features(tmp_path, "toy", "en", "e" * 64)
    toy(tmp_path)
    assert list((tmp_path / "examples").iterdir()) == [older]


def test_other_features_are_refused_though_the_examples_are_gone(
    tmp_path: Path, toy: Callable[..., Any], record: Callable[..., str]
) -> None:
    toy(tmp_path)
    record(tmp_path, "k", {("test", ("own",)): np.zeros((4, 3), np.float32)})
    part_path(tmp_path, "examples", "toy-en").unlink()
    check_features(tmp_path, "toy", "en", "f" * 64)
    check_features(tmp_path, "toy", "es", "e" * 64)
    with pytest.raises(RecordError, match=r"other features of toy, language en .* with --out"):
        check_features(tmp_path, "toy", "en", "e" * 64)


def test_other_features_are_refused(tmp_path: Path, toy: Callable[..., Any]) -> None:
    check_features(tmp_path, "toy", "en", "anything")  # nothing recorded yet
    toy(tmp_path)
    check_features(tmp_path, "toy", "en", "f" * 64)
    check_features(tmp_path, "toy", "es", "e" * 64)
    with pytest.raises(RecordError, match=r"other features of toy, language en .* with --out"):
        check_features(tmp_path, "toy", "en", "e" * 64)
