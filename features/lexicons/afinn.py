"""AFINN: how positive or negative 2,477 English words and phrases are (3,382 in AFINN-en-165).

Format: ``term<TAB>integer from -5 to 5``, UTF-8, no header.
Columns: ``valence``, the integer / 5, in [-1, 1].
Licence: ODbL; cite Nielsen, "A new ANEW: evaluation of a word list for sentiment analysis in
microblogs", ESWC 2011.
From: https://github.com/fnielsen/afinn
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from features.lexicons import Entry, fields_of, lexicon, number


@lexicon(
    "afinn",
    columns=("valence",),
    files={"en": [("AFINN-111.txt",), ("AFINN-en-165.txt",)]},
)
def read_afinn(paths: Sequence[Path], language: str) -> Iterator[Entry]:
    """Yields rows of ``word<TAB>integer``; no header."""
    for line, (word, score) in fields_of(paths[0], 2, what="word, score"):
        yield word, [number(paths[0], line, score) / 5]
