"""A list of positive and a list of negative words; and text whose encoding shows in its bytes."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from features.errors import InputError
from features.lexicons import Entry


def either_encoding(path: Path) -> Iterator[tuple[int, str]]:
    """Yields (1-based line number, line without its line end).

    The file is UTF-8 if all of it is valid UTF-8, ISO-8859-1 otherwise: text in ISO-8859-1 that
    has letters beyond ASCII is all but never valid UTF-8.

    Raises:
        InputError: When the file cannot be read or is empty.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    if not content:
        raise InputError(f"{path}: the file is empty; expected rows of text")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("iso-8859-1")
    for number, line in enumerate(text.split("\n"), start=1):
        yield number, line.removesuffix("\r")


def polar_lists(paths: Sequence[Path]) -> Iterator[Entry]:
    """Yields (word, flags positive and negative) of two lists, the positive one first.

    One word a line; blank lines and those beginning with ``;`` are skipped.

    Raises:
        InputError: As :func:`either_encoding`, and for a line that looks like several columns.
    """
    for path, flags in zip(paths, ((1.0, 0.0), (0.0, 1.0)), strict=True):
        for number, line in either_encoding(path):
            word = line.strip()
            if not word or word.startswith(";"):
                continue
            if any(mark in word for mark in "\t,;"):
                raise InputError(f"{path}, line {number}: '{word}'; expected one word a line")
            yield word, flags
