"""Facebook's fastText models (``.bin``), which make a vector for any word from its n-grams.

So nearly every word of a corpus has a vector, also one that was never seen in training. The text
files without n-grams (``.vec``) are word2vec's format.
"""

import struct
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from features.errors import InputError
from features.vectorfiles import Loaded, vector_format
from features.vectorfiles.match import Match
from features.vectorfiles.matrix import take_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MAGIC = 793712314
_SETTINGS = 12 * 4 + 8  # bytes: twelve integers and a double


def _unpack(file: BinaryIO, form: str) -> tuple[int, ...]:
    size = struct.calcsize(form)
    packed = file.read(size)
    if len(packed) < size:
        raise EOFError("the file ends early")
    return struct.unpack(form, packed)


def _skip_words(file: BinaryIO, words: int) -> None:
    for _ in range(words):
        while (character := file.read(1)) != b"\0":
            if not character:
                raise EOFError("the file ends early")
        _unpack(file, "<qb")


def _check_whole(path: Path) -> None:
    """Checks what gensim takes on trust: a vocabulary that ends, a plain matrix that fits."""
    with path.open("rb") as file:
        magic, _ = _unpack(file, "<2i")
        if magic != _MAGIC:
            raise ValueError("it does not begin as such a file does; a packed one is not read")
        _unpack(file, f"<{_SETTINGS}x")
        words, _, labels = _unpack(file, "<3i")
        if labels:
            raise ValueError("it is a classifier, not word vectors")
        _, pruned = _unpack(file, "<2q")
        if pruned > 0:
            raise ValueError("it is a reduced model (.ftz); a full one is needed")
        _skip_words(file, words)
        quantised, rows, columns = _unpack(file, "<?2q")
        if quantised:
            raise ValueError("it is a quantised model (.ftz); a full one is needed")
    if rows < 0 or columns < 0 or 4 * rows * columns > path.stat().st_size:
        raise ValueError(f"it announces {rows} vectors of {columns} values, more than it can hold")


@vector_format("fasttext")
def read_fasttext(path: Path, match: Match) -> Loaded:
    """Reads the whole model with gensim, so it has to fit into memory.

    A word asked for that the model does not list gets the mean of its n-grams' vectors.
    """
    from gensim.models.fasttext import load_facebook_vectors

    try:
        _check_whole(path)
        model = load_facebook_vectors(str(path))
    except (ValueError, EOFError, OSError, AssertionError, struct.error) as error:
        raise InputError(f"{path}: expected a fastText model, .bin ({error})") from error
    listed = take_rows(path, model.index_to_key, model.vectors, match)
    # N-grams are those of "<word>"; a shorter word has none.
    composed = [w for w in match.missing() if model.bucket and len(w) + 2 >= model.min_n]
    rows: list[NDArray[np.float32]] = [model.get_vector(word)[None] for word in composed]
    matrix = np.concatenate([listed.matrix, *rows])
    return Loaded(listed.words + composed, matrix, listed.mean, listed.available)
