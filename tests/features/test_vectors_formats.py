import gzip
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gensim.models import FastText, KeyedVectors, Word2Vec
from gensim.models.fasttext import save_facebook_model

from features import vectorfiles
from features.errors import InputError


@pytest.mark.parametrize("form", ["word2vec", "word2vec-binary", "glove"])
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_the_three_formats_read_alike(tmp_path: Path, form: str, suffix: str) -> None:
    vectors = KeyedVectors(3)
    matrix = np.array([[1, 2, 3], [0.5, 0, -1]], dtype=np.float32)
    vectors.add_vectors(["sí", "no"], matrix)
    path = tmp_path / f"vectors{suffix}"
    vectors.save_word2vec_format(
        str(path), binary=form == "word2vec-binary", write_header=form != "glove"
    )
    loaded = vectorfiles.load(path, form, {"no", "never"}, "en")
    assert loaded.words == ["no"]
    np.testing.assert_array_equal(loaded.matrix, matrix[1:])
    np.testing.assert_array_equal(loaded.mean, matrix.mean(axis=0))
    assert loaded.available == 2
    assert loaded.matrix.dtype == loaded.mean.dtype == np.float32


@pytest.mark.parametrize(
    ("form", "content", "message"),
    [
        ("glove", b"", r"v\.txt: the file is empty; expected rows of text"),
        ("glove", b"a 1 2\nb 1\n", r"v\.txt, line 2: 1 values; expected 2"),
        ("glove", b"a 1 2\nb 1 x\n", r"v\.txt, line 2: could not convert.*; expected numbers"),
        ("glove", b"a 1 2\nb nan 1\n", r"line 2: the vector of 'b' holds a value that is not"),
        ("glove", b"a 1 inf\n", r"line 1: the vector of 'a' holds a value that is not finite"),
        ("word2vec", b"a 1 2\nb 1 2\n", r"v\.txt, line 1: found 'a 1 2'; expected the header"),
        ("word2vec", b"2 2\na 1 2\nb 1 2 3\n", r"v\.txt, line 3: 3 values; expected 2"),
        ("word2vec", b"2 3\na 1 2\nb 1 2\n", r"v\.txt, line 2: 2 values; expected 3"),
        ("word2vec", b"3 2\na 1 2\nb 1 2\n", r"v\.txt: 2 words; expected 3 as in the header"),
        ("word2vec", b"0 2\n", r"v\.txt: expected word vectors, found none"),
        ("word2vec", b"1 0\na\n", r"v\.txt: expected word vectors, found none"),
        ("word2vec", b"5 99999999999999\na 1\n", r"line 2: 1 values; expected 99999999999999"),
        ("word2vec", b"5 99999999999999\n", r"v\.txt: 0 words; expected 5 as in the header"),
        ("word2vec", b"1 " + b"9" * 5000 + b"\na 1\n", r"line 1: found '1 9.*expected the header"),
        ("word2vec", "² ³\na 1 2 3\n".encode(), r"line 1: found '² ³'; expected the header"),
        ("glove", b"a 1 2\nb 1e39 0\n", r"line 2: the vector of 'b' holds a value that is not fin"),
        ("word2vec-binary", b"2 2\na \x00\x00", r"v\.txt: expected word2vec's binary format"),
        ("word2vec-binary", b"1 2\na \x00\x00\xc0\x7f" + bytes(4), r"'a' \(word 1\) holds a value"),
        ("word2vec-binary", b"", r"v\.txt: expected word2vec's binary format"),
        ("word2vec-binary", b"0 2\n", r"v\.txt: expected word vectors, found none"),
        ("word2vec-binary", b"-1 2\n", r"v\.txt: expected word2vec's binary format"),
        ("word2vec-binary", "² ³\n".encode(), r"v\.txt: expected word2vec's binary format"),
        (
            "word2vec-binary",
            b"99999999999999 2\na " + bytes(8),
            r"v\.txt: expected word2vec's binary format \(.* announces 99999999999999 words",
        ),
        ("word2vec-binary", b"1 99999999999999\na " + bytes(8), r"announces 1 words of 9999999999"),
        ("word2vec-binary", b"1 " + b"9" * 5000 + b"\n", r"v\.txt: expected word2vec's binary"),
    ],
)
def test_a_bad_vector_file_is_named_with_its_row(
    tmp_path: Path, form: str, content: bytes, message: str
) -> None:
    path = tmp_path / "v.txt"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        vectorfiles.load(path, form, {"a", "b"}, "en")


def test_a_packed_binary_file_cannot_announce_more_than_it_may_hold(tmp_path: Path) -> None:
    path = tmp_path / "v.gz"
    with gzip.open(path, "wb") as file:
        file.write(b"1 99999999999999\na " + bytes(8))
    with pytest.raises(InputError, match=r"announces 1 words of 99999999999999 values"):
        vectorfiles.load(path, "word2vec-binary", {"a"}, "en")
    path.write_bytes(path.read_bytes()[:-12])
    with pytest.raises(InputError, match=r"v\.gz: expected word2vec's binary format"):
        vectorfiles.load(path, "word2vec-binary", {"a"}, "en")


@pytest.mark.parametrize("form", ["glove", "word2vec-binary"])
def test_words_of_a_file_match_as_tokens_are_spelled(tmp_path: Path, form: str) -> None:
    vectors = KeyedVectors(1)
    words = ["Canción", "canción", "Sol", "sol", "año"]
    vectors.add_vectors(words, np.arange(5, dtype=np.float32)[:, None])
    path = tmp_path / "v"
    vectors.save_word2vec_format(str(path), binary=form != "glove", write_header=form != "glove")
    loaded = vectorfiles.load(path, form, {"cancion", "sol", "ano"}, "es")
    found = dict(zip(loaded.words, loaded.matrix[:, 0].tolist(), strict=True))
    assert found == {"cancion": 0, "sol": 3, "ano": 4}


def test_an_emoji_matches_with_and_without_the_sign_that_asks_for_colours(tmp_path: Path) -> None:
    vectors = KeyedVectors(1)
    words = ["❤\ufe0f", "☺", "☺\ufe0f", "🏳\ufe0f\u200d🌈"]
    vectors.add_vectors(words, np.arange(4, dtype=np.float32)[:, None])
    path = tmp_path / "v.bin"
    vectors.save_word2vec_format(str(path), binary=True)
    for language in ("en", "es"):
        loaded = vectorfiles.load(path, "word2vec-binary", {"❤", "☺", "🏳\u200d🌈"}, language)
        found = dict(zip(loaded.words, loaded.matrix[:, 0].tolist(), strict=True))
        assert found == {"❤": 0, "☺": 1, "🏳\u200d🌈": 3}


SENTENCES = [["the", "cat", "sat", "here"], ["The", "dog", "sat", "there"]] * 20


@pytest.fixture(scope="module")
def fasttext(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    model = FastText(SENTENCES, vector_size=6, min_count=2, epochs=1, workers=1, bucket=50, min_n=4)
    path = tmp_path_factory.mktemp("fasttext") / "model.bin"
    save_facebook_model(model, str(path))
    return path, model.wv


def test_fasttext_makes_vectors_of_words_it_never_saw(fasttext: tuple[Path, Any]) -> None:
    path, expected = fasttext
    loaded = vectorfiles.load(path, "fasttext", {"cat", "cats", "sat", "."}, "en")
    assert sorted(loaded.words) == ["cat", "cats", "sat"]  # "." has no n-gram of four
    for word, vector in zip(loaded.words, loaded.matrix, strict=True):
        np.testing.assert_allclose(vector, expected[word], rtol=1e-6)
    np.testing.assert_allclose(loaded.mean, expected.vectors.mean(axis=0), rtol=1e-5, atol=1e-7)
    assert "cats" not in expected.key_to_index
    assert loaded.available == len(expected) == 7
    assert loaded.matrix.dtype == np.float32


def test_a_fasttext_model_without_n_grams_knows_only_its_words(tmp_path: Path) -> None:
    model = FastText(SENTENCES, vector_size=6, min_count=2, epochs=1, workers=1, max_n=0, bucket=0)
    save_facebook_model(model, str(tmp_path / "m.bin"))
    assert vectorfiles.load(tmp_path / "m.bin", "fasttext", {"cat", "cats"}, "en").words == ["cat"]


def changed(place: int, new: bytes) -> Callable[[bytes], bytes]:
    return lambda content: content[:place] + new + content[place + len(new) :]


WORDS_AT = 8 + 56 + 12 + 16
MATRIX_AT = WORDS_AT + len("sat the cat here The dog there ") + 7 * 9


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda content: b"", "the file ends early"),
        (lambda content: content[:40], "the file ends early"),
        (lambda content: content[: WORDS_AT + 2], "the file ends early"),  # gensim never returns
        (lambda content: content[: WORDS_AT + 30], "the file ends early"),
        (lambda content: content[: MATRIX_AT + 30], "vectors of 6 values, more than it can hold"),
        (lambda content: b"2 2\na 1 2\nb 1 2\n", "it does not begin as such a file does"),
        (changed(72, b"\1"), "it is a classifier, not word vectors"),
        (gzip.compress, "a packed one is not read"),  # gensim would read noise
        (changed(84, b"\1" + bytes(7)), r"it is a reduced model \(\.ftz\)"),
    ],
)
def test_a_damaged_fasttext_model_is_named(
    tmp_path: Path, fasttext: tuple[Path, Any], damage: Callable[[bytes], bytes], message: str
) -> None:
    path = tmp_path / "m.bin"
    path.write_bytes(damage(fasttext[0].read_bytes()))
    expected = rf"m\.bin: expected a fastText model, \.bin \(.*{message}"
    with pytest.raises(InputError, match=expected):
        vectorfiles.load(path, "fasttext", {"cat"}, "en")


@pytest.mark.parametrize("separately", [[], ["vectors"]])
def test_keyed_vectors_are_read_without_running_what_a_pickle_asks_for(
    tmp_path: Path, separately: list[str]
) -> None:
    model = Word2Vec(SENTENCES, vector_size=6, min_count=2, epochs=1, workers=1)
    path = tmp_path / "vectors.kv"
    model.wv.save(str(path), separately=separately)
    loaded = vectorfiles.load(path, "keyedvectors", {"cat", "cats", "sat"}, "en")
    assert sorted(loaded.words) == ["cat", "sat"]
    np.testing.assert_array_equal(loaded.matrix, model.wv[loaded.words])
    np.testing.assert_allclose(loaded.mean, model.wv.vectors.mean(axis=0), rtol=1e-5, atol=1e-7)
    assert loaded.available == len(model.wv)
    assert type(loaded.matrix) is np.ndarray  # a copy, not the map
    beside = [tmp_path / f"vectors.kv.{name}.npy" for name in separately]
    assert vectorfiles.vector_files(path, "keyedvectors") == [path, *beside]
    for file in beside:
        np.save(file, np.load(file)[1:])
        with pytest.raises(InputError, match=r"expected a vector of numbers for each of 7 words"):
            vectorfiles.load(path, "keyedvectors", {"cat"}, "en")
        file.write_bytes(file.read_bytes()[:-20])
        with pytest.raises(InputError, match=r"\.npy: expected the vectors of vectors\.kv"):
            vectorfiles.load(path, "keyedvectors", {"cat"}, "en")


class Calls:
    """What a pickle of it does when it is read."""

    def __init__(self, function: Callable[..., object], *given: object) -> None:
        self._call = (function, given)

    def __reduce__(self) -> Any:
        return self._call


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_that_calls_something_is_refused(tmp_path: Path, protocol: int) -> None:
    path, made = tmp_path / "v.kv", tmp_path / "made"
    for call in (Calls(os.mkdir, str(made)), Calls(exec, f"import os; os.mkdir({str(made)!r})")):
        path.write_bytes(pickle.dumps(call, protocol))
        with pytest.raises(InputError, match=r"v\.kv: expected Keyed.* \(found \w+\.\w+ in it"):
            vectorfiles.load(path, "keyedvectors", {"a"}, "en")
    assert not made.exists()


def test_other_pickles_and_other_files_are_no_keyed_vectors(tmp_path: Path) -> None:
    path = tmp_path / "v.kv"
    model = Word2Vec(SENTENCES, vector_size=2, min_count=2, epochs=1, workers=1)
    model.save(str(path))
    with pytest.raises(InputError, match=r"wv\.save\(\.\.\.\) \(found gensim\.models\.word2vec"):
        vectorfiles.load(path, "keyedvectors", {"a"}, "en")
    KeyedVectors(2).save(str(path))
    with pytest.raises(InputError, match=r"v\.kv: expected word vectors, found none"):
        vectorfiles.load(path, "keyedvectors", {"a"}, "en")
    path.write_bytes(pickle.dumps({"cat": [1.0]}))
    with pytest.raises(InputError, match=r"as gensim 4 saves them, .*, found dict"):
        vectorfiles.load(path, "keyedvectors", {"a"}, "en")
    for content in (b"", b"a 1 2\n", b"\x80\x04\x95"):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"v\.kv: expected KeyedVectors as gensim 4 saves"):
            vectorfiles.load(path, "keyedvectors", {"a"}, "en")


def test_a_value_that_is_not_finite_is_found_in_any_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("features.vectorfiles.matrix._BLOCK", 2)
    vectors = KeyedVectors(2)
    matrix = np.arange(10, dtype=np.float32).reshape(5, 2)
    vectors.add_vectors(list("abcde"), matrix)
    path = tmp_path / "v.kv"
    vectors.save(str(path))
    loaded = vectorfiles.load(path, "keyedvectors", {"e"}, "en")
    np.testing.assert_array_equal(loaded.mean, matrix.mean(axis=0))
    vectors.vectors[3, 1] = np.nan
    vectors.save(str(path))
    with pytest.raises(InputError, match=r"the vector of 'd' \(word 4\) holds a value that is not"):
        vectorfiles.load(path, "keyedvectors", {"e"}, "en")
