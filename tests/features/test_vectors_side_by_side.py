"""Several sources of vectors whose columns stand side by side."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gensim.models import KeyedVectors

from features import Features, FeatureSpec, build
from features.errors import InputError
from features.vectors import plan_vectors, side_by_side, vectors_of
from sweep.driver import found_line

WORDS: dict[str, Any] = {"kind": "file", "path": "vectors.txt", "format": "glove"}
EMOJI: dict[str, Any] = {"kind": "file", "path": "emoji.bin", "format": "word2vec-binary"}
SKIPGRAM = {"kind": "skipgram", "dimension": 4, "epochs": 1, "min_count": 2, "workers": 1}


@pytest.fixture(autouse=True)
def emoji(data: Path) -> None:
    """Vectors of an emoji and of a word that other vectors know as well."""
    vectors = KeyedVectors(2)
    vectors.add_vectors(["😀\ufe0f", "cat"], np.array([[5, 6], [7, 10]], dtype=np.float32))
    vectors.save_word2vec_format(str(data / "emoji.bin"), binary=True)


def spec(vectors: object, **changed: object) -> FeatureSpec:
    corpus = {"reader": "semeval2018-ec"}
    return FeatureSpec.model_validate(
        {"corpus": corpus, "language": "en", "vectors": vectors} | changed
    )


def silent(step: str, fraction: float) -> None:
    pass


@pytest.fixture
def both(data: Path, tmp_path: Path) -> Features:
    return build(spec([WORDS, EMOJI], text={"emoji": "symbols"}), data, tmp_path / "cache")


def test_columns_stand_in_the_order_of_the_list(both: Features) -> None:
    assert both.d == 5
    row = dict(zip(both.words(), both.vectors(), strict=True))
    np.testing.assert_array_equal(row["cat"], [0, 1, 0, 7, 10])
    np.testing.assert_array_equal(row["rain"], [0, 0, 1, 6, 8])  # the mean of the second
    np.testing.assert_array_equal(row["😀"], [9, 9, 9, 5, 6])  # "unknown" of the first
    np.testing.assert_array_equal(row["<unknown>"], [9, 9, 9, 6, 8])
    np.testing.assert_array_equal(row["<padding>"], np.zeros(5))


def test_manifest_and_line_name_each_source(both: Features, data: Path) -> None:
    first, second = both.manifest["vectors"]
    assert first == {
        "name": "vectors.txt",
        "kind": "file",
        "path": str(data / "vectors.txt"),
        "first_column": 0,
        "d": 3,
        "available": 4,
        "unknown_is_mean": False,
        "key": first["key"],
        "sha256": first["sha256"],
    }
    assert first["sha256"] != second["sha256"]
    assert (second["first_column"], second["d"], second["available"]) == (3, 2, 2)
    assert second["unknown_is_mean"]
    assert both.manifest["unknown_is_mean"]
    counts = both.manifest["coverage"]["train"]
    assert counts["tokens with vector"] == 6  # the, cat, the emoji and three times rain
    assert counts["tokens with vector of vectors.txt"] == 5
    assert counts["tokens with vector of emoji.bin"] == 2
    line = found_line(both)
    assert "of train tokens have a vector (vectors.txt " in line
    assert "; unknown words take the mean vector of emoji.bin" in line


def test_a_list_of_one_is_that_one(data: Path, tmp_path: Path) -> None:
    one = build(spec(EMOJI), data, tmp_path / "cache")
    listed = build(spec([EMOJI]), data, tmp_path / "cache")
    assert (one.key, one.sha256) == (listed.key, listed.sha256)
    assert not any(key.startswith("tokens with vector of") for key in one.manifest["coverage"])
    line = found_line(one)
    assert "of train tokens have a vector;" in line
    assert "; unknown words take the mean vector" in line
    assert "mean vector of" not in line


def test_order_and_content_of_every_source_are_part_of_the_key(data: Path) -> None:
    def key(*vectors: object) -> str:
        return plan_vectors(spec(list(vectors)), data).key

    keys = [key(WORDS), key(EMOJI), key(WORDS, EMOJI), key(EMOJI, WORDS), key(SKIPGRAM, EMOJI)]
    assert len(set(keys)) == 5
    (data / "emoji.bin").write_bytes((data / "emoji.bin").read_bytes()[:-1] + b"?")
    assert key(WORDS, EMOJI) not in keys


def test_a_companion_of_a_file_is_a_source_like_it(data: Path) -> None:
    vectors = KeyedVectors(2)
    vectors.add_vectors(["cat"], np.ones((1, 2), dtype=np.float32))
    vectors.save(str(data / "v.kv"), separately=["vectors"])
    wanted = spec({"kind": "file", "path": "v.kv", "format": "keyedvectors"})
    before = plan_vectors(wanted, data)
    assert [file.path.name for file in before.sources] == ["v.kv", "v.kv.vectors.npy"]
    np.save(data / "v.kv.vectors.npy", np.zeros((1, 2), dtype=np.float32))
    assert plan_vectors(wanted, data).key != before.key


def test_trained_vectors_and_files_mix(data: Path, tmp_path: Path) -> None:
    wanted = spec([SKIPGRAM, WORDS, SKIPGRAM | {"dimension": 2}])
    plan = plan_vectors(wanted, data)
    assert [part.name for part in plan.parts] == ["skipgram (1)", "vectors.txt", "skipgram (3)"]
    parts = vectors_of({"cat", "rain", "dog"}, wanted, plan, tmp_path, silent)
    together = side_by_side(parts)
    assert together.matrix.shape == (3, 4 + 3 + 2)
    for word, place in together.rows.items():
        alone = [p.matrix[p.rows[word]] if word in p.rows else p.unknown for p in parts]
        np.testing.assert_array_equal(together.matrix[place], np.concatenate(alone))
    assert {word for part in parts for word in part.rows} == set(together.rows)
    assert together.available == sum(part.available for part in parts)


def test_sources_that_know_no_word_have_a_vector_for_all(data: Path, tmp_path: Path) -> None:
    wanted = spec([WORDS, EMOJI])
    parts = vectors_of({"zib"}, wanted, plan_vectors(wanted, data), tmp_path, silent)
    together = side_by_side(parts)
    assert together.rows == {}
    np.testing.assert_array_equal(together.unknown, [9, 9, 9, 6, 8])


def test_a_missing_file_of_a_list_is_named(data: Path) -> None:
    with pytest.raises(InputError, match=r"no such file: .*none\.txt"):
        plan_vectors(spec([WORDS, WORDS | {"path": "none.txt"}]), data)
