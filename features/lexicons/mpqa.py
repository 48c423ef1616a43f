"""MPQA subjectivity lexicon: 8,221 subjectivity clues, 6,885 distinct words.

Format: blank-separated ``key=value`` pairs, of which ``type``, ``word1`` and ``priorpolarity`` are
used; other keys, repeated keys and stray marks, as a few official rows have them, are ignored.
Columns: ``positive``, ``negative``, 1 if the prior polarity is that or ``both``, 0 otherwise;
``strength``, 1 for ``strongsubj``, 0.5 for ``weaksubj``, also of neutral words. A word has a row
for each part of speech; its values are the means over them, so all columns lie in [0, 1].
``stemmed1=y`` means that a clue stands for its inflections; it is matched as written alone.
Licence: GPL; cite Wilson, Wiebe and Hoffmann, "Recognizing contextual polarity in phrase-level
sentiment analysis", HLT-EMNLP 2005.
From: https://mpqa.cs.pitt.edu/lexicons/subj_lexicon/
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from features.errors import InputError
from features.lexicons import Entry, lexicon
from features.lines import read_lines

T = TypeVar("T")

_STRENGTH = {"strongsubj": 1.0, "weaksubj": 0.5}
_POLARITY = {
    "positive": (1.0, 0.0),
    "negative": (0.0, 1.0),
    "weakneg": (0.0, 1.0),  # one official row says so; its strength is in its type
    "both": (1.0, 1.0),
    "neutral": (0.0, 0.0),
}


@lexicon(
    "mpqa",
    columns=("positive", "negative", "strength"),
    files={"en": [("subjclueslen1-HLTEMNLP05.tff",)]},
)
def read_mpqa(paths: Sequence[Path], language: str) -> Iterator[Entry]:
    """Yields (word, two polarities and the strength), once for each part of speech.

    Raises:
        InputError: When a row lacks one of the three keys or has an unknown value.
    """
    path = paths[0]
    for line, row in read_lines(path):
        if not row.strip():
            continue
        values = dict(pair.split("=", 1) for pair in row.split() if "=" in pair)
        strength = _value(path, line, values, "type", _STRENGTH)
        polarity = _value(path, line, values, "priorpolarity", _POLARITY)
        if not values.get("word1"):
            raise InputError(f"{path}, line {line}: no word1=; expected the clue's word there")
        yield values["word1"], (*polarity, strength)


def _value(path: Path, line: int, values: dict[str, str], key: str, known: dict[str, T]) -> T:
    if values.get(key) not in known:
        raise InputError(
            f"{path}, line {line}: {key} is '{values.get(key, '')}'; expected {key}= and one of "
            f"{', '.join(known)}"
        )
    return known[values[key]]
