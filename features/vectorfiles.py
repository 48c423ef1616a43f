"""Ready-made word vectors in word2vec's and GloVe's formats."""

import gzip
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from features.errors import InputError
from features.lines import read_lines
from features.text import fold_word

if TYPE_CHECKING:
    from numpy.typing import NDArray


class _Match:
    """Decides which words of a file stand for the words asked for.

    Files may keep capitals and accents that tokens have lost: a word counts under its folded
    spelling, unless the file has that very spelling too. Of equals the first, most frequent, wins.
    """

    def __init__(self, wanted: set[str], language: str) -> None:
        self._wanted, self._language = wanted, language
        self._exact: dict[str, int] = {}
        self._folded: dict[str, int] = {}

    def offer(self, word: str, place: int) -> bool:
        """Takes note of a word of the file; tells whether it may be needed."""
        if word in self._wanted:
            return self._exact.setdefault(word, place) == place
        folded = fold_word(word, self._language)
        return folded in self._wanted and self._folded.setdefault(folded, place) == place

    def places(self) -> dict[str, int]:
        """Gives the place of each word found."""
        return self._folded | self._exact


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


def load(path: Path, form: str, wanted: set[str], language: str) -> Loaded:
    """Reads the vectors of some words.

    Args:
        path: The file, plain or ``.gz``.
        form: ``word2vec``, ``word2vec-binary`` or ``glove``.
        wanted: The words, as tokens are spelled.
        language: Two-letter code; decides how the file's words are folded to match.

    Raises:
        InputError: When the file is empty or damaged, a row has another number of values than
            the first, or a value is not finite.
    """
    match = _Match(wanted, language)
    if form == "word2vec-binary":
        return _load_binary(path, match)
    return _load_text(path, match, header=form == "word2vec")


def _sizes(fields: list[str]) -> tuple[int, int] | None:
    """Reads the header ``WORDS DIMENSION``; None where it is something else."""
    if len(fields) != 2 or not all(f.isascii() and f.isdigit() and len(f) < 19 for f in fields):
        return None
    return int(fields[0]), int(fields[1])


def _load_text(path: Path, match: _Match, *, header: bool) -> Loaded:
    """Keeps only what is wanted: the usual files hold more words than memory should."""
    rows: dict[int, NDArray[np.float32]] = {}
    total: NDArray[np.float64] | None = None
    available, announced, dimension = 0, None, None
    for number, line in read_lines(path):
        word, *fields = line.rstrip(" ").split(" ")
        if header and number == 1:
            sizes = _sizes([word, *fields])
            if sizes is None:
                raise InputError(
                    f"{path}, line 1: found '{line[:60]}'; expected the header 'WORDS DIMENSION'"
                )
            announced, dimension = sizes
            continue
        if dimension is None:
            dimension = len(fields)
        if len(fields) != dimension:
            raise InputError(f"{path}, line {number}: {len(fields)} values; expected {dimension}")
        if total is None:  # only now: a header may announce more than there is memory
            total = np.zeros(dimension)
        try:
            with np.errstate(over="ignore"):  # what is too large becomes infinite
                vector = np.array(fields, dtype=np.float32)
        except ValueError as error:
            raise InputError(f"{path}, line {number}: {error}; expected numbers") from error
        if not np.isfinite(vector).all():
            raise InputError(
                f"{path}, line {number}: the vector of '{word}' holds a value that is not finite; "
                "expected numbers"
            )
        total += vector
        available += 1
        if match.offer(word, number):
            rows[number] = vector
    if announced is not None and announced != available:
        raise InputError(f"{path}: {available} words; expected {announced} as in the header")
    if total is None or available == 0 or len(total) == 0:
        raise InputError(f"{path}: expected word vectors, found none")
    places = match.places()
    matrix = np.array([rows[place] for place in places.values()], dtype=np.float32)
    return Loaded(
        list(places),
        matrix.reshape(len(places), len(total)),
        (total / available).astype(np.float32),
        available,
    )


def _check_binary_header(path: Path) -> None:
    """Checks that a file can hold what it announces: gensim makes room for that before reading."""
    packed = path.suffix == ".gz"
    with gzip.open(path) if packed else path.open("rb") as file:
        header = file.readline(100)
    sizes = _sizes(header.decode("utf-8", "replace").split())
    if sizes is None:
        raise ValueError(f"found {header[:40]!r}; expected the header 'WORDS DIMENSION'")
    words, dimension = sizes
    # A word has at least a blank and its values; deflate packs at most 1032 bytes into one.
    if words * (1 + 4 * dimension) > path.stat().st_size * (1032 if packed else 1):
        raise ValueError(
            f"the header announces {words} words of {dimension} values; expected no more than "
            "the file can hold"
        )


def _load_binary(path: Path, match: _Match) -> Loaded:
    from gensim.models import KeyedVectors

    try:
        _check_binary_header(path)
        loaded = KeyedVectors.load_word2vec_format(
            str(path),
            binary=True,
            unicode_errors="ignore",  # the widely used Twitter vectors hold words cut mid-character
        )
    except (ValueError, EOFError, OSError, AssertionError, zlib.error) as error:
        raise InputError(f"{path}: expected word2vec's binary format ({error})") from error
    vectors: NDArray[np.float32] = np.asarray(loaded.vectors, dtype=np.float32)
    if vectors.size == 0:
        raise InputError(f"{path}: expected word vectors, found none")
    finite = np.isfinite(vectors).all(axis=1)
    if not finite.all():
        place = int(finite.argmin())
        raise InputError(
            f"{path}: the vector of '{loaded.index_to_key[place]}' (word {place + 1}) holds a "
            "value that is not finite; expected numbers"
        )
    for row, word in enumerate(loaded.index_to_key):
        match.offer(word, row)
    places = match.places()
    matrix = vectors[list(places.values())]
    return Loaded(list(places), matrix, vectors.mean(axis=0), len(vectors))
