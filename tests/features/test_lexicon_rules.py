"""What holds for every lexicon: rows depend on one word, wildcards, and lexicons that may miss."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.errors import InputError
from features.lexicons import Lexicon, find_lexicon
from features.lexicons.wildcards import Prefixes
from features.vectors import WordVectors
from features.vocabulary import word_matrix

PREFIXES = Prefixes({"varn": (1.0, 0.0), "var*": (0.0, 1.0), "varni*": (1.0, 1.0)})
LISTED = {"zib": (0.5,), "varn": (-1.0,)}
LEXICONS = [
    Lexicon("starred", ("a", "b"), PREFIXES, 0),
    Lexicon("plain", ("c",), LISTED, 0),
]
WORDS = ["varn", "var", "va", "varnish", "varns", "zib", "zibs", "*", "#varn"]


def test_its_own_entry_comes_first_then_the_longest_prefix() -> None:
    found = {word: PREFIXES.get(word) for word in WORDS}
    assert found == {
        "varn": (1, 0),
        "var": (0, 1),  # the star may stand for nothing
        "va": None,
        "varnish": (1, 1),
        "varns": (0, 1),
        "zib": None,
        "zibs": None,
        "*": None,
        "#varn": None,
    }
    assert list(PREFIXES) == ["varn", "var*", "varni*"]
    assert len(PREFIXES) == 3


def test_a_star_is_a_letter_like_any_other_where_there_are_no_wildcards(tmp_path: Path) -> None:
    (tmp_path / "mine.tsv").write_text("word\tx\nvar*\t1\n", encoding="utf-8")
    assert "varn" not in find_lexicon("mine.tsv", "en", tmp_path).read().entries


@given(st.lists(st.sampled_from(WORDS), unique=True, min_size=1))
def test_a_row_depends_on_its_word_alone(words: list[str]) -> None:
    vectors = WordVectors(
        rows={"zib": 0},
        matrix=np.array([[1.0, 2.0]], dtype=np.float32),
        unknown=np.array([0.5, 0.5], dtype=np.float32),
        available=1,
        unknown_is_mean=False,
    )
    together = word_matrix(words, vectors, LEXICONS)
    rows = dict(zip(together.words, together.matrix, strict=True))
    for word in words:
        alone = word_matrix([word], vectors, LEXICONS)
        if word in rows:
            assert alone.words[2:] == [word]
            assert rows[word].tobytes() == alone.matrix[2].tobytes()
        else:
            assert len(alone.words) == 2


def test_a_missing_lexicon_is_an_error_unless_it_is_optional(tmp_path: Path) -> None:
    for name, data, message in (
        ("liwc", tmp_path, "lexicon liwc: expected LIWC2007_.* somewhere below"),
        ("liwc", None, "no data folder was given"),
        ("mine.tsv", tmp_path, "no such file"),
    ):
        with pytest.raises(InputError, match=message):
            find_lexicon(name, "en", data).read()
        skipped = find_lexicon(name, "en", data, optional=True)
        assert skipped.form is None
        assert skipped.sources == ()
        assert len(skipped.notes) == 1
        assert skipped.notes[0].startswith("optional and skipped: ")
        assert "\n" not in skipped.notes[0]


def test_an_optional_lexicon_that_is_there_is_read_like_any_other(tmp_path: Path) -> None:
    path = tmp_path / "AFINN-111.txt"
    path.write_text("varn\t5\n", encoding="utf-8")
    asked = find_lexicon("afinn", "en", tmp_path, optional=True)
    assert asked == find_lexicon("afinn", "en", tmp_path)
    assert asked.notes == ()


def test_optional_forgives_nothing_but_missing_files(tmp_path: Path) -> None:
    (tmp_path / "AFINN-111.txt").write_text("varn\tmuch\n", encoding="utf-8")
    for name, language, message in (
        ("afinn", "en", "line 1: the value is 'much'"),
        ("afinn", "es", "has no language 'es'"),
        ("affin", "en", "'affin' is unknown"),
    ):
        with pytest.raises(InputError, match=message):
            find_lexicon(name, language, tmp_path, optional=True).read()
