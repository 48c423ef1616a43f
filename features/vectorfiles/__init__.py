"""Files of ready-made word vectors; one format per file here.

A new format is one function in one new file: ``@vector_format(...)`` names it; the function reads
the vectors of the words asked for. Nothing else is edited.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from features.discovery import import_modules_of
from features.vectorfiles.match import Match

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Loaded:
    """What was read of a file.

    Attributes:
        words: The words that were asked for and have a vector, in the order of ``matrix``.
        matrix: ``[k, d]``, their vectors.
        mean: ``[d]``, the mean vector of the whole file.
        available: How many words the file has.
    """

    words: list[str]
    matrix: "NDArray[np.float32]"
    mean: "NDArray[np.float32]"
    available: int


Reader = Callable[[Path, Match], Loaded]
Companions = Callable[[Path], list[Path]]


def _alone(path: Path) -> list[Path]:
    return []


_FORMATS: dict[str, tuple[Reader, Companions]] = {}


def vector_format(name: str, *, companions: Companions = _alone) -> Callable[[Reader], Reader]:
    """Registers a reader: a function of (path, match) that asks the match which words to read.

    Args:
        name: As experiments write it.
        companions: Finds the files that belong to the one named, where a format has several.
    """

    def register(read: Reader) -> Reader:
        _FORMATS[name] = (read, companions)
        return read

    return register


def vector_formats() -> tuple[str, ...]:
    """Lists the names of the formats."""
    import_modules_of(__name__)
    return tuple(sorted(_FORMATS))


def vector_files(path: Path, form: str) -> list[Path]:
    """Lists a file of vectors and those that belong to it.

    Args:
        path: The file that was named.
        form: One of :func:`vector_formats`.
    """
    import_modules_of(__name__)
    _, companions = _FORMATS[form]
    return [path, *companions(path)]


def load(path: Path, form: str, wanted: set[str], language: str) -> Loaded:
    """Reads the vectors of some words.

    Args:
        path: The file.
        form: One of :func:`vector_formats`.
        wanted: The words, as tokens are spelled.
        language: ISO 639 code; decides how the file's words are folded to match.

    Raises:
        InputError: When the file is empty or damaged, a row has another number of values than
            the first, or a value is not finite.
    """
    import_modules_of(__name__)
    read, _ = _FORMATS[form]
    return read(path, Match(wanted, language))
