"""NRC hashtag emotion lexicon 0.2: 16,862 words of tweets, scored for eight emotions.

Format: terms of use as free text, then ``emotion<TAB>word<TAB>score``, UTF-8; the rows begin with
the first line of three tab-separated columns. Words include mentions and hashtags.
Columns: the emotions ``anger`` to ``trust``; the official score, positive (to 2.69 in version 0.2):
how much the word goes with that emotion's hashtag; 0 where there is no row.
Licence: free for research, no redistribution; cite Mohammad and Kiritchenko, "Using hashtags to
capture fine emotion categories from tweets", Computational Intelligence 31(2), 2015.
From: http://saifmohammad.com/WebPages/lexicons.html
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from features.errors import InputError
from features.lexicons import Entry, lexicon, number
from features.lines import read_lines

COLUMNS = (
    "anger",
    "anticipation",
    "disgust",
    "fear",
    "joy",
    "sadness",
    "surprise",
    "trust",
)


@lexicon(
    "nrc-hashtag-emotion",
    columns=COLUMNS,
    files={"en": [("NRC-Hashtag-Emotion-Lexicon-v0.2.txt",)]},
)
def read_hashtag_emotion(paths: Sequence[Path], language: str) -> Iterator[Entry]:
    """Yields (word, eight scores).

    Raises:
        InputError: When a row has not three columns, an unknown emotion, or a score that is not
            a number from 0.
    """
    path = paths[0]
    scores: dict[str, list[float]] = {}
    for line, emotion, word, field in _rows(path):
        if emotion not in COLUMNS:
            raise InputError(
                f"{path}, line {line}: emotion '{emotion}'; expected one of {', '.join(COLUMNS)}"
            )
        score = number(path, line, field)
        if score < 0:
            raise InputError(f"{path}, line {line}: the score is '{field}'; expected 0 or more")
        scores.setdefault(word, [0.0] * len(COLUMNS))[COLUMNS.index(emotion)] = score
    yield from scores.items()


def _rows(path: Path) -> Iterator[tuple[int, str, str, str]]:
    begun = False
    for line, text in read_lines(path):
        match text.split("\t"):
            case [emotion, word, score]:
                begun = True
                yield line, emotion, word, score
            case fields if begun and text:
                raise InputError(
                    f"{path}, line {line}: {len(fields)} tab-separated columns; expected 3 "
                    "(emotion, word, score)"
                )
