"""Another system's outputs, as a table holds them, set beside the texts of a run."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from results.errors import RecordError
from results.run import Run

_CERTAIN = 1000.0
"""The logit of probability 1: further out than that of any other probability a float can hold."""

_LARGEST = float(np.finfo(np.float32).max)

_NAMED = 3
"""Ids that a message names."""

Logits = NDArray[np.float32]

Pair = tuple[str, str]
"""Corpus and language."""

Known = dict[Pair, dict[str, tuple[str, int]]]
"""Split and place of texts by id, for each corpus and language."""


class Rows(Protocol):
    """A table with a row a text, such as `features.tables.Columns`."""

    @property
    def path(self) -> Path:
        """The file."""

    @property
    def lines(self) -> Sequence[int]:
        """Line number of each row."""

    def __getitem__(self, name: str) -> list[Any]:
        """A column's values."""


def read_ids(rows: Rows) -> list[str]:
    """The column `id`.

    Raises:
        RecordError: a row has none, or one is there more than once.
    """
    values = rows["id"]
    for line, value in zip(rows.lines, values, strict=True):
        if value is None or value == "":
            raise RecordError(f"{rows.path}, line {line}: no id; expected one in every row")
    ids = [str(value) for value in values]
    if again := [one for one, number in Counter(ids).items() if number > 1]:
        raise RecordError(f"{rows.path}: more than once {_few(again)}; expected every id once")
    return ids


def place_ids(
    run: Run, path: Path, ids: Sequence[str], split: str | None, language: str | None
) -> tuple[Pair, dict[str, list[int]]]:
    """Find the texts that ids are of.

    Args:
        run: the run.
        path: the file, for messages.
        ids: of its rows, distinct.
        split: test or dev; by default those that the ids are of.
        language: by default the one that the ids are of.

    Returns:
        Corpus and language, and for each split the rows of the file in the order of its texts.

    Raises:
        RecordError: the ids are not exactly those of a corpus and language and its split or splits.
    """
    known = _known(run, split, language)
    among = _among(known, ids)
    best = [pair for pair, number in among.items() if number == max(among.values())]
    texts = known[best[0]]
    if not among[best[0]]:
        raise RecordError(
            f"{path}: expected ids such as {next(iter(texts))}, found {_few(ids)}, "
            + _of_others(run, ids)
        )
    if len(best) > 1:
        listed = " and ".join(" ".join(pair) for pair in best)
        raise RecordError(f"{path}: its ids are of {listed} alike; say which with --language")
    name = " ".join(best[0])
    if unknown := [one for one in ids if one not in texts]:
        what = split or "dev or test"
        raise RecordError(f"{path}: not of {what} of {name}: {_few(unknown)}; expected no others")
    rows = {one: row for row, one in enumerate(ids)}
    place = {}
    for of_split in sorted({texts[one][0] for one in ids}):
        ordered = sorted((at, one) for one, (where, at) in texts.items() if where == of_split)
        if missing := [one for _, one in ordered if one not in rows]:
            raise RecordError(
                f"{path}: lacks {_few(missing)}; expected all {len(ordered):,} texts in {of_split} "
                f"of {name}"
            )
        place[of_split] = [rows[one] for _, one in ordered]
    return best[0], place


def _among(known: Known, ids: Sequence[str]) -> dict[Pair, int]:
    """How many of these ids are of each corpus and language."""
    wanted = set(ids)
    return {pair: len(texts.keys() & wanted) for pair, texts in known.items()}


def _of_others(run: Run, ids: Sequence[str]) -> str:
    """What ids are of that are not of the split and language that were asked for."""
    known = _known(run, None, None)
    among = _among(known, ids)
    pair = max(among, key=lambda one: among[one])
    splits = sorted({known[pair][one][0] for one in ids if one in known[pair]})
    if not splits:
        return f"none of which is recorded in {run.path}"
    what = f"which are of {' and '.join(splits)} of {' '.join(pair)}"
    return what if among[pair] == len(ids) else f"{among[pair]:,} of {what}"


def _known(run: Run, split: str | None, language: str | None) -> Known:
    """By corpus and language: split and place of each text that may be scored or chooses, by id."""
    wanted = ("dev", "test") if split is None else (split,)
    names = ("corpus", "language", "split", "example", "id")
    columns = (run.examples_table[name].to_pylist() for name in names)
    known: Known = {}
    for corpus, of_language, of_split, example, one in zip(*columns, strict=True):
        if of_split in wanted and language in (None, of_language):
            known.setdefault((corpus, of_language), {})[one] = of_split, example
    if not known:
        there = "; ".join(" ".join(pair) for pair in sorted(run.facts))
        asked = " of ".join(filter(None, (split, language)))
        raise RecordError(f"{run.path} has no texts of {asked}; it has {there}")
    return known


def read_logits(rows: Rows, labels: Sequence[str], logits: bool) -> Logits:
    """The outputs as finite logits, `[m, C]`, not negative where a label is predicted at 0.5.

    Args:
        rows: the table.
        labels: names of its columns, in order.
        logits: whether values are logits rather than probabilities.

    Raises:
        RecordError: a value is out of range.
    """
    columns = [[_number(value) for value in rows[label]] for label in labels]
    for label, column in zip(labels, columns, strict=True):
        for line, number, value in zip(rows.lines, column, rows[label], strict=True):
            if not (abs(number) <= _LARGEST if logits else 0 <= number <= 1):  # nan is neither
                wanted = "a finite logit" if logits else "a probability from 0 to 1"
                hint = "" if logits or np.isnan(number) else _hint(columns)
                raise RecordError(
                    f"{rows.path}, line {line}: {label} is {value!r}; expected {wanted}{hint}"
                )
    values = np.array(columns, dtype=np.float64).T
    values = values if logits else logits_of(values)
    least = np.finfo(np.float32).tiny  # what is less becomes 0 in single precision
    return np.where(values < 0, np.minimum(values, -least), values).astype(np.float32)


def _hint(columns: Sequence[Sequence[float]]) -> str:
    """What values that are no probabilities seem to be."""
    if all(0 <= number <= 100 for column in columns for number in column):
        return "; if these are percentages, divide them by 100"
    return " (--logits takes logits)"


def logits_of(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Logits, finite, not negative exactly where the probability is at least 0.5.

    Args:
        probabilities: in [0, 1], of any shape.
    """
    # Near 0.5 the difference of two logarithms would round the sign away.
    near = 2 * np.arctanh(2 * np.clip(probabilities, 0.25, 0.75) - 1)
    with np.errstate(divide="ignore"):
        far = np.log(probabilities) - np.log1p(-probabilities)
    found = np.where(np.abs(probabilities - 0.5) < 0.25, near, far)
    return np.clip(found, -_CERTAIN, _CERTAIN)


def _number(value: object) -> float:
    """A value of a table as a number; not a number where it is none."""
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return float("nan")


def _few(ids: Iterable[str]) -> str:
    """`3 ids (a, b, c)`: how many, and the first."""
    listed = list(ids)
    first = ", ".join(listed[:_NAMED]) + ", …" * (len(listed) > _NAMED)
    return f"{len(listed):,} {'id' if len(listed) == 1 else 'ids'} ({first})"
