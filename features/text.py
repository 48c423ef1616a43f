"""Tweet -> tokens, after TweetMotif, with emoji spelled out.

Emoji become their English CLDR short names in every language, split into words, *before*
tokenising: only so do the paper's longest texts (85 tokens in English, 82 in Spanish) come out.
Everything is lower-cased; what else folds is up to the language.
The rules are written from a description of TweetMotif (O'Connor, Krieger and Ahn 2010).
"""

import html
import re
import unicodedata
from functools import lru_cache

from features.languages import get_language, strip_accents

TEXT_RULES = "1"
"""Raise this when any rule below changes the tokens of any text: it is part of cache keys."""

_RUN = "['\"“”‘.?!,:;…¿¡؟،؛]+"
_EDGE = r"['\"“”‘<>«»{}()\[\]]+"

# Quotes and brackets glued to the outside of a word.
_LEFT_EDGE = re.compile(rf"^({_EDGE})(?=[\w@#])")
_RIGHT_EDGE = re.compile(rf"(?<=\w)({_EDGE})(?=[.?!,:;…]|$)")
_POSSESSIVE = re.compile(r"(?<=\w)('[sS])$")

# Joiners and variation selectors that emoji without a name leave behind, and marks of direction.
_INVISIBLE = re.compile("[\u200b-\u200f\u2060-\u2069\ufe0f\ufeff]")

# One pass, leftmost first and in this order: what matches stays whole, whatever it holds.
# Looking behind and possessive quantifiers keep absurdly long words from costing their square.
_PROTECTED = re.compile(
    "|".join(
        [
            r"[:=;][oO\-]?(?:[pPdDoO](?!\w)|[)\]/\\(\[]+)",  # emoticons
            r"(?:https?://|www\.)\S*[\w/=&#%~-]",
            r"(?<![\w.@-])[a-zA-Z0-9][\w.@-]*\.(?:com|co\.uk|org|net|info|ca)(?!\w)(?:/\S*)?",
            r"&(?:amp|lt|gt|quot);",  # entities that were escaped twice
            r"(?<!\d)(?:\d++(?:[:.]\d++)+|\d++(?:,\d{3})+(?:\.\d++)?)",  # times and numbers
            r"(?<!\w)(?:[a-zA-Z]\.){2,}(?:[a-zA-Z](?!\w))?",  # dotted abbreviations
            r"(?:[@#]|(?<!\w))\w++(?:'\w++)+",  # words with an apostrophe inside
            _RUN,
            r"-{2,}|―+|—+|–+",  # separators
            r"[♪♫♬]+",  # decorations
        ]
    )
)


def _spell_out(characters: str, data: dict[str, str]) -> str:
    name = data["en"].strip(":").replace("_", " ").replace("-", " ")
    return f" {strip_accents(name).lower()} "


def _expand_emoji(chunk: str) -> str:
    import emoji

    return _INVISIBLE.sub("", emoji.replace_emoji(chunk, replace=_spell_out))


def _cut_word(word: str) -> list[str]:
    if word.isalnum():
        return [word.lower()]
    word = _LEFT_EDGE.sub(r"\1 ", word)
    word = _RIGHT_EDGE.sub(r" \1 ", word)
    parts = _PROTECTED.sub(r" \g<0> ", word).split()
    return " ".join(_POSSESSIVE.sub(r" \1", part) for part in parts).lower().split()


def _respell(text: str, language: str) -> str:
    text = unicodedata.normalize("NFC", text).replace("’", "'")
    return get_language(language).fold(text)


@lru_cache(maxsize=1 << 17)
def _cut(chunk: str, language: str) -> tuple[str, ...]:
    """Cuts what stands between two blanks; cached, because texts repeat their words."""
    if not chunk.isascii():
        chunk = _respell(_expand_emoji(chunk), language)
    return tuple(token for word in chunk.split() for token in _cut_word(word))


def tokenize(text: str, language: str) -> list[str]:
    """Cuts a text into lower-case tokens.

    Mentions, hashtags, addresses, numbers, emoticons and words with an apostrophe stay whole,
    a run of punctuation is one token, quotes and brackets come off a word's edges.

    Args:
        text: The raw text.
        language: Two-letter code; decides what is folded.

    Returns:
        The tokens in order; empty for a blank text.

    Raises:
        InputError: When the language is not known.

    Example:
        >>> tokenize("Don't worry!!! 😀 #YOLO", "en")
        ["don't", 'worry', '!!!', 'grinning', 'face', '#yolo']
    """
    get_language(language)
    if "&" in text:
        text = html.unescape(text)
    text = text.replace("\\n", " ")
    return [token for chunk in text.split() for token in _cut(chunk, language)]


def fold_word(word: str, language: str) -> str:
    """Spells a lexicon entry the way :func:`tokenize` spells that word in a text."""
    return _respell(word.strip(), language).lower()
