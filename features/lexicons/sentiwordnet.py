"""SentiWordNet 3.0: how positive and how negative each of 117,659 WordNet synsets is.

Format: ``POS<TAB>ID<TAB>PosScore<TAB>NegScore<TAB>SynsetTerms<TAB>Gloss``, UTF-8, lines beginning
with ``#`` are comments; terms are ``word#sense``, separated by blanks, with ``_`` between the words
of a compound. The gloss is not used and may be empty. Scores have up to three decimals; ``125``,
as one row of a copy has it, has lost its ``0.``.
Columns: ``positive``, ``negative``, in [0, 1]: the mean over all senses of a word, in all parts of
speech, weighted by 1 / sense number, since senses are numbered from the commonest of each part of
speech. Words are lemmas, and match texts as written alone.
Licence: CC BY-SA; cite Baccianella, Esuli and Sebastiani, "SentiWordNet 3.0: an enhanced lexical
resource for sentiment analysis and opinion mining", LREC 2010.
From: https://github.com/aesuli/SentiWordNet
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from features.errors import InputError
from features.lexicons import Entry, fields_of, lexicon, number

_COLUMNS = "POS, ID, PosScore, NegScore, SynsetTerms, Gloss"


@lexicon(
    "sentiwordnet",
    columns=("positive", "negative"),
    files={
        "en": [
            ("SentiWordNet_3.0.0.txt",),
            ("SentiWordNet_3.0.0_20130122.txt",),
            ("SentiWordNet_3.0.0.noglosses.txt.gz",),
        ]
    },
)
def read_sentiwordnet(paths: Sequence[Path], language: str) -> Iterator[Entry]:
    """Yields (word, two means).

    Raises:
        InputError: When a row has not six columns, a score is not 0 to 1, or a term has no sense
            number.
    """
    path = paths[0]
    sums: dict[str, list[float]] = {}
    for line, row in fields_of(path, 6, what=_COLUMNS, comment="#"):
        positive, negative = (_score(path, line, field) for field in row[2:4])
        for term in row[4].split():
            word, mark, sense = term.rpartition("#")
            if not (word and mark and sense.isdecimal() and int(sense)):
                raise InputError(f"{path}, line {line}: term '{term}'; expected word#sense")
            weight = 1 / int(sense)
            summed = sums.setdefault(word, [0.0, 0.0, 0.0])
            summed[0] += weight * positive
            summed[1] += weight * negative
            summed[2] += weight
    for word, (positive, negative, weight) in sums.items():
        yield word.replace("_", " "), [positive / weight, negative / weight]


def _score(path: Path, line: int, field: str) -> float:
    lost = len(field) == 3 and field.isdecimal()
    score = number(path, line, f"0.{field}" if lost else field)
    if not 0 <= score <= 1:
        raise InputError(f"{path}, line {line}: the score is '{field}'; expected 0 to 1")
    return score
