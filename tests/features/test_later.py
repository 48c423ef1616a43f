"""Texts that arrive later get the rows that they would have had from the start."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from features import Features, FeatureSpec, InputError, build
from features.later import find_entry, later_texts

VECTORS = {"kind": "skipgram", "dimension": 6, "epochs": 1, "workers": 1, "text": "sample"}


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def built(cache: Path, data: Path | None = None, **changes: Any) -> Features:
    spec: dict[str, Any] = {
        "corpus": {"reader": "sample", "train": 60, "dev": 30, "test": 0},
        "language": "en",
        "vectors": VECTORS,
        "lexicons": ["sample"],
    }
    return build(FeatureSpec.model_validate(spec | changes), data, cache)


def test_later_texts_are_as_if_they_had_been_there(cache: Path) -> None:
    without = built(cache)
    whole = built(cache, corpus={"reader": "sample", "train": 60, "dev": 30, "test": 40})
    test = whole.split("test")
    later = later_texts(without, test.texts, cache)
    rows, expected = later.vectors[later.words], whole.vectors()[test.words]
    assert np.array_equal(rows, expected)
    assert len(later.vectors) > len(without.vectors())  # some words are new
    assert later.notes == ()
    words = [word for text in test.words for word in text]
    assert later.unknown == words.count(1)


def test_texts_that_were_there_get_their_own_rows(cache: Path) -> None:
    entry = built(cache)
    dev = entry.split("dev")
    later = later_texts(entry, dev.texts, cache)
    assert np.array_equal(later.words, dev.words)
    assert len(later.vectors) == len(entry.vectors())


def test_empty_texts_are_padding(cache: Path) -> None:
    later = later_texts(built(cache), ["", "  "], cache)
    assert not later.words.any()
    assert later.tokens == later.unknown == 0


def test_words_are_unknown_where_their_vectors_are_gone(cache: Path, tmp_path: Path) -> None:
    entry = built(cache, lexicons=[])
    whole = built(cache, lexicons=[], corpus={"reader": "sample", "train": 60, "dev": 30})
    texts = whole.split("test").texts
    with_vectors = later_texts(entry, texts, cache)
    alone = later_texts(entry, texts, tmp_path)
    assert alone.notes == ("vectors skipgram were not found",)
    assert alone.unknown > with_vectors.unknown
    assert len(alone.vectors) == len(entry.vectors())


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A data folder with a corpus, vectors and a lexicon, of which texts know only some words."""
    rows = ["id,text,x,y", "1,aa bb,1,0", "2,bb cc,0,1", "3,aa cc,1,1", "4,bb,0,0"]
    (tmp_path / "train.csv").write_text("\n".join(rows[:3]) + "\n")
    (tmp_path / "dev.csv").write_text("\n".join([rows[0], *rows[3:]]) + "\n")
    vectors = ["aa 1 0", "bb 0 1", "cc 1 1", "dd 2 2", "unknown 9 9"]
    (tmp_path / "v.txt").write_text("\n".join(vectors) + "\n")
    (tmp_path / "good.csv").write_text("word,good\naa,1\ndd,5\nee,7\n")
    return tmp_path


def of_own(data: Path) -> Features:
    return built(
        data / "cache",
        data,
        corpus={"reader": "table", "train": "train.csv", "dev": "dev.csv", "id": "id"},
        vectors={"kind": "file", "path": "v.txt", "format": "glove"},
        lexicons=[{"name": "absent.csv", "optional": True}, "good.csv"],
    )


def test_files_are_read_for_words_that_are_new(own: Path) -> None:
    later = later_texts(of_own(own), ["dd ee ff aa"], own / "cache", own)
    rows = later.vectors[later.words[0]][-2:]  # n is 2: the end is cut
    assert rows.tolist() == [[2, 2, 5], [9, 9, 7]]
    assert (later.tokens, later.unknown, later.notes) == (4, 1, ())


def test_a_lexicon_is_not_taken_for_one_whose_name_begins_so(own: Path) -> None:
    (own / "good.csv").rename(own / "goodness.csv")
    (own / "sub").mkdir()
    (own / "sub" / "goodness.csv").write_text("word,more\naa,2\ndd,6\n")
    entry = built(
        own / "cache",
        own,
        corpus={"reader": "table", "train": "train.csv", "dev": "dev.csv", "id": "id"},
        vectors={"kind": "file", "path": "v.txt", "format": "glove"},
        lexicons=[{"name": "good.csv", "optional": True}, "goodness.csv", "sub/goodness.csv"],
    )
    later = later_texts(entry, ["dd ee"], own / "cache", own)
    assert later.vectors[later.words[0]].tolist() == [[2, 2, 5, 6], [9, 9, 7, 0]]
    assert later.notes == ()


def test_what_is_gone_is_said(own: Path) -> None:
    entry = of_own(own)
    for name in ("v.txt", "good.csv"):
        (own / name).unlink()
    later = later_texts(entry, ["dd aa"], own / "cache", own)
    assert later.notes == ("vectors v.txt were not found", "lexicon good.csv was not found")
    assert later.words[0, 0] == 1


@pytest.mark.parametrize("name", ["v.txt", "good.csv"])
def test_another_file_under_the_name_is_refused(own: Path, name: str) -> None:
    entry = of_own(own)
    (own / name).write_text((own / name).read_text() + "zz,1\n")
    expected = rf"{name}: expected the file that the features were built from, found other bytes"
    with pytest.raises(InputError, match=expected):
        later_texts(entry, ["dd"], own / "cache", own)


def test_an_entry_is_found_by_its_bytes(cache: Path, tmp_path: Path) -> None:
    entry = built(cache)
    assert find_entry(cache, entry.sha256).path == entry.path
    with pytest.raises(InputError, match=r"no entry with features abc…, .*--cache"):
        find_entry(cache, "abc")
    with pytest.raises(InputError, match="no entry with features"):
        find_entry(tmp_path / "nowhere", entry.sha256)
    copy = tmp_path / entry.path.name
    shutil.copytree(entry.path, copy)
    with (copy / "words.arrow").open("r+b") as file:
        file.seek(-300, 2)
        file.write(b"\xff")
    with pytest.raises(InputError, match="other bytes than were written"):
        find_entry(tmp_path, entry.sha256)
