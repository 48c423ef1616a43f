"""Header and rows of a labelled file, checked: distinct names, labels that are 0 or 1."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from features.corpora import Texts
from features.errors import InputError

# As pandas writes integers, floats and truth values.
_BINARY = {"0": 0, "1": 1, "0.0": 0, "1.0": 1, "False": 0, "True": 1, "false": 0, "true": 1}


def check_distinct(path: Path, numbered: Iterable[tuple[int, str]]) -> None:
    """Checks that no id occurs twice.

    Args:
        path: The file, for the message.
        numbered: (line number, id) of every row.

    Raises:
        InputError: Naming both lines.
    """
    first: dict[str, int] = {}
    for number, name in numbered:
        if name in first:
            raise InputError(
                f"{path}, line {number}: id '{name}' was already on line {first[name]}; "
                "expected every id once"
            )
        first[name] = number


def check_header(path: Path, names: Sequence[str]) -> None:
    """Checks that every column has a name of its own: of two, nobody could say which is meant.

    Raises:
        InputError: Naming the first column that is not so.
    """
    unnamed = next((place for place, name in enumerate(names, 1) if not name.strip()), None)
    if unnamed is not None:
        raise InputError(
            f"{path}: the header has no name for column {unnamed} (an index that pandas "
            "wrote?); expected a name for every column"
        )
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(
            f"{path}: the header has column '{twice}' twice; expected every column once"
        )


def binary(path: Path, number: int, label: str, value: object) -> int:
    """Reads one label value.

    Args:
        path: The file, for the message.
        number: Line number, for the message.
        label: Label name, for the message.
        value: A number or truth value equal to 0 or 1, or a string that spells one.

    Raises:
        InputError: For anything else.
    """
    if isinstance(value, str) and value in _BINARY:
        return _BINARY[value]
    if isinstance(value, bool | int | float) and value in (0, 1):
        return int(value)
    raise InputError(f"{path}, line {number}: label {label} is {value!r}; expected 0 or 1")


def to_texts(path: Path, rows: list[tuple[int, str, str, list[int]]], labels: int) -> Texts:
    """Collects checked rows of (line number, id, text, label values) into a split.

    Raises:
        InputError: For a repeated id.
    """
    check_distinct(path, ((number, name) for number, name, _, _ in rows))
    values = np.array([row[3] for row in rows], dtype=np.uint8).reshape(len(rows), labels)
    return Texts([row[1] for row in rows], [row[2] for row in rows], values)
