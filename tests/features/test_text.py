import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.errors import InputError
from features.text import fold_word, tokenize


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", []),
        ("  \t ", []),
        ("Hello World", ["hello", "world"]),
        # Mentions and hashtags stay whole, punctuation at their end does not.
        ("@A_user: #Tag_1!", ["@a_user", ":", "#tag_1", "!"]),
        ("(#tag)", ["(", "#tag", ")"]),
        # Runs of punctuation are one token, also inside what looks like a word.
        ("stop...now!!! really?!", ["stop", "...", "now", "!!!", "really", "?!"]),
        ("a --- b—c", ["a", "---", "b", "—", "c"]),
        # Apostrophes: words stay whole, a possessive comes off, quotes come off.
        ("Don't don’t rock'n'roll", ["don't", "don't", "rock'n'roll"]),
        ("John's dog’s", ["john", "'s", "dog", "'s"]),
        (
            "'quoted' (aside) [b] “c”",
            ["'", "quoted", "'", "(", "aside", ")", "[", "b", "]", "“", "c", "”"],
        ),
        # Addresses keep their dots and slashes, not the sentence's punctuation.
        ("see http://a.bc/d?e=1, www.x.y.", ["see", "http://a.bc/d?e=1", ",", "www.x.y", "."]),
        ("me@mail.com and site.org/x", ["me@mail.com", "and", "site.org/x"]),
        # Numbers, times and dotted abbreviations.
        ("10:30 3.14 1,000,000 5:7", ["10:30", "3.14", "1,000,000", "5:7"]),
        ("U.S. e.g. I.", ["u.s.", "e.g.", "i", "."]),
        # Emoticons, but no letters of a word for a mouth.
        (":) :-( ;D =P :/", [":)", ":-(", ";d", "=p", ":/"]),
        ("note:done", ["note", ":", "done"]),
        # Entities and the literal two characters of a lost line break.
        ("a &amp; b &lt; c\\nd", ["a", "&", "b", "<", "c", "d"]),
        ("&amp;amp;", ["&amp;"]),
    ],
)
def test_tokens(text: str, tokens: list[str]) -> None:
    assert tokenize(text, "en") == tokens


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("ok😀😀", ["ok", "grinning", "face", "grinning", "face"]),
        ("👍🏽", ["thumbs", "up", "medium", "skin", "tone"]),
        ("🇪🇸", ["spain"]),
        ("🇨🇮", ["cote", "d'ivoire"]),
        ("1️⃣", ["keycap", "1"]),
        ("❤ ❤️", ["red", "heart", "red", "heart"]),
        ("🤷🏻‍♀️", ["woman", "shrugging", "light", "skin", "tone"]),
        # A sequence without a name: its parts, and no joiner left over.
        ("😀\u200d🐈", ["grinning", "face", "cat"]),
        ("x\ufe0f\u200dy", ["xy"]),
    ],
)
def test_emoji_are_spelled_out_in_english_in_every_language(text: str, tokens: list[str]) -> None:
    for language in ("en", "es", "ar"):
        assert tokenize(text, language) == tokens


def test_spanish_folds_accents_and_splits_its_own_punctuation() -> None:
    text = "¿Qué tal, señor? ¡¡Ñandú pingüino!! “Él”"
    assert tokenize(text, "es") == (
        ["¿", "que", "tal", ",", "senor", "?", "¡¡", "nandu", "pinguino", "!!", "“", "el", "”"]
    )
    assert tokenize("e\u0301xito", "es") == ["exito"]  # also when written decomposed


def test_english_keeps_accents_in_one_normal_form() -> None:
    assert tokenize("cafe\u0301 café", "en") == ["café", "café"]


def test_arabic_drops_vowel_marks_and_tatweel() -> None:
    assert tokenize("السَّلامُ عليـــكم؟", "ar") == ["السلام", "عليكم", "؟"]


@pytest.mark.parametrize("word", ["Éxito", "señor", "don’t", "#Tag", "naïve"])
@pytest.mark.parametrize("language", ["en", "es", "ar"])
def test_lexicon_entries_are_spelled_as_tokens_are(word: str, language: str) -> None:
    assert [fold_word(f" {word} ", language)] == tokenize(word, language)


@settings(deadline=None)  # the first text loads the emoji names
@given(st.text(), st.sampled_from(["en", "es", "ar"]))
def test_tokens_hold_no_blank_and_no_capital(text: str, language: str) -> None:
    tokens = tokenize(text, language)
    assert all(tokens)
    assert not any(character.isspace() for token in tokens for character in token)
    assert tokens == [token.lower() for token in tokens]
    assert tokenize(f"  {text}\n", language) == tokens


def test_unknown_language() -> None:
    with pytest.raises(InputError, match=r"language 'xx' is unknown; expected one of: en, es, ar"):
        tokenize("a", "xx")


@pytest.mark.parametrize(
    "text",
    [
        "x" * 100_000 + "'",
        "'" * 100_000,
        "1,1." * 30_000,
        "a'" * 50_000,
        "-a." * 40_000,
        "((" * 50_000 + "a",
        "a" + ")" * 100_000 + "b",
        "a@" * 50_000,
        ":" * 100_000,
    ],
    ids=range(9),
)
def test_absurd_words_cost_no_more_than_their_length(text: str) -> None:
    start = time.perf_counter()
    tokenize(text, "es")
    assert time.perf_counter() - start < 5  # a quadratic rule takes minutes
