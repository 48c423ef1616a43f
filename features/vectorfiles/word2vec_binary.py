"""word2vec's binary format: a header line, then each word and its values."""

import gzip
import zlib
from pathlib import Path

import numpy as np

from features.errors import InputError
from features.vectorfiles import Loaded, vector_format
from features.vectorfiles.header import sizes
from features.vectorfiles.match import Match
from features.vectorfiles.matrix import take_rows


def _check_header(path: Path) -> None:
    """Checks that a file can hold what it announces: gensim makes room for that before reading."""
    packed = path.suffix == ".gz"
    with gzip.open(path) if packed else path.open("rb") as file:
        header = file.readline(100)
    found = sizes(header.decode("utf-8", "replace").split())
    if found is None:
        raise ValueError(f"found {header[:40]!r}; expected the header 'WORDS DIMENSION'")
    words, dimension = found
    # A word has at least a blank and its values; deflate packs at most 1032 bytes into one.
    if words * (1 + 4 * dimension) > path.stat().st_size * (1032 if packed else 1):
        raise ValueError(
            f"the header announces {words} words of {dimension} values; expected no more than "
            "the file can hold"
        )


@vector_format("word2vec-binary")
def read_word2vec_binary(path: Path, match: Match) -> Loaded:
    """Reads all words with gensim and keeps those wanted; the file may be ``.gz``."""
    from gensim.models import KeyedVectors

    try:
        _check_header(path)
        loaded = KeyedVectors.load_word2vec_format(
            str(path),
            binary=True,
            unicode_errors="ignore",  # the widely used Twitter vectors hold words cut mid-character
        )
    except (ValueError, EOFError, OSError, AssertionError, zlib.error) as error:
        raise InputError(f"{path}: expected word2vec's binary format ({error})") from error
    return take_rows(path, loaded.index_to_key, np.asarray(loaded.vectors), match)
