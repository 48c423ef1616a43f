"""A plain table of any labels, in .csv, .tsv, .jsonl or .parquet: see :mod:`features.tables`.

Labels are 0/1 columns or one column that lists them; splits are files of their own or cut from
train; vectors are made from the text, or stand in a column.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from features.corpora import (
    Corpus,
    ReaderOptions,
    Texts,
    corpus_reader,
    option_models,
    split_reader,
)
from features.errors import InputError
from features.locate import Source, resolve, source
from features.rows import binary, check_distinct
from features.stratification import stratified
from features.tables import Columns, read_columns
from features.textvectors import TextVectors, text_vectors

if TYPE_CHECKING:
    from numpy.typing import NDArray


_NAME_THEM = "labels: [...] says which ones are, and id: which column names the texts"


class Shares(BaseModel):
    """Which shares of the train file become other splits.

    Attributes:
        dev: Share of the texts, between 0 and 1, for dev.
        test: The same for test.
        seed: Another seed, another division.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    dev: float | None = Field(default=None, gt=0, lt=1)
    test: float | None = Field(default=None, gt=0, lt=1)
    seed: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _leave_texts(self) -> Self:
        if (self.dev or 0) + (self.test or 0) >= 1:
            raise ValueError("dev and test take all texts; expected shares of less than 1 in sum")
        return self


class Table(ReaderOptions):
    """Options of the plain table.

    Attributes:
        reader: Always ``table``.
        name: The corpus' name in tables of results and of files.
        train: Path of the train texts, relative to the data folder or the working directory;
            ``{lang}`` becomes the language.
        dev: Path of the dev texts; without one, ``split`` says how many train texts are dev.
        test: Path of the test texts, if there are any.
        split: Cuts dev, test or both from the train file, such as ``{dev: 0.1, test: 0.2,
            seed: 0}``: all labels get about equal shares (iterative stratification). What is cut
            depends on ids, labels and seed; give ``id`` if the order of the rows may change.
        text: The column of the texts; it may be missing where there are ``vectors``.
        id: The column of the ids; without one, texts are named by split and row.
        labels: Label columns, each 0 or 1. With neither these nor ``label_column``, every column
            of the train file but text, id and vectors is one.
        label_column: Instead of ``labels``: one column that lists a text's labels.
        delimiter: What separates the labels in that column.
        vectors: A Parquet column of ready-made vectors, one a text (``fixed_size_list<float>``)
            or one a token (``list<fixed_size_list<float>>``): the text is then not looked at.
    """

    reader: Literal["table"] = "table"
    name: str = Field(default="table", pattern=r"^\w[\w.-]*$", max_length=100)
    train: str
    dev: str | None = None
    test: str | None = None
    split: Shares = Shares()
    text: str = "text"
    id: str | None = None
    labels: tuple[str, ...] | None = Field(default=None, min_length=1)
    label_column: str | None = None
    delimiter: str = Field(default=",", min_length=1)
    vectors: str | None = None

    @field_validator("name")
    @classmethod
    def _is_its_own(cls, name: str) -> str:
        # The paper's figures stand beside the corpus they are of, which is known by this name.
        others = {options.model_fields["reader"].default for options in option_models()}
        if name in others - {cls.model_fields["reader"].default}:
            raise ValueError(f"'{name}' is another reader's corpus; expected another name")
        return name

    @field_validator("labels")
    @classmethod
    def _are_distinct(cls, labels: tuple[str, ...] | None) -> tuple[str, ...] | None:
        repeated = {name for name in labels or () if (labels or ()).count(name) > 1}
        if repeated:
            raise ValueError(f"named twice: {', '.join(sorted(repeated))}")
        return labels

    @model_validator(mode="after")
    def _says_everything_once(self) -> Self:
        if self.labels is not None and self.label_column is not None:
            raise ValueError("expected labels or label_column, not both")
        for split in ("dev", "test"):
            if getattr(self, split) is not None and getattr(self.split, split) is not None:
                raise ValueError(f"{split} is a file and split.{split} cuts one; expected one way")
        if self.dev is None and self.split.dev is None:
            raise ValueError(
                "no dev texts; expected dev: PATH, or split: {dev: 0.1} to cut them from train"
            )
        return self


@corpus_reader(Table)
def read_table(options: Table, language: str, data: Path | None) -> Corpus:
    """Reads up to three tables with the same columns.

    Raises:
        InputError: When a file is missing, a column is absent, a row is not as expected, or two
            splits are one file.
    """
    written = {"train": options.train, "dev": options.dev, "test": options.test}
    paths = {
        split: resolve(path, language, data) for split, path in written.items() if path is not None
    }
    files = {split: read_columns(path) for split, path in paths.items()}
    names = _label_names(files["train"], options)
    for name in names:
        if _has_half_a_pair(name):
            raise InputError(
                f"{paths['train']}: label {name!r} holds half a surrogate pair; expected Unicode"
            )
    splits = {split: _texts(files.pop(split), split, options, names) for split in paths}
    if options.split.dev or options.split.test:
        splits |= _cut(paths["train"], splits["train"], options.split)
    sources = {split: source(f"corpus {split}", path) for split, path in paths.items()}
    _check_files(sources)
    return Corpus(options.name, names, splits, tuple(sources.values()))


@split_reader(Table)
def read_table_file(options: Table, path: Path, split: str, labels: tuple[str, ...]) -> Texts:
    """Reads one table with the columns that the others have.

    Raises:
        InputError: When a column is absent or a row is not as expected.
    """
    return _texts(read_columns(path), split, options, labels)


def _check_files(sources: dict[str, Source]) -> None:
    """Checks that no two splits are one file, or copies of it."""
    first: dict[str, str] = {}
    for split, file in sources.items():
        other = first.setdefault(file.sha256, split)
        if other != split:
            raise InputError(
                f"{file.path}: {split} has the same bytes as {other} ({sources[other].path}); "
                "expected other texts in every split"
            )


def _label_names(train: Columns, options: Table) -> tuple[str, ...]:
    if options.labels is not None:
        return options.labels
    if options.label_column is not None:
        listed = _listed(train, options.label_column, options.delimiter)
        return tuple(sorted({name for names in listed for name in names}))
    return tuple(_others(train, options))


def _others(file: Columns, options: Table) -> list[str]:
    """Lists the columns that are neither text, id nor vectors."""
    return [name for name in file.values if name not in (options.text, options.id, options.vectors)]


def _listed(file: Columns, column: str, delimiter: str) -> list[list[str]]:
    """Reads each text's labels: a JSON list, or a string with delimiters; blank means none."""
    listed = []
    for line, value in zip(file.lines, file[column], strict=True):
        names = (value or "").split(delimiter) if isinstance(value, str | None) else value
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise InputError(f"{file.path}, line {line}: labels are {value!r}; expected names")
        listed.append([name.strip() for name in names if name.strip()])
    return listed


def _texts(file: Columns, split: str, options: Table, names: tuple[str, ...]) -> Texts:
    ids = [f"{split}-{place}" for place, _ in enumerate(file.lines, start=1)]
    if options.id is not None:
        ids = _unicode(file, "id", [str(value) for value in file[options.id]])
        check_distinct(file.path, zip(file.lines, ids, strict=True))
    if options.vectors is not None and options.text not in file.values:
        texts = [""] * len(ids)
    else:
        texts = _unicode(file, "text", file[options.text])
    vectors = None if options.vectors is None else _vectors(file, options.vectors)
    return Texts(ids, texts, _labels(file, options, names), vectors)


def _unicode(file: Columns, what: str, values: list[Any]) -> list[str]:
    for line, value in zip(file.lines, values, strict=True):
        if not isinstance(value, str):
            raise InputError(
                f"{file.path}, line {line}: the {what} is {value!r}; expected a string"
            )
        if _has_half_a_pair(value):
            raise InputError(
                f"{file.path}, line {line}: the {what} holds half a surrogate pair; expected "
                "Unicode"
            )
    return values


def _has_half_a_pair(value: str) -> bool:
    """Whether a string holds half a surrogate pair, which no file can be written with."""
    return not value.isprintable() and any("\ud800" <= c <= "\udfff" for c in value)


def _vectors(file: Columns, column: str) -> TextVectors:
    array = file.arrow(column)
    try:
        return text_vectors(column, array)
    except InputError as error:
        raise InputError(f"{file.path}, {error}") from error


def _labels(file: Columns, options: Table, names: tuple[str, ...]) -> "NDArray[np.uint8]":
    """Reads ``[m, C]``."""
    if options.label_column is not None:
        listed = _listed(file, options.label_column, options.delimiter)
        for line, present in zip(file.lines, listed, strict=True):
            if strange := sorted(set(present) - set(names)):
                raise InputError(
                    f"{file.path}, line {line}: label '{strange[0]}' does not occur in train; "
                    f"expected some of {', '.join(names)}"
                )
        return np.array([[name in present for name in names] for present in listed], dtype=np.uint8)
    if options.labels is None and (strange := sorted(set(_others(file, options)) - set(names))):
        raise InputError(
            f"{file.path}: column '{strange[0]}' is not in train, where every column but text is a "
            f"label; {_NAME_THEM}"
        )
    labels = np.empty((len(file.lines), len(names)), dtype=np.uint8)
    for place, name in enumerate(names):
        try:
            labels[:, place] = [
                binary(file.path, line, name, value)
                for line, value in zip(file.lines, file[name], strict=True)
            ]
        except InputError as error:
            if options.labels is not None:
                raise
            raise InputError(
                f"{error}, as every column but text is a label; {_NAME_THEM}"
            ) from error
    return labels


def _cut(path: Path, train: Texts, shares: Shares) -> dict[str, Texts]:
    """Divides the train texts into train and what the shares ask for."""
    m = len(train.ids)
    asked = {"dev": shares.dev, "test": shares.test}
    sizes = {split: int(m * share + 0.5) for split, share in asked.items() if share is not None}
    sizes = {"train": m - sum(sizes.values()), **sizes}
    for split, size in sizes.items():
        if size < 1:
            raise InputError(
                f"{path}: split gives {split} none of {m} texts; expected more texts, or other "
                "shares"
            )
    part = stratified(train.ids, train.labels, list(sizes.values()), shares.seed)
    return {split: train.take(np.flatnonzero(part == p)) for p, split in enumerate(sizes)}
