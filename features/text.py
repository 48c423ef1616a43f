"""Tweet -> tokens, after TweetMotif, with emoji spelled out.

Emoji become their English CLDR short names in every language, split into words, *before*
tokenising: only so do the paper's longest texts (85 tokens in English, 82 in Spanish) come out.
Everything is lower-cased; what else folds is up to the language.
No maintained package follows TweetMotif's rules under a permissive licence; NLTK's tweet tokeniser
is of another lineage. So the rules are ours, in :mod:`features.scanner`.
"""

import html
import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import cache, lru_cache

from features.emojis import cut_at_emoji, name, symbol, without_tones
from features.hashtags import MARK, mark_boundaries, words_of
from features.languages import get_language
from features.scanner import scanner
from features.textrules import TextRules

TEXT_RULES = "2"
"""Raise this when any rule changes the tokens of any text: it is part of cache keys."""

PAPER = TextRules()
"""The rules as far as the paper tells them."""

# With its semicolon only: `&copy=1` is part of an address. `&amp;lt;` was escaped twice.
_ENTITY = re.compile(r"&(?:amp;|#38;)*(#\d{1,7}|#[xX][\da-fA-F]{1,6}|\w{2,32});")
# Joiners, variation selectors and tags that emoji leave behind, soft hyphens, marks of direction;
# and the mark that hashtags are given here.
_INVISIBLE = re.compile(
    "[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufdd0\ufe0e\ufe0f\ufeff"
    "\U000e0001-\U000e007f]"
)
_APOSTROPHE = re.compile("[’ʼ＇]|(?<=\\w)[´`](?=\\w)")
_GLUED = re.compile(r"(?<=\S)(?=https?://)")
_ELONGATED = re.compile(r"([^\W\d_])\1{3,}")


def _normal(text: str, language: str) -> str:
    """Gives one spelling to what counts as the same: apostrophes, case, compositions, folding."""
    text = _APOSTROPHE.sub("'", unicodedata.normalize("NFC", text)).lower()
    return unicodedata.normalize("NFC", get_language(language).fold(text))


def _unescape(text: str) -> str:
    while (once := _ENTITY.sub(lambda found: html.unescape(f"&{found[1]};"), text)) != text:
        text = once
    return text


def _shorten(word: str, rules: TextRules) -> str:
    return _ELONGATED.sub(r"\1\1\1", word) if rules.elongation == "shorten" else word


def _scan(text: str, language: str, rules: TextRules) -> Iterator[str]:
    scan = scanner(get_language(language).abbreviations)
    for chunk in text.split():
        for found in scan(chunk):
            token = found[0]
            if found.lastgroup == "hashtag":
                yield from (_shorten(word, rules) for word in words_of(token, rules.hashtags))
                continue
            if found.lastgroup == "mention" and rules.mentions == "mask":
                token = "@user"
            elif found.lastgroup in ("link", "domain") and rules.links == "mask":
                token = "http://url"
            elif found.lastgroup == "word":
                token = _shorten(token, rules)
            yield token.replace(MARK, "")


def _emoji_tokens(found: str, language: str, rules: TextRules) -> Iterator[str]:
    if rules.emoji != "names":
        yield symbol(found)
    if rules.emoji != "symbols":
        yield from _scan(name(found), language, rules)


def _cut(chunk: str, language: str, rules: TextRules) -> Iterator[str]:
    if rules.skin_tones == "drop":
        chunk = without_tones(chunk)
    for part, is_emoji in cut_at_emoji(chunk):
        if is_emoji:
            yield from _emoji_tokens(part, language, rules)
        elif (visible := _INVISIBLE.sub("", part)) != part:
            yield from _cut(visible, language, rules)  # what it held apart may be an emoji
        else:
            text = part.replace("\\n", " ")
            if rules.hashtags == "split":
                text = mark_boundaries(text)
            yield from _scan(_GLUED.sub(" ", _normal(text, language)), language, rules)


@cache
def tokenizer(language: str, rules: TextRules = PAPER) -> Callable[[str], list[str]]:
    """Makes what :func:`tokenize` does for one language: faster for many texts.

    Args:
        language: ISO 639 code; decides what is folded.
        rules: What may be chosen.

    Raises:
        InputError: When that is no code of a language.
    """
    get_language(language)

    @lru_cache(maxsize=1 << 17)  # texts repeat their words
    def cut(chunk: str) -> tuple[str, ...]:
        return tuple(_cut(chunk, language, rules))

    def tokens(text: str) -> list[str]:
        if "&" in text:
            text = _unescape(text)
        return [token for chunk in text.split() for token in cut(chunk)]

    return tokens


def tokenize(text: str, language: str, rules: TextRules = PAPER) -> list[str]:
    """Cuts a text into lower-case tokens.

    Mentions, hashtags, addresses, numbers, emoticons and words with an apostrophe stay whole,
    a run of punctuation is one token, quotes and brackets come off a word.

    Args:
        text: The raw text.
        language: ISO 639 code; decides what is folded.
        rules: What may be chosen.

    Returns:
        The tokens in order; empty for a text of blanks and invisible characters.

    Raises:
        InputError: When that is no code of a language.

    Example:
        >>> tokenize("Don't worry!!! 😀 #YOLO", "en")
        ["don't", 'worry', '!!!', 'grinning', 'face', '#yolo']
    """
    return tokenizer(language, rules)(text)


def fold_word(word: str, language: str) -> str:
    """Spells a lexicon entry the way :func:`tokenize` spells that word in a text."""
    return _normal(word.strip(), language)
