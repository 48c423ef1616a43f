"""word2vec's text format: a header ``WORDS DIMENSION``, then a row to each word.

fastText's ``.vec`` files are the same.
"""

from pathlib import Path

from features.vectorfiles import Loaded, vector_format
from features.vectorfiles.match import Match
from features.vectorfiles.rows import read_rows


@vector_format("word2vec")
def read_word2vec(path: Path, match: Match) -> Loaded:
    """Reads rows after a header; the file may be ``.gz``."""
    return read_rows(path, match, header=True)
