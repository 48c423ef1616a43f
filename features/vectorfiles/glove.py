"""GloVe's text format: a row to each word, no header."""

from pathlib import Path

from features.vectorfiles import Loaded, vector_format
from features.vectorfiles.match import Match
from features.vectorfiles.rows import read_rows


@vector_format("glove")
def read_glove(path: Path, match: Match) -> Loaded:
    """Reads rows; the file may be ``.gz``."""
    return read_rows(path, match, header=False)
