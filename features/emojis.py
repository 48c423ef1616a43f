"""Emoji and their names, by the emoji package's data: every sequence of the current Unicode set."""

import re
from collections.abc import Iterator, Mapping
from functools import cache

from features.languages import strip_accents

# What any emoji has a character of: most words are known to hold none without looking further.
_MAYBE = re.compile("[\u00a9\u00ae\u203c-\u3299\ufe0f\U0001f000-\U0001ffff]")
_TONES = re.compile("[\U0001f3fb-\U0001f3ff]")
_NAMED = re.compile(r"[^\W_]+(?:'[^\W_]+)*|[#*]")


@cache
def _lengths() -> Mapping[str, list[int]]:
    """Lists how many characters the emoji have that begin with one, largest first."""
    import emoji

    lengths: dict[str, set[int]] = {}
    for sequence in emoji.EMOJI_DATA:
        lengths.setdefault(sequence[0], set()).add(len(sequence))
    return {first: sorted(found, reverse=True) for first, found in lengths.items()}


def _emoji_at(text: str, place: int) -> str:
    """Finds the longest emoji that begins at a place; empty if none does."""
    import emoji

    candidates = (text[place : place + n] for n in _lengths().get(text[place], ()))
    return next((each for each in candidates if each in emoji.EMOJI_DATA), "")


def cut_at_emoji(text: str) -> Iterator[tuple[str, bool]]:
    """Yields what a text consists of in order: (part, whether it is an emoji).

    Sequences (families, flags, keycaps, skin tones) are one emoji. Of a sequence that has no name
    its parts are.
    """
    start = 0
    if _MAYBE.search(text):
        place = 0
        while place < len(text):
            if found := _emoji_at(text, place):
                yield text[start:place], False
                yield found, True
                start = place = place + len(found)
            else:
                place += 1
    yield text[start:], False


def without_tones(text: str) -> str:
    """Takes skin tones off the emoji of a text."""
    return _TONES.sub("", text)


def symbol(found: str) -> str:
    """Spells an emoji one way, whether or not its presentation was asked for."""
    return found.replace("\ufe0f", "")


@cache
def name(found: str) -> str:
    """Spells an emoji as the words of its English CLDR short name, without accents or hyphens."""
    import emoji

    written: str = emoji.EMOJI_DATA[found]["en"]
    plain = strip_accents(written.strip(":").replace("_", " ").replace("’", "'")).lower()
    return " ".join(_NAMED.findall(plain))
