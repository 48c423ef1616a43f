"""From a table to features: vectors of the train texts themselves, and vectors ready-made."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features import FeatureSpec, InputError, build, find

SKIPGRAM = {"kind": "skipgram", "text": "corpus", "dimension": 4, "workers": 1}


def spec(min_count: int = 1, **corpus: Any) -> FeatureSpec:
    """Features of a table: of its own vectors, if it has any, or of those of its train texts."""
    given: dict[str, Any] = {"corpus": {"reader": "table", **corpus}, "language": "de"}
    if "vectors" not in corpus:
        given["vectors"] = {**SKIPGRAM, "min_count": min_count}
    return FeatureSpec.model_validate(given)


def write_rows(path: Path, texts: list[str]) -> None:
    rows = [json.dumps({"text": text, "x": i % 2}) for i, text in enumerate(texts)]
    path.write_text("\n".join(rows), encoding="utf-8")


def test_vectors_of_the_train_texts_do_not_look_at_dev(tmp_path: Path) -> None:
    files = spec(train="train.jsonl", dev="dev.jsonl")
    write_rows(tmp_path / "train.jsonl", ["ein Haus\nund ein Garten", "", "ein Garten"])
    write_rows(tmp_path / "dev.jsonl", ["ein Baum", "Garten"])
    first = build(files, tmp_path, tmp_path / "cache")
    assert set(first.words()[2:]) == {"ein", "haus", "und", "garten"}
    write_rows(tmp_path / "dev.jsonl", ["ein Haus", "Haus"])
    second = build(files, tmp_path, tmp_path / "cache")
    assert second.key != first.key
    assert len(list((tmp_path / "cache").glob("vectors-*/"))) == 1
    write_rows(tmp_path / "train.jsonl", ["ein Haus", "und ein Garten", "ein Garten"])
    build(files, tmp_path, tmp_path / "cache")
    assert len(list((tmp_path / "cache").glob("vectors-*/"))) == 2


def test_train_texts_too_few_to_train_on(tmp_path: Path) -> None:
    write_rows(tmp_path / "train.jsonl", ["ein Haus", "ein Baum"] * 2)
    rare = spec(min_count=9, train="train.jsonl", split={"dev": 0.5})
    with pytest.raises(InputError, match=r"^corpus: no word occurs 9 times; expected more text"):
        build(rare, tmp_path, tmp_path / "cache")


def write_vectors(path: Path, texts: list[list[list[float]]], per_token: bool) -> None:
    """Writes each text's vectors, or the first one of each."""
    vector = pa.list_(pa.float32(), 2)
    column = pa.array(texts, pa.list_(vector)) if per_token else [text[0] for text in texts]
    pq.write_table(pa.table({"x": [i % 2 for i in range(len(texts))], "e": column}), path)


TEXTS = [[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0]], [], [[7.0, 8.0]] * 5]
READY_MADE = spec(train="train.parquet", dev="dev.parquet", vectors="e")


def test_vectors_per_token_have_a_row_each(tmp_path: Path) -> None:
    write_vectors(tmp_path / "train.parquet", TEXTS, per_token=True)
    write_vectors(tmp_path / "dev.parquet", [[[0.5, 0.5]], [[0.25, 0.0]]], per_token=True)
    built = build(READY_MADE, tmp_path, tmp_path / "cache")
    assert (built.d, built.v) == (2, 0)
    assert built.n == 4  # 8 tokens in 4 texts, 5 at most: 3.5, rounded up
    words, matrix, train = built.words(), built.vectors(), built.split("train")
    assert words[2:6] == ["train-1:1", "train-1:2", "train-2:1", "train-4:1"]
    assert matrix.shape == (2 + 8 + 2, 2)
    np.testing.assert_array_equal(matrix[:2], 0)
    np.testing.assert_array_equal(matrix[train.words[0]], [[0, 0], [0, 0], [1, 2], [3, 4]])
    np.testing.assert_array_equal(matrix[train.words[2]], np.zeros((4, 2)))
    np.testing.assert_array_equal(matrix[train.words[3]], [[7, 8]] * 4)
    np.testing.assert_array_equal(matrix[built.split("dev").words[:, -1]], [[0.5, 0.5], [0.25, 0]])
    assert not list((tmp_path / "cache").glob("vectors-*"))  # none were trained
    assert find(READY_MADE, tmp_path, tmp_path / "cache") == built


def test_one_vector_a_text_is_one_position(tmp_path: Path) -> None:
    texts = [TEXTS[0], TEXTS[1], TEXTS[3]]
    write_vectors(tmp_path / "train.parquet", texts[::-1], per_token=False)
    write_vectors(tmp_path / "dev.parquet", texts, per_token=False)
    built = build(READY_MADE, tmp_path, tmp_path / "cache")
    assert built.n == 1
    dev = built.split("dev")
    assert dev.words.shape == (3, 1)
    np.testing.assert_array_equal(built.vectors()[dev.words[:, 0]], [[1, 2], [5, 6], [7, 8]])
    assert dev.texts == [""] * 3
    assert built.manifest["notes"] == []  # empty texts are no texts in common


def test_train_texts_without_any_vector(tmp_path: Path) -> None:
    write_vectors(tmp_path / "train.parquet", [[], [], [[1.0, 2.0]], []], per_token=True)
    cut = spec(train="train.parquet", vectors="e", split={"dev": 0.5, "seed": 2})
    with pytest.raises(InputError, match="expected train texts with vectors, found 2 empty ones"):
        build(cut, tmp_path, tmp_path / "cache")
