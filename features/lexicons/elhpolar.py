"""ElhPolar 1.0: 5,199 positive and negative Spanish words and phrases.

Format: ``term<TAB>positive|negative``, UTF-8, lines beginning with ``#`` are comments; ``_`` joins
the words of a phrase; a few rows have blanks for the tab.
Columns: ``positive``, ``negative``, each 0 or 1; terms that become one word without their accents
have what any of them has.
Licence: LGPL-LR; cite Saralegi and San Vicente, "Elhuyar at TASS 2013", SEPLN 2013.
From: the Elhuyar Foundation, https://www.elhuyar.eus
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from features.errors import InputError
from features.lexicons import Entry, lexicon
from features.lines import read_lines

_FLAGS = {"positive": (1.0, 0.0), "negative": (0.0, 1.0)}


@lexicon(
    "elhpolar",
    columns=("positive", "negative"),
    files={"es": [("ElhPolar_esV1.lex",)]},
    merge={"es": "max"},
)
def read_elhpolar(paths: Sequence[Path], language: str) -> Iterator[Entry]:
    """Yields (term, two flags).

    Raises:
        InputError: When a row is not a term and its polarity.
    """
    path = paths[0]
    for line, row in read_lines(path):
        if not row.strip() or row.startswith("#"):
            continue
        match row.split():
            case [term, polarity] if polarity in _FLAGS:
                yield term.replace("_", " "), _FLAGS[polarity]
            case _:
                raise InputError(
                    f"{path}, line {line}: '{row.strip()}'; expected a term and one of "
                    f"{', '.join(_FLAGS)}"
                )
