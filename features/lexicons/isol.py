"""iSOL, improved Spanish opinion lexicon: 2,509 positive and 5,626 negative word forms.

Format: two lists, one word a line, ISO-8859-1 (UTF-8 copies are told apart), without accents
but with ñ; Spanish texts lose both, so do these words.
Columns: ``positive``, ``negative``, each 0 or 1; a word that is in both lists has both.
Licence: research use; cite Molina-González, Martínez-Cámara, Martín-Valdivia and Perea-Ortega,
"Semantic orientation for polarity classification in Spanish reviews", Expert Systems with
Applications 40(18), 2013.
From: the SINAI group of the University of Jaén, https://sinai.ujaen.es
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from features.lexicons import Entry, lexicon
from features.lexicons.wordlists import polar_lists


@lexicon(
    "isol",
    columns=("positive", "negative"),
    files={"es": [("positivas_mejorada.csv", "negativas_mejorada.csv")]},
    merge={"es": "max"},
)
def read_isol(paths: Sequence[Path], language: str) -> Iterator[Entry]:
    """Yields (word, two flags).

    Raises:
        InputError: When a file is empty or a line holds several columns.
    """
    return polar_lists(paths)
