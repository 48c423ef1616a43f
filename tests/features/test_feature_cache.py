"""What an entry of the feature cache holds."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features import Features, FeatureSpec, InputError, build
from features.entry import pad
from features.halves import dev_halves

Ask = Callable[..., FeatureSpec]


def test_the_word_matrix(built: Features) -> None:
    words, vectors = built.words(), built.vectors()
    assert (built.d, built.v) == (3, 1)
    assert vectors.shape == (len(words), 4)
    assert vectors.dtype == np.float32
    np.testing.assert_array_equal(vectors[0], [0, 0, 0, 0])  # padding
    np.testing.assert_array_equal(vectors[1], [9, 9, 9, 0])  # "unknown", no lexicon columns
    np.testing.assert_array_equal(vectors[words.index("rain")], [0, 0, 1, 0])
    np.testing.assert_array_equal(vectors[words.index("tears")], [9, 9, 9, np.float32(-0.4)])
    assert "angry" not in words  # neither vector nor lexicon entry
    assert len(set(words)) == len(words)


def test_the_vectors_are_mapped_not_copied(built: Features) -> None:
    vectors = built.vectors()
    assert not vectors.flags.owndata
    assert not vectors.flags.writeable


def test_a_split_pads_at_the_start_and_keeps_every_token_on_disk(built: Features) -> None:
    train, words = built.split("train"), built.words()
    assert built.labels == ("anger", "joy", "sadness")
    assert built.splits == ("train", "dev")
    # Tokens: 7 (grinning face), 5, 10 (one entity), 3; n is 8.125 rounded.
    assert (built.manifest["mean_length"], built.manifest["longest"], built.n) == (6.25, 10, 8)
    assert train.words.shape == (4, 8)
    assert train.words.dtype == np.int32
    assert [words[row] for row in train.words[3]] == ["<padding>"] * 5 + ["<unknown>"] * 3
    assert [words[row] for row in train.words[2]][:6] == (
        ["tears", "<unknown>", "rain", "<unknown>", "rain", "<unknown>"]
    )
    assert train.labels.tolist() == [[0, 1, 0], [1, 0, 0], [0, 0, 1], [0, 0, 0]]
    assert train.labels.dtype == np.uint8
    assert train.labels.flags.writeable
    assert train.ids == ["t1", "t2", "t3", "t4"]
    assert train.texts[0] == 'The cat said "meow 😀'
    assert set(train.half) == {""}
    stored = pq.read_table(built.path / "examples.parquet")
    assert stored.schema.names == ["id", "split", "text", "words", "labels", "half"]
    assert max(len(row) for row in stored["words"].to_pylist()) == 10


def test_n_looks_at_train_only(spec: Ask, data: Path, tmp_path: Path) -> None:
    before = build(spec(), data, tmp_path).n
    dev = next(data.rglob("2018-E-c-En-dev.txt"))
    dev.write_bytes(dev.read_bytes() + b"d9\t" + b"long " * 90 + b"\t0\t0\t0\r\n")
    after = build(spec(), data, tmp_path)
    assert after.n == before
    assert after.split("dev").words.shape == (6, before)


def test_an_unknown_split(built: Features) -> None:
    with pytest.raises(InputError, match="has no split 'test'; expected one of train, dev"):
        built.split("test")


def test_the_manifest_says_what_went_in(built: Features) -> None:
    manifest = built.manifest
    assert [source["role"] for source in manifest["sources"]] == (
        ["corpus train", "corpus dev", "word vectors", "lexicon afinn"]
    )
    assert manifest["lexicons"] == [
        {
            "name": "afinn",
            "first_column": 3,
            "columns": ["valence"],
            "entries": 2,
            "multiword_not_matched": 1,
        }
    ]
    assert manifest["unknown_is_mean"] is False
    assert {"emoji", "gensim", "numpy", "text_rules", "feature_rules"} <= set(manifest["versions"])
    assert manifest["coverage"]["dev"]["tokens"] == 10
    assert manifest["coverage"]["dev"]["tokens with vector"] == 5
    assert manifest["coverage"]["dev"]["tokens with lexicon afinn"] == 2


def test_train_texts_without_a_token(spec: Ask, data: Path, tmp_path: Path) -> None:
    blank = "ID\tTweet\tanger\tjoy\tsadness\nt1\t \t0\t0\t1\nt2\t\u200b\t0\t1\t0\n"
    next(data.rglob("2018-E-c-En-train.txt")).write_text(blank, encoding="utf-8")
    with pytest.raises(InputError, match="expected train texts with words, found 2 blank ones"):
        build(spec(), data, tmp_path / "cache")
    assert [path for path in (tmp_path / "cache").iterdir() if path.is_dir()] == []


TEXTS = st.lists(st.lists(st.integers(1, 9), max_size=7), min_size=1, max_size=5)


@given(TEXTS, st.integers(1, 6))
def test_padding_at_the_start_truncation_at_the_end(texts: list[list[int]], n: int) -> None:
    values = np.array([row for text in texts for row in text], dtype=np.int32)
    padded = pad(values, np.array([len(text) for text in texts]), n)
    expected = [[0] * (n - len(text[:n])) + text[:n] for text in texts]
    assert padded.tolist() == expected


def test_dev_halves_are_stratified_and_independent_of_order() -> None:
    rng = np.random.default_rng(0)
    labels = (rng.random((201, 3)) < 0.3).astype(np.uint8)
    ids = [f"id{i}" for i in range(201)]
    halves = dict(zip(ids, dev_halves(ids, labels), strict=True))
    order = rng.permutation(201)
    shuffled = [ids[i] for i in order]
    assert dict(zip(shuffled, dev_halves(shuffled, labels[order]), strict=True)) == halves
    letters = np.array([halves[name] for name in ids])
    assert abs(int((letters == "a").sum()) - int((letters == "b").sum())) == 1
    for combination in np.unique(labels, axis=0):
        inside = letters[(labels == combination).all(axis=1)]
        assert abs(int((inside == "a").sum()) - int((inside == "b").sum())) <= 1


def test_halves_are_stored_for_dev_only(built: Features) -> None:
    assert sorted(built.split("dev").half) == ["a", "a", "a", "b", "b"]


def test_importing_is_light() -> None:
    code = (
        "import sys, features; features.FeatureSpec; features.tokenize('a b', 'en');"
        "heavy = {'gensim', 'pandas', 'torch', 'ray', 'scipy'} & set(sys.modules);"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])


def test_features_of_one_spec_survive_a_round_trip_through_json(
    spec: Ask,
) -> None:
    assert FeatureSpec.model_validate(json.loads(spec().model_dump_json())) == spec()
