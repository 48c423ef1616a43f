"""Plain tables of any labels: names from the data, splits made for you, ready-made vectors."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import TypeAdapter

from features.corpora import Corpus, read_corpus
from features.errors import InputError
from features.spec import CorpusSpec

SPLIT = {"dev": 0.25, "test": 0.25}


def read(data: Path, **given: Any) -> Corpus:
    settings = {"reader": "table", "train": "train.parquet", "split": SPLIT} | given
    return read_corpus(TypeAdapter(CorpusSpec).validate_python(settings), "de", data)


def write(path: Path, **columns: Any) -> None:
    """Writes a Parquet file whose labels are those columns, beside texts."""
    m = len(next(iter(columns.values())))
    pq.write_table(pa.table({"text": [f"Satz {i}" for i in range(m)]} | columns), path)


@pytest.mark.parametrize(("no", "yes"), [("0", "1"), ("0.0", "1.0"), ("False", "True")])
def test_every_column_but_text_and_id_is_a_label(tmp_path: Path, no: str, yes: str) -> None:
    for split in ("train", "dev"):
        rows = f"n,zorn,text,mut\n{split}1,{yes},Nein!,{no}\n{split}2,{no},Ja.,{yes}\n"
        (tmp_path / f"{split}.csv").write_text(rows, encoding="utf-8")
    corpus = read(tmp_path, train="train.csv", dev="dev.csv", split={}, id="n")
    assert corpus.labels == ("zorn", "mut")
    assert corpus.splits["dev"].ids == ["dev1", "dev2"]
    assert corpus.splits["dev"].labels.tolist() == [[1, 0], [0, 1]]


def test_labels_may_be_numbers_and_truth_values_of_any_type(tmp_path: Path) -> None:
    types = [pa.bool_(), pa.uint8(), pa.int64(), pa.float32(), pa.float64()]
    columns = {str(kind): pa.array([0, 1, 0, 1]).cast(kind) for kind in types}
    write(tmp_path / "train.parquet", **columns)
    corpus = read(tmp_path)
    assert corpus.labels == tuple(columns)
    rows = np.concatenate([split.labels for split in corpus.splits.values()])
    assert sorted(rows.tolist()) == [[0] * 5, [0] * 5, [1] * 5, [1] * 5]


def test_json_objects_need_not_agree_on_the_order_of_labels(tmp_path: Path) -> None:
    rows = [{"text": "a", "x": 1, "y": 0}, {"y": True, "text": "b", "x": False}] * 2
    lines = "\n".join(json.dumps(row) for row in rows)
    (tmp_path / "train.jsonl").write_text(lines, encoding="utf-8")
    corpus = read(tmp_path, train="train.jsonl")
    assert corpus.labels == ("x", "y")
    for texts in corpus.splits.values():
        for text, labels in zip(texts.texts, texts.labels.tolist(), strict=True):
            assert labels == ([1, 0] if text == "a" else [0, 1])


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("date,text,joy\n2020,a,1\n", r"line 2: label date is '2020'; expected 0 or 1, as every c"),
        ("text,joy\na,\n", r"line 2: label joy is ''; .* labels: \[...\] says which ones are"),
        ("text\na\nb\nc\nd\n", r"expected at least one label, found none"),
        ("text,joy\na,1\n", r"split gives dev none of 1 texts; expected more texts"),
        ("text,joy\na,1\nb,1\n", r"split gives train none of 2 texts; expected more texts"),
        (",text,joy\n0,a,1\n", r"the header has no name for column 1 .*; expected a name for"),
        ("text, \na,1\n", r"the header has no name for column 2 .*; expected a name for every"),
    ],
)
def test_a_train_file_that_cannot_be_read_or_cut(tmp_path: Path, rows: str, message: str) -> None:
    (tmp_path / "train.csv").write_text(rows, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read(tmp_path, train="train.csv")


def test_a_column_that_only_dev_has(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("text,joy\na,1\n", encoding="utf-8")
    (tmp_path / "dev.csv").write_text("text,joy,fear\na,1,0\nb,0,1\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"dev\.csv: column 'fear' is not in train, where every"):
        read(tmp_path, train="train.csv", dev="dev.csv", split={})
    named = read(tmp_path, train="train.csv", dev="dev.csv", split={}, labels=["joy"])
    assert named.labels == ("joy",)


@pytest.mark.parametrize("copied", [False, True])
@pytest.mark.parametrize(("first", "second"), [("train", "dev"), ("dev", "test")])
def test_two_splits_are_not_one_file(tmp_path: Path, first: str, second: str, copied: bool) -> None:
    files = {split: f"{split}.csv" for split in ("train", "dev", "test")}
    for split, name in files.items():
        (tmp_path / name).write_text(f"text,joy\n{split},1\n{split} 2,0\n", encoding="utf-8")
    assert read(tmp_path, **files, split={}).notes == ()
    if copied:
        (tmp_path / files[second]).write_bytes((tmp_path / files[first]).read_bytes())
    else:
        files[second] = files[first]
    message = rf"{files[second]}: {second} has the same bytes as {first} \(.*{first}\.csv\); expec"
    with pytest.raises(InputError, match=message):
        read(tmp_path, **files, split={})


def test_texts_that_several_splits_hold_are_noted(tmp_path: Path) -> None:
    texts = {
        "train": ["a", "b", "c", ""],
        "dev": ["a", "b", "b", "d", ""],
        "test": ["a", "d", "d", "e", ""],
    }
    for split, listed in texts.items():
        write(tmp_path / f"{split}.parquet", text=listed, x=[i % 2 for i in range(len(listed))])
    given = {"train": "train.parquet", "dev": "dev.parquet", "split": {}}
    both = "2 texts of dev are in train as well"
    assert read(tmp_path, **given).notes == (both,)
    with_test = read(tmp_path, **given, test="test.parquet")
    assert with_test.notes == (both, "2 texts of test are in train or dev as well")
    assert with_test.digest() == read(tmp_path, **given, test="test.parquet").digest()
    write(tmp_path / "dev.parquet", text=["c", "x"], x=[0, 1])
    assert read(tmp_path, **given).notes == ("1 text of dev is in train as well",)


@pytest.mark.parametrize("given", [{}, {"label_column": "x"}, {"labels": ["x", "\ud800"]}])
def test_a_label_of_half_a_surrogate_pair(tmp_path: Path, given: dict[str, Any]) -> None:
    rows = [{"text": "a", "x": 0, "\ud800": 1}, {"text": "b", "x": 1, "\ud800": 0}] * 2
    if "label_column" in given:
        rows = [{"text": "a", "x": ["y"]}, {"text": "b", "x": ["\ud800"]}] * 2
    (tmp_path / "train.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    with pytest.raises(InputError, match=r"train\.jsonl: label '\\ud800' holds half a surrogate p"):
        read(tmp_path, train="train.jsonl", **given)


def test_a_json_row_without_a_label(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_text('{"text": "a", "x": 1}\n{"text": "b"}\n')
    with pytest.raises(InputError, match=r"train\.jsonl, line 2: no column 'x'; expected it in"):
        read(tmp_path, train="train.jsonl")


def test_a_folder_named_like_a_partition_adds_no_column(tmp_path: Path) -> None:
    (tmp_path / "lang=de").mkdir()
    write(tmp_path / "lang=de" / "train.parquet", x=[0, 1, 0, 1])
    assert read(tmp_path, train="lang={lang}/train.parquet").labels == ("x",)


def test_splits_are_cut_by_id_and_hold_every_text_once(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    ids = [f"n{i}" for i in range(90)]
    columns = {name: random.integers(0, 2, 90) for name in "xyz"}
    write(tmp_path / "train.parquet", id=ids, **columns)
    first = read(tmp_path, id="id", split={"dev": 0.1, "test": 0.2, "seed": 3})
    assert {split: len(texts.ids) for split, texts in first.splits.items()} == {
        "train": 63,
        "dev": 9,
        "test": 18,
    }
    assert sorted(name for texts in first.splits.values() for name in texts.ids) == sorted(ids)
    for texts in first.splits.values():
        for name, labels in zip(texts.ids, texts.labels.tolist(), strict=True):
            assert labels == [columns[label][ids.index(name)] for label in "xyz"]

    order = random.permutation(90)
    shuffled = {name: values[order] for name, values in columns.items()}
    write(tmp_path / "train.parquet", id=[ids[i] for i in order], **shuffled)
    again = read(tmp_path, id="id", split={"dev": 0.1, "test": 0.2, "seed": 3})
    other = read(tmp_path, id="id", split={"dev": 0.1, "test": 0.2, "seed": 4})
    assert set(again.splits["dev"].ids) == set(first.splits["dev"].ids)
    assert set(other.splits["dev"].ids) != set(first.splits["dev"].ids)


def test_only_test_may_be_cut(tmp_path: Path) -> None:
    write(tmp_path / "train.parquet", x=[0, 1] * 5)
    write(tmp_path / "dev.parquet", x=[0, 1])
    corpus = read(tmp_path, dev="dev.parquet", split={"test": 0.4})
    sizes = {split: len(texts.ids) for split, texts in corpus.splits.items()}
    assert sizes == {"train": 6, "dev": 2, "test": 4}
    assert corpus.splits["test"].labels.sum() == 2


def test_a_label_column_may_be_cut_as_well(tmp_path: Path) -> None:
    write(tmp_path / "train.parquet", topics=[["x"], ["x", "y"], [], ["y"]])
    corpus = read(tmp_path, label_column="topics", id="text")
    assert corpus.labels == ("x", "y")
    found = {
        name: labels
        for texts in corpus.splits.values()
        for name, labels in zip(texts.ids, texts.labels.tolist(), strict=True)
    }
    assert found == {"Satz 0": [1, 0], "Satz 1": [1, 1], "Satz 2": [0, 0], "Satz 3": [0, 1]}


def test_ready_made_vectors_need_no_text_and_follow_their_texts(tmp_path: Path) -> None:
    vectors = [[[i, j] for j in range(i)] for i in range(8)]
    column = pa.array(vectors, pa.list_(pa.list_(pa.float32(), 2)))
    names = [str(i) for i in range(8)]
    table = pa.table({"name": names, "x": [0, 1] * 4, "embedding": column})
    pq.write_table(table, tmp_path / "train.parquet", row_group_size=3)
    corpus = read(tmp_path, id="name", vectors="embedding")
    assert corpus.labels == ("x",)
    assert corpus.has_vectors
    for texts in corpus.splits.values():
        assert texts.texts == [""] * len(texts.ids)
        assert texts.vectors is not None
        ends = np.cumsum(texts.vectors.lengths)
        parts = np.split(texts.vectors.values, ends[:-1])
        assert [part.tolist() for part in parts] == [vectors[int(name)] for name in texts.ids]


def test_texts_beside_vectors_are_kept(tmp_path: Path) -> None:
    write(tmp_path / "train.parquet", x=[0, 1] * 4, e=[[1.0, 2.0]] * 8)
    corpus = read(tmp_path, vectors="e")
    assert all(text.startswith("Satz") for text in corpus.splits["train"].texts)
    assert corpus.digest() != read(tmp_path, labels=["x"]).digest()
    before = corpus.digest()
    write(tmp_path / "train.parquet", x=[0, 1] * 4, e=[[1.0, 2.5]] * 8)
    assert read(tmp_path, vectors="e").digest() != before


def test_vectors_that_cannot_be_had(tmp_path: Path) -> None:
    write(tmp_path / "train.parquet", x=[0, 1] * 4, e=[[1.0, 2.0]] * 7 + [None])
    with pytest.raises(
        InputError, match=r"train\.parquet, row 8: column 'e' holds a missing value"
    ):
        read(tmp_path, vectors="e")
    with pytest.raises(InputError, match=r"train\.parquet: no column 'f'; expected it among text"):
        read(tmp_path, vectors="f", labels=["x"])
    (tmp_path / "train.csv").write_text("x,e\n1,2\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"train\.csv: expected a \.parquet file to have vectors"):
        read(tmp_path, train="train.csv", vectors="e", labels=["x"])


def test_vectors_of_all_splits_have_one_length(tmp_path: Path) -> None:
    write(tmp_path / "train.parquet", x=[0, 1], e=[[1.0, 2.0]] * 2)
    write(tmp_path / "dev.parquet", x=[0, 1], e=[[1.0, 2.0, 3.0]] * 2)
    with pytest.raises(InputError, match="vectors of 2 numbers in train and of 3 in dev; expected"):
        read(tmp_path, dev="dev.parquet", split={"test": 0.5}, vectors="e")
