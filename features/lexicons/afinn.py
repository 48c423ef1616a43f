"""AFINN (Nielsen 2011): valence from -5 to 5; here divided by 5."""

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
