"""SemEval-2018 Task 1 E-c (Mohammad et al. 2018): tweets with eleven emotions.

The official files are tab-separated with a header and CRLF line ends, and know no quoting:
a bare ``"`` is part of the tweet.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from features.corpora import Corpus, ReaderOptions, Texts, corpus_reader, split_reader
from features.errors import InputError
from features.languages import get_language
from features.lines import read_fields
from features.locate import Source, find_official, require_folder, source
from features.rows import binary, check_header, to_texts

_HIDDEN = "NONE"  # stands for every label in test files given out before the evaluation


class SemEval(ReaderOptions):
    """The official files, found by name anywhere below the data folder; no options."""

    reader: Literal["semeval2018-ec"] = "semeval2018-ec"


def _read(path: Path) -> tuple[tuple[str, ...], Texts | None]:
    """Reads one file; None instead of texts where the labels of every row are withheld."""
    fields = read_fields(path)
    _, header = next(fields)
    if header[:2] != ["ID", "Tweet"] or len(header) < 3:
        raise InputError(
            f"{path}, line 1: the header is {header[:4]}; expected ID, Tweet and label names, "
            "tab-separated"
        )
    check_header(path, header)
    labels = tuple(header[2:])
    rows, hidden = [], []
    for number, row in fields:
        if len(row) != len(header):
            raise InputError(
                f"{path}, line {number}: {len(row)} tab-separated columns; expected {len(header)}"
            )
        if all(value == _HIDDEN for value in row[2:]):
            hidden.append(number)
            continue
        values = [
            binary(path, number, name, value) for name, value in zip(labels, row[2:], strict=True)
        ]
        rows.append((number, row[0], row[1], values))
    if hidden and rows:
        raise InputError(
            f"{path}, line {hidden[0]}: the labels are {_HIDDEN} in a file with labels; expected "
            "0 or 1"
        )
    if hidden:
        return labels, None
    return labels, to_texts(path, rows, len(labels))


@split_reader(SemEval)
def read_split_file(options: SemEval, path: Path, split: str, labels: tuple[str, ...]) -> Texts:
    """Reads one official file.

    Raises:
        InputError: When a row is not as expected, or the labels are others, or withheld.
    """
    names, texts = _read(path)
    if names != labels:
        raise _other_labels(path, names, labels)
    if texts is None:
        raise _withheld(path)
    return texts


def _other_labels(path: Path, found: Sequence[str], expected: Sequence[str]) -> InputError:
    return InputError(
        f"{path}, line 1: labels {', '.join(found)} differ from those of train; "
        f"expected {', '.join(expected)}"
    )


def _withheld(path: Path) -> InputError:
    return InputError(f"{path}: the labels are withheld ({_HIDDEN}); expected 0 or 1")


@corpus_reader(SemEval)
def read_semeval(options: SemEval, language: str, data: Path | None) -> Corpus:
    """Reads ``2018-E-c-{En,Es,Ar}-{train,dev,test-gold}.txt``.

    A ``-test.txt`` is taken where there is no ``-test-gold.txt``, unless its labels are
    withheld (``NONE``); then the corpus has no test split and says so.

    Raises:
        InputError: When train or dev is missing or a row is not as expected.
    """
    folder = require_folder(data, "the SemEval-2018 E-c files")
    prefix = f"2018-E-c-{get_language(language).semeval}"
    names: tuple[str, ...] | None = None
    splits: dict[str, Texts] = {}
    sources: list[Source] = []
    notes: list[str] = []
    for split, endings in {
        "train": ["train"],
        "dev": ["dev"],
        "test": ["test-gold", "test"],
    }.items():
        wanted = [f"{prefix}-{ending}.txt" for ending in endings]
        path = next((found for name in wanted if (found := find_official(folder, name))), None)
        if path is None:
            if split == "test":
                notes.append(f"no test split: found no {' or '.join(wanted)}")
                continue
            raise InputError(f"{folder}: expected {wanted[0]} somewhere below it, found none")
        labels, texts = _read(path)
        if names is not None and labels != names:
            raise _other_labels(path, labels, names)
        names = labels
        if texts is None:
            if split != "test":
                raise _withheld(path)
            notes.append(f"no test split: the labels of {path.name} are withheld ({_HIDDEN})")
            continue
        splits[split] = texts
        sources.append(source(f"corpus {split}", path))
    assert names is not None
    return Corpus(options.reader, names, splits, tuple(sources), tuple(notes))
