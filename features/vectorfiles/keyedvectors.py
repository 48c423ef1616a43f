"""gensim's own format: what ``KeyedVectors.save`` writes.

It is a pickle, and large vectors lie beside it in ``NAME.vectors.npy``. A pickle may call anything
when it is read, so here it may only make what such a file consists of.
"""

import pickle
from pathlib import Path
from typing import Any

import numpy as np

from features.errors import InputError
from features.vectorfiles import Loaded, vector_format
from features.vectorfiles.match import Match
from features.vectorfiles.matrix import take_rows


class _Saved:
    """Takes the attributes of the saved object; gensim's own class is not needed."""

    index_to_key: object = None
    vectors: object = None


_make_array = np.empty(0).__reduce__()[0]

_ADMITTED = {
    ("gensim.models.keyedvectors", "KeyedVectors"): _Saved,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("numpy.core.multiarray", "_reconstruct"): _make_array,  # up to NumPy 1
    ("numpy._core.multiarray", "_reconstruct"): _make_array,
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ADMITTED:
            raise pickle.UnpicklingError(f"found {module}.{name} in it")
        return _ADMITTED[module, name]


def _vectors_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.vectors.npy")


def _companions(path: Path) -> list[Path]:
    return [_vectors_of(path)] if _vectors_of(path).is_file() else []


def _read_pickle(path: Path) -> _Saved:
    try:
        with path.open("rb") as file:
            saved = _Unpickler(file).load()
    except Exception as error:  # a damaged pickle raises whatever its bytes happen to ask for
        what = " ".join(str(error).split()) or type(error).__name__
        raise InputError(
            f"{path}: expected KeyedVectors as gensim 4 saves them, model.wv.save(...) ({what})"
        ) from error
    if not isinstance(saved, _Saved):
        raise InputError(
            f"{path}: expected KeyedVectors as gensim 4 saves them, model.wv.save(...), found "
            f"{type(saved).__name__}"
        )
    return saved


@vector_format("keyedvectors", companions=_companions)
def read_keyedvectors(path: Path, match: Match) -> Loaded:
    """Maps the vectors and copies those wanted; small ones lie in the pickle itself."""
    saved = _read_pickle(path)
    words, vectors = saved.index_to_key, saved.vectors
    if vectors is None:
        beside = _vectors_of(path)
        try:
            vectors = np.load(beside, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise InputError(f"{beside}: expected the vectors of {path.name} ({error})") from error
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise InputError(f"{path}: expected a list of words in it, found none")
    if not (
        isinstance(vectors, np.ndarray)
        and np.issubdtype(vectors.dtype, np.floating)
        and vectors.ndim == 2
        and len(vectors) == len(words)
    ):
        raise InputError(f"{path}: expected a vector of numbers for each of {len(words)} words")
    return take_rows(path, words, vectors, match)
