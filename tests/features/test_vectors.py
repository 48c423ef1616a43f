import gzip
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
from gensim.models import KeyedVectors

from features import skipgram, vectorfiles
from features.errors import InputError
from features.skipgram import skipgram_key, text_sources
from features.spec import SkipGram, VectorFile
from features.vectors import UNKNOWN_COUNT, WordVectors, plan_vectors, vectors_of


def silent(step: str, fraction: float) -> None:
    assert step
    assert 0 <= fraction <= 1


def get(
    wanted: set[str], spec: SkipGram | VectorFile, data: Path, cache: Path, language: str = "en"
) -> WordVectors:
    return vectors_of(wanted, spec, plan_vectors(spec, language, data), language, cache, silent)


SMALL = SkipGram(dimension=8, epochs=2, min_count=2, workers=1)


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


def test_only_the_words_asked_for_are_kept(data: Path, tmp_path: Path) -> None:
    spec = VectorFile(path="vectors.txt", format="glove")
    vectors = get({"cat", "rain", "absent"}, spec, data, tmp_path)
    assert set(vectors.rows) == {"cat", "rain"}
    np.testing.assert_array_equal(vectors.matrix[vectors.rows["cat"]], [0, 1, 0])
    np.testing.assert_array_equal(vectors.unknown, [9, 9, 9])
    assert not vectors.unknown_is_mean
    assert vectors.available == 4


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


def test_without_unknown_the_mean_stands_for_other_words(data: Path, tmp_path: Path) -> None:
    (data / "vectors.txt").write_text("a 1 0\nb 3 4\n", encoding="utf-8")
    vectors = get({"a"}, VectorFile(path="vectors.txt", format="glove"), data, tmp_path)
    np.testing.assert_array_equal(vectors.unknown, [2, 2])
    assert vectors.unknown_is_mean


def test_a_vector_path_may_hold_the_language(data: Path, tmp_path: Path) -> None:
    (data / "vectors-es.txt").write_text("a 1 0\n", encoding="utf-8")
    spec = VectorFile(path="vectors-{lang}.txt", format="glove")
    assert get({"a"}, spec, data, tmp_path, "es").rows == {"a": 0}
    with pytest.raises(InputError, match=r"no such file: .*vectors-en\.txt"):
        plan_vectors(spec, "en", data)


def test_unknown_may_itself_be_a_word_of_the_corpus(data: Path, tmp_path: Path) -> None:
    spec = VectorFile(path="vectors.txt", format="glove")
    assert set(get({"unknown"}, spec, data, tmp_path).rows) == {"unknown"}


def test_trained_vectors_are_cached_and_one_thread_reproduces_them(
    data: Path, tmp_path: Path
) -> None:
    words = {"the", "cat", "dog", "never"}
    first = get(words, SMALL, data, tmp_path / "a")
    again = get(words, SMALL, data, tmp_path / "b")
    assert set(first.rows) == {"the", "cat", "dog"}
    assert first.matrix.shape == (3, 8)
    np.testing.assert_array_equal(first.matrix, again.matrix)
    folders = list((tmp_path / "a").glob("vectors-*/vectors.arrow"))
    assert len(folders) == 1
    written = folders[0].stat().st_mtime_ns
    get(words, SMALL, data, tmp_path / "a")
    assert folders[0].stat().st_mtime_ns == written


def test_a_frequent_unknown_speaks_for_itself_a_rare_one_does_not(
    data: Path, tmp_path: Path
) -> None:
    text = next(data.rglob("tweets/en.txt"))
    text.write_text("unknown cat\n" * (UNKNOWN_COUNT - 1), encoding="utf-8")
    assert get({"cat"}, SMALL, data, tmp_path).unknown_is_mean
    text.write_text("unknown cat\n" * UNKNOWN_COUNT, encoding="utf-8")
    assert not get({"cat"}, SMALL, data, tmp_path).unknown_is_mean


def key(spec: SkipGram, data: Path, language: str = "en") -> str:
    return skipgram_key(spec, language, text_sources(spec, language, data))


def test_the_key_follows_recipe_and_text_and_nothing_else(data: Path) -> None:
    before = key(SMALL, data)
    text = next(data.rglob("tweets/en.txt"))
    moved = data / "elsewhere" / "tweets" / "en-more.txt"
    moved.parent.mkdir(parents=True)
    moved.write_bytes(text.read_bytes())
    assert key(SMALL, data) == before  # the same bytes again count once
    text.unlink()
    assert key(SMALL, data) == before  # and at another path
    for changed in (
        {"dimension": 9},
        {"window": 4},
        {"min_count": 3},
        {"negative": 4},
        {"epochs": 3},
        {"seed": 1},
        {"workers": 2},
    ):
        assert key(SMALL.model_copy(update=changed), data) != before
    several = SMALL.model_copy(update={"workers": 2})
    assert key(several, data) == key(several.model_copy(update={"workers": 0}), data)
    moved.write_text("the cat\n", encoding="utf-8")
    assert key(SMALL, data) != before


def test_the_key_follows_language_and_rules(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sources = text_sources(SMALL, "en", data)
    before = skipgram_key(SMALL, "en", sources)
    assert skipgram_key(SMALL, "es", sources) != before
    for package in ("emoji", "gensim", "numpy"):
        with monkeypatch.context() as patch:
            patch.setattr(
                skipgram, "version", lambda name, new=package: "0" if name == new else version(name)
            )
            assert (skipgram_key(SMALL, "en", sources) == before) == (package == "numpy")
    with monkeypatch.context() as patch:
        patch.setattr(skipgram, "TEXT_RULES", "other")
        assert skipgram_key(SMALL, "en", sources) != before
    assert skipgram_key(SMALL, "en", sources) == before


def test_the_key_does_not_follow_the_order_on_disk(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("en-b.txt", "en-a.txt"):
        (data / "x" / "tweets" / name).write_text(f"{name} is a text\n", encoding="utf-8")
    before = key(SMALL, data)
    listed = Path.rglob
    monkeypatch.setattr(Path, "rglob", lambda *given: reversed(list(listed(*given))))
    assert key(SMALL, data) == before


def test_text_that_cannot_be_trained_on(data: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"expected unlabelled text .* as 'tweets/es\*\.txt\*'"):
        plan_vectors(SMALL, "es", data)
    with pytest.raises(InputError, match=r"no data folder was given .* for unlabelled text"):
        plan_vectors(SMALL, "en", None)
    with pytest.raises(InputError, match="relative to the data folder"):
        plan_vectors(SMALL.model_copy(update={"text": "/x/*.txt"}), "en", data)
    with pytest.raises(InputError, match=r"'a\*\*b\.txt'"):
        plan_vectors(SMALL.model_copy(update={"text": "a**b.txt"}), "en", data)
    with pytest.raises(InputError, match=r"en\.txt: no word occurs 1000 times"):
        get({"a"}, SMALL.model_copy(update={"min_count": 1000}), data, tmp_path)
    text = next(data.rglob("tweets/en.txt"))
    text.write_bytes(b"fine\n\xff\n")
    with pytest.raises(InputError, match=r"en\.txt, line 2: byte 0xff is not UTF-8"):
        get({"a"}, SMALL, data, tmp_path)
    text.write_bytes(b"  \n\n")
    with pytest.raises(InputError, match="expected text to train on, found no token"):
        get({"a"}, SMALL, data, tmp_path)
    assert not list(tmp_path.glob("vectors-*/*"))  # nothing half-written


@pytest.mark.slow
def test_several_processes_tokenise_as_one(data: Path, tmp_path: Path) -> None:
    from features.sentences import write_sentences

    text = tmp_path / "big.txt"
    text.write_text(
        "".join(f"Line {i}, with the word w{i}!\n" for i in range(150_000)), encoding="utf-8"
    )
    assert text.stat().st_size > 4_000_000  # smaller files are not shared out
    seen: list[float] = []
    write_sentences([text], "en", tmp_path / "one", 1, silent)
    write_sentences([text], "en", tmp_path / "two", 2, lambda _, fraction: seen.append(fraction))
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert seen == sorted(seen)
    assert seen[-1] == 1
