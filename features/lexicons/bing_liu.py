"""Bing Liu's opinion lexicon: 2,006 positive and 4,783 negative English words.

Format: two lists, one word a line, ISO-8859-1 (UTF-8 copies are told apart), ``;`` comments first.
Columns: ``positive``, ``negative``, each 0 or 1; three words are in both lists and have both.
Licence: free to use; cite Hu and Liu, "Mining and summarizing customer reviews", KDD 2004.
From: https://www.cs.uic.edu/~liub/FBS/sentiment-analysis.html
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from features.lexicons import Entry, lexicon
from features.lexicons.wordlists import polar_lists


@lexicon(
    "bing-liu",
    columns=("positive", "negative"),
    files={"en": [("positive-words.txt", "negative-words.txt")]},
    merge={"en": "max"},
)
def read_bing_liu(paths: Sequence[Path], language: str) -> Iterator[Entry]:
    """Yields (word, two flags).

    Which list a word is in is known from the file's name: comments are not to be relied on, there
    are copies of the positive list headed "Negative".

    Raises:
        InputError: When a file is empty or a line holds several columns.
    """
    return polar_lists(paths)
