from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest

from features import skipgram
from features.errors import InputError
from features.skipgram import skipgram_key, text_sources
from features.spec import FeatureSpec, SkipGram, VectorFile
from features.textrules import TextRules
from features.vectors import UNKNOWN_COUNT, WordVectors, plan_vectors, side_by_side, vectors_of


def silent(step: str, fraction: float) -> None:
    assert step
    assert 0 <= fraction <= 1


def asked(vectors: SkipGram | VectorFile, language: str = "en") -> FeatureSpec:
    return FeatureSpec.model_validate(
        {"corpus": {"reader": "sample"}, "language": language, "vectors": vectors}
    )


def get(
    wanted: set[str], vectors: SkipGram | VectorFile, data: Path, cache: Path, language: str = "en"
) -> WordVectors:
    spec = asked(vectors, language)
    return side_by_side(vectors_of(wanted, spec, plan_vectors(spec, data), cache, silent))


SMALL = SkipGram(dimension=8, epochs=2, min_count=2, workers=1)


def test_only_the_words_asked_for_are_kept(data: Path, tmp_path: Path) -> None:
    spec = VectorFile(path="vectors.txt", format="glove")
    vectors = get({"cat", "rain", "absent"}, spec, data, tmp_path)
    assert set(vectors.rows) == {"cat", "rain"}
    np.testing.assert_array_equal(vectors.matrix[vectors.rows["cat"]], [0, 1, 0])
    np.testing.assert_array_equal(vectors.unknown, [9, 9, 9])
    assert not vectors.unknown_is_mean
    assert vectors.available == 4


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
        plan_vectors(asked(spec), data)


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
    return skipgram_key(spec, language, TextRules(), text_sources(spec, language, data))


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
    before = skipgram_key(SMALL, "en", TextRules(), sources)
    assert skipgram_key(SMALL, "es", TextRules(), sources) != before
    for package in ("emoji", "gensim", "numpy"):
        with monkeypatch.context() as patch:
            patch.setattr(
                skipgram, "version", lambda name, new=package: "0" if name == new else version(name)
            )
            assert (skipgram_key(SMALL, "en", TextRules(), sources) == before) == (
                package == "numpy"
            )
    with monkeypatch.context() as patch:
        patch.setattr(skipgram, "TEXT_RULES", "other")
        assert skipgram_key(SMALL, "en", TextRules(), sources) != before
    assert skipgram_key(SMALL, "en", TextRules(), sources) == before


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
        plan_vectors(asked(SMALL, "es"), data)
    with pytest.raises(InputError, match=r"no data folder was given .* for unlabelled text"):
        plan_vectors(asked(SMALL), None)
    with pytest.raises(InputError, match="relative to the data folder"):
        plan_vectors(asked(SMALL.model_copy(update={"text": "/x/*.txt"})), data)
    with pytest.raises(InputError, match=r"'a\*\*b\.txt'"):
        plan_vectors(asked(SMALL.model_copy(update={"text": "a**b.txt"})), data)
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
    write_sentences([text], "en", TextRules(), tmp_path / "one", 1, silent)
    write_sentences(
        [text], "en", TextRules(), tmp_path / "two", 2, lambda _, fraction: seen.append(fraction)
    )
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert seen == sorted(seen)
    assert seen[-1] == 1
