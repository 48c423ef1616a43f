"""Text files with a row ``WORD VALUE VALUE ...`` to each word."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from features.errors import InputError
from features.lines import read_lines
from features.vectorfiles import Loaded
from features.vectorfiles.header import sizes
from features.vectorfiles.match import Match

if TYPE_CHECKING:
    from numpy.typing import NDArray


def read_rows(path: Path, match: Match, *, header: bool) -> Loaded:
    """Keeps only what is wanted: the usual files hold more words than memory should.

    Args:
        path: The file, plain or ``.gz``.
        match: Decides which rows to keep.
        header: Whether the first line is ``WORDS DIMENSION``.

    Raises:
        InputError: As :func:`features.vectorfiles.load`.
    """
    rows: dict[int, NDArray[np.float32]] = {}
    total: NDArray[np.float64] | None = None
    available, announced, dimension = 0, None, None
    for number, line in read_lines(path):
        word, *fields = line.rstrip(" ").split(" ")
        if header and number == 1:
            found = sizes([word, *fields])
            if found is None:
                raise InputError(
                    f"{path}, line 1: found '{line[:60]}'; expected the header 'WORDS DIMENSION'"
                )
            announced, dimension = found
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
