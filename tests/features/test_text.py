import emoji
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.errors import InputError
from features.hashtags import split_camel_case
from features.text import _INVISIBLE, fold_word, tokenize
from features.textrules import TextRules


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
        ("&amp;amp;lt;3 &copy=1 &nosuch;", ["<3", "&", "copy", "=", "1", "&", "nosuch", ";"]),
        # Symbols hold a word together from inside, and come off its edges.
        ("and/or semi-final AT&T ke$ha c++", ["and/or", "semi-final", "at&t", "ke$ha", "c++"]),
        ("*wow* -yes- ~", ["*", "wow", "*", "-", "yes", "-", "~"]),
        # Money, shares, times with their half of the day, dates, ordinals.
        ("$5 5€ £1,000.50 50% -3", ["$5", "5€", "£1,000.50", "50%", "-3"]),
        ("10:30pm 3rd 2018-10-11 1/2", ["10:30pm", "3rd", "2018-10-11", "1/2"]),
        ("Mr. Dr.No us.", ["mr.", "dr.", "no", "us", "."]),
        # Emoticons of west and east, hearts, arrows; glued to a word as well.
        ("XD :'( >:( :-* (: :3 :P", ["xd", ":'(", ">:(", ":-*", "(:", ":3", ":p"]),
        ("T_T (^_^) ^^ >_< -.-", ["t_t", "(^_^)", "^^", ">_<", "-.-"]),
        ("o.O u.u ಠ_ಠ ._.", ["o.o", "u.u", "ಠ_ಠ", "._."]),
        ("¯\\_(ツ)_/¯ (╯°□°)╯ \\o/", ["¯\\_(ツ)_/¯", "(╯°□°)╯", "\\o/"]),
        ("hello:) hey=) wow!:) ok^_^", ["hello", ":)", "hey", "=)", "wow", "!", ":)", "ok", "^_^"]),
        ("love<3 </3 <333 <30", ["love", "<3", "</3", "<333", "<", "30"]),
        ("a->b <- =>", ["a", "->", "b", "<-", "=>"]),
        ("♪♫ --- ***", ["♪♫", "---", "***"]),
        # An address begins wherever its scheme does.
        ("seehttp://t.co/x", ["see", "http://t.co/x"]),
        ("don´t don`t", ["don't", "don't"]),
        # Scripts whose vowels are marks of their own.
        ("हिन्दी भाषा", ["हिन्दी", "भाषा"]),
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
        ("❤️\u200dx", ["red", "heart", "x"]),  # a joiner that joins nothing
        ("❤\ufe0e", ["red", "heart"]),  # asked for as text
        ("#️⃣ *️⃣", ["keycap", "#", "keycap", "*"]),
        ("🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", ["england"]),
        ("👩‍❤️‍👨", ["couple", "with", "heart", "woman", "man"]),
        ("🕑 🚹", ["two", "o'clock", "men", "'s", "room"]),
    ],
)
def test_emoji_are_spelled_out_in_english_in_every_language(text: str, tokens: list[str]) -> None:
    for language in ("en", "es", "ar"):
        assert tokenize(text, language) == tokens


def test_every_emoji_has_words() -> None:
    for found in emoji.EMOJI_DATA:
        tokens = tokenize(found, "en")
        assert tokens
        assert all(t.replace("'", "").isalnum() or t in "#*" for t in tokens), (found, tokens)
        assert tokenize(found, "en", TextRules(emoji="symbols")) == [found.replace("\ufe0f", "")]


@pytest.mark.parametrize(
    ("choice", "tokens"),
    [
        ({}, "sooooo #goodday #bbc18_x thumbs up light skin tone @me x.com"),
        ({"hashtags": "body"}, "sooooo goodday bbc18_x thumbs up light skin tone @me x.com"),
        ({"hashtags": "split"}, "sooooo good day bbc 18 x thumbs up light skin tone @me x.com"),
        ({"elongation": "shorten"}, "sooo #goodday #bbc18_x thumbs up light skin tone @me x.com"),
        ({"emoji": "symbols"}, "sooooo #goodday #bbc18_x 👍🏻 @me x.com"),
        (
            {"emoji": "both", "skin_tones": "drop"},
            "sooooo #goodday #bbc18_x 👍 thumbs up @me x.com",
        ),
        (
            {"mentions": "mask", "links": "mask"},
            "sooooo #goodday #bbc18_x thumbs up light skin tone @user http://url",
        ),
    ],
)
def test_what_may_be_chosen(choice: dict[str, str], tokens: str) -> None:
    text = "Sooooo #GoodDay #BBC18_X 👍🏻 @Me x.com"
    assert tokenize(text, "en", TextRules.model_validate(choice)) == tokens.split()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("goodDay", "good Day"),
        ("_", ""),
        ("GoodDay", "Good Day"),
        ("BBCNews", "BBC News"),
        ("YOLO", "YOLO"),
        ("day2go", "day 2 go"),
        ("a__b_", "a b"),
        ("", ""),
        ("ÉxitoÑandú", "Éxito Ñandú"),
    ],
)
def test_camel_case(body: str, words: str) -> None:
    assert split_camel_case(body) == words.split()


def test_what_only_looks_like_a_hashtag_is_left_alone() -> None:
    for how in ("body", "split"):
        rules = TextRules.model_validate({"hashtags": how})
        for text in ("http://a.com/x#SomeThing", "a.com/#SomeThing", "##", "#_"):
            assert "".join(tokenize(text, "en", rules)) in (text.lower(), text.lower()[1:])
    rules = TextRules(hashtags="split")
    assert tokenize("http://a.com/x#SomeThing F#minorScale", "en", rules) == (
        ["http://a.com/x#something", "f", "minor", "scale"]
    )


def test_spanish_folds_accents_and_splits_its_own_punctuation() -> None:
    text = "¿Qué tal, señor? ¡¡Ñandú pingüino!! “Él”"
    assert tokenize(text, "es") == (
        ["¿", "que", "tal", ",", "senor", "?", "¡¡", "nandu", "pinguino", "!!", "“", "el", "”"]
    )
    assert tokenize("e\u0301xito", "es") == ["exito"]  # also when written decomposed


def test_english_keeps_accents_in_one_normal_form() -> None:
    assert tokenize("cafe\u0301 café", "en") == ["café", "café"]


def test_arabic_drops_vowel_marks_and_tatweel_and_unites_letters() -> None:
    assert tokenize("السَّلامُ عليـــكم؟", "ar") == ["السلام", "عليكم", "؟"]
    assert tokenize("أحمد إلى مدرسة", "ar") == ["احمد", "الي", "مدرسه"]


def test_a_language_without_rules_folds_nothing() -> None:
    assert tokenize("Übergröße, Straße!", "de") == ["übergröße", ",", "straße", "!"]


@pytest.mark.parametrize("word", ["Éxito", "señor", "don’t", "#Tag", "naïve"])
@pytest.mark.parametrize("language", ["en", "es", "ar"])
def test_lexicon_entries_are_spelled_as_tokens_are(word: str, language: str) -> None:
    assert [fold_word(f" {word} ", language)] == tokenize(word, language)


_PIECES = [
    *":;=-'o()/\\<>3^_.@#aB$5énxdT~*&+%s’´😀❤🏽🇪¿«♪—أßİſﷺ¯ツಠ° \u200d\ufe0f\ufe0e",
    *("...", "http://", "www.", "com", ".com", "co.uk", "10:30", "'s", "u.u", "مـ", "हि"),
    *("❤️", "👍🏽", "🇪🇸", "1️⃣"),
]
TEXTS = st.text() | st.lists(st.sampled_from(_PIECES), max_size=12).map("".join)
RULES = st.builds(
    TextRules,
    hashtags=st.sampled_from(["keep", "body", "split"]),
    elongation=st.sampled_from(["keep", "shorten"]),
    emoji=st.sampled_from(["names", "symbols"]),
    skin_tones=st.sampled_from(["keep", "drop"]),
    mentions=st.sampled_from(["keep", "mask"]),
    links=st.sampled_from(["keep", "mask"]),
)
LANGUAGES = st.sampled_from(["en", "es", "ar", "de"])


@settings(deadline=None)  # the first text loads the emoji names
@given(TEXTS, LANGUAGES, RULES)
def test_tokens_stay_what_they_are(text: str, language: str, rules: TextRules) -> None:
    tokens = tokenize(text, language, rules)
    assert all(tokens)
    assert not any(character.isspace() for token in tokens for character in token)
    assert tokens == [token.lower() for token in tokens]
    assert tokenize(f"  {text}\n", language, rules) == tokens
    assert tokenize(" ".join(tokens), language, rules) == tokens


@settings(deadline=None)
@given(TEXTS.filter(lambda text: "&" not in text and "\\n" not in text), LANGUAGES)
def test_no_character_is_lost(text: str, language: str) -> None:
    kept = tokenize(text, language, TextRules(emoji="symbols"))
    visible = "".join(_INVISIBLE.sub("", text).split())
    assert "".join(kept).replace("\u200d", "") == "".join(fold_word(visible, language).split())


def test_what_is_no_code_of_a_language() -> None:
    with pytest.raises(InputError, match=r"language 'Xx1': expected an ISO 639 code such as en"):
        tokenize("a", "Xx1")


@pytest.mark.timeout(20)  # a rule that costs the square of the length takes minutes
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
        "&#38;" * 30_000,
        "-._" * 40_000,
        "^.o" * 40_000,
        "www." + "." * 100_000,
        "<" * 100_000 + "3",
        "😀\u200d" * 30_000,
        "#" + "aA" * 50_000,
        "#" * 100_000,
        "#a" * 50_000,
    ],
    ids=range(18),
)
def test_absurd_words_cost_no_more_than_their_length(text: str) -> None:
    for rules in (TextRules(), TextRules(hashtags="split", elongation="shorten", emoji="both")):
        tokenize(text, "es", rules)
