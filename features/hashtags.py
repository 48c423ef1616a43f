"""Hashtags: left whole, without their sign, or cut where CamelCase begins a new word."""

import re
from itertools import pairwise

_HASHTAG = re.compile(r"[#＃]++(?=\w)(\w*+)")


def _begins(before: str, here: str, after: str) -> bool:
    """Tells whether a new word begins at a character: goodDay, BBCNews, day2."""
    if here.isdigit() != before.isdigit():
        return True
    return here.isupper() and (before.islower() or (before.isupper() and after.islower()))


def split_camel_case(body: str) -> str:
    """Cuts a hashtag's body into words: ``GoodDay2018_BBCNews`` -> ``Good Day 2018 BBC News``."""
    places = range(1, len(body))
    cuts = [p for p in places if _begins(body[p - 1], body[p], body[p + 1 : p + 2])]
    words = " ".join(body[start:end] for start, end in pairwise([0, *cuts, len(body)]))
    return " ".join(words.replace("_", " ").split())


def respell_hashtags(text: str, how: str) -> str:
    """Respells the hashtags of a text.

    Args:
        text: A piece of a text, with its capitals.
        how: ``keep``, ``body`` or ``split``, as in :class:`features.textrules.TextRules`.
    """
    if how == "keep":
        return text
    if how == "body":
        return _HASHTAG.sub(r"\1", text)
    return _HASHTAG.sub(lambda found: f" {split_camel_case(found[1])} ", text)
