"""Sentiment140 lexicon of NRC Canada: 62,468 unigrams of tweets and how positive they sound.

Format: ``term<TAB>score<TAB>number of positive<TAB>number of negative tweets``, UTF-8, no header;
terms include mentions, hashtags and emoticons. The NRC hashtag sentiment lexicon has a file of the
same name, so the folder's name belongs to this one's.
Columns: ``score``, the official score / 5, in [-1, 1]: association with positive less that with
negative emoticons; 1 or -1 for terms that were seen with one kind only.
Licence: research use, no redistribution; cite Mohammad, Kiritchenko and Zhu, "NRC-Canada: building
the state-of-the-art in sentiment analysis of tweets", SemEval 2013.
From: http://saifmohammad.com/WebPages/lexicons.html
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from features.errors import InputError
from features.lexicons import Entry, fields_of, lexicon, number

_LARGEST = 5


@lexicon(
    "sentiment140",
    columns=("score",),
    files={
        "en": [
            ("Sentiment140-Lexicon-v0.1/unigrams-pmilexicon.txt",),
            ("sentiment140/unigrams-pmilexicon.txt",),
        ]
    },
)
def read_sentiment140(paths: Sequence[Path], language: str) -> Iterator[Entry]:
    """Yields (term, score).

    Raises:
        InputError: When a row has not four columns or its score is beyond 5.
    """
    path = paths[0]
    what = "term, score, number positive, number negative"
    for line, (term, field, _, _) in fields_of(path, 4, what=what):
        score = number(path, line, field)
        if abs(score) > _LARGEST:
            raise InputError(
                f"{path}, line {line}: the score is '{field}'; expected -{_LARGEST} to {_LARGEST}"
            )
        yield term, [score / _LARGEST]
