"""NRC Emotion Lexicon (Mohammad and Turney 2013): ten flags per word.

The English file has a row for each word and emotion; the Spanish one a row for each English
source word with its translation last. One Spanish word may translate several English ones: it
has a flag if any of them has.

Columns: eight emotions, ``negative`` and ``positive``, each 0 or 1.
Licence: free for research, no redistribution; cite Mohammad and Turney, "Crowdsourcing a
word-emotion association lexicon", Computational Intelligence 29(3), 2013.
From: http://saifmohammad.com/WebPages/NRC-Emotion-Lexicon.htm
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from features.errors import InputError
from features.lexicons import Entry, fields_of, lexicon, number

COLUMNS = (
    "anger",
    "anticipation",
    "disgust",
    "fear",
    "joy",
    "negative",
    "positive",
    "sadness",
    "surprise",
    "trust",
)


@lexicon(
    "nrc-emolex",
    columns=COLUMNS,
    files={
        "en": [("NRC-Emotion-Lexicon-Wordlevel-v0.92.txt",)],
        "es": [("Spanish-NRC-EmoLex.txt",)],
    },
    merge={"es": "max"},
)
def read_emolex(paths: Sequence[Path], language: str) -> Iterator[Entry]:
    """Yields (word, ten flags)."""
    return _long(paths[0]) if language == "en" else _wide(paths[0])


def _long(path: Path) -> Iterator[Entry]:
    place = {column: index for index, column in enumerate(COLUMNS)}
    flags: dict[str, list[float]] = {}
    for line, (word, emotion, flag) in fields_of(path, 3, what="word, emotion, 0 or 1"):
        if emotion not in place:
            raise InputError(
                f"{path}, line {line}: emotion '{emotion}'; expected one of {', '.join(COLUMNS)}"
            )
        flags.setdefault(word, [0.0] * len(COLUMNS))[place[emotion]] = number(path, line, flag)
    yield from flags.items()


def _wide(path: Path) -> Iterator[Entry]:
    rows = fields_of(path, len(COLUMNS) + 2, what="English word, ten flags, translation")
    line, header = next(rows)
    if tuple(header[1:-1]) != COLUMNS:
        raise InputError(
            f"{path}, line {line}: the header's columns are {', '.join(header[1:-1])}; expected "
            f"{', '.join(COLUMNS)}"
        )
    for line, (_, *flags, word) in rows:
        yield word, [number(path, line, flag) for flag in flags]
