"""Hashtags: left whole, without their sign, or cut where CamelCase begins a new word.

What is a hashtag only the scanner knows, and it sees lower case. So boundaries are marked before.
"""

import re
from itertools import pairwise

MARK = "\ufdd0"
"""Stands at a boundary; a character that Unicode keeps out of texts."""

_CANDIDATE = re.compile(r"(?<=[#＃])\w+")


def _begins(before: str, here: str, after: str) -> bool:
    """Tells whether a new word begins at a character: goodDay, BBCNews, day2."""
    if here.isdigit() != before.isdigit():
        return True
    return here.isupper() and (before.islower() or (before.isupper() and after.islower()))


def split_camel_case(body: str) -> list[str]:
    """Cuts a hashtag's body into words: ``GoodDay2018_BBC`` -> ``Good Day 2018 BBC``."""
    places = range(1, len(body))
    cuts = [p for p in places if _begins(body[p - 1], body[p], body[p + 1 : p + 2])]
    words = [body[start:end].strip("_") for start, end in pairwise([0, *cuts, len(body)])]
    return [part for word in words for part in word.split("_") if part]


def mark_boundaries(text: str) -> str:
    """Marks where words begin in what may be a hashtag; the text has its capitals still."""
    return _CANDIDATE.sub(lambda found: MARK.join(split_camel_case(found[0])) or found[0], text)


def words_of(hashtag: str, how: str) -> list[str]:
    """Spells a hashtag as asked.

    Args:
        hashtag: In lower case, with marks where it is to be split.
        how: ``keep``, ``body`` or ``split``, as in :class:`features.textrules.TextRules`.
    """
    if how == "keep":
        return [hashtag]
    return hashtag[1:].split(MARK)
