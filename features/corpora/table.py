"""A plain table: a text column and either one 0/1 column per label or one column that lists labels.

``.csv`` is read with the usual quoting, ``.tsv`` is tab-separated without quoting (tweets hold
bare quotes), ``.jsonl`` has one object a line, ``.parquet`` is Parquet.
"""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from features.corpora import Corpus, ReaderOptions, Texts, corpus_reader, option_models
from features.errors import InputError
from features.lines import read_fields, read_lines
from features.locate import resolve, source
from features.rows import binary, check_header, to_texts

Row = dict[str, Any]


class Table(ReaderOptions):
    """Options of the plain table.

    Attributes:
        reader: Always ``table``.
        name: The corpus' name in tables of results and of files.
        train: Path of the train texts, relative to the data folder or the working directory;
            ``{lang}`` becomes the language.
        dev: Path of the dev texts.
        test: Path of the test texts, if there are any.
        text: The column of the texts.
        id: The column of the ids; without one, texts are named by split and row.
        labels: Label columns, each 0 or 1.
        label_column: Instead of ``labels``: one column that lists a text's labels.
        delimiter: What separates the labels in that column.
    """

    reader: Literal["table"] = "table"
    name: str = Field(default="table", pattern=r"^\w[\w.-]*$")
    train: str
    dev: str
    test: str | None = None
    text: str = "text"
    id: str | None = None
    labels: tuple[str, ...] | None = Field(default=None, min_length=1)
    label_column: str | None = None
    delimiter: str = Field(default=",", min_length=1)

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
    def _has_labels_one_way(self) -> Self:
        if (self.labels is None) == (self.label_column is None):
            raise ValueError("expected either labels or label_column")
        return self


def _delimited(path: Path) -> Iterator[tuple[int, list[str]]]:
    if path.suffix == ".tsv":
        yield from read_fields(path)
        return
    # The csv module wants line ends back: a quoted field may run over several lines.
    reader = csv.reader((f"{line}\n" for _, line in read_lines(path)), strict=True)
    try:
        for fields in reader:
            if fields:
                yield reader.line_num, fields
    except csv.Error as error:
        raise InputError(f"{path}, line {reader.line_num}: not CSV ({error})") from error


def _with_header(path: Path) -> Iterator[tuple[int, Row]]:
    rows = _delimited(path)
    _, header = next(rows, (0, []))
    check_header(path, header)
    for number, fields in rows:
        if len(fields) != len(header):
            raise InputError(
                f"{path}, line {number}: {len(fields)} columns; expected {len(header)} as in the "
                "header"
            )
        yield number, dict(zip(header, fields, strict=True))


def _objects(path: Path) -> Iterator[tuple[int, Row]]:
    for number, line in read_lines(path):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{path}, line {number}: not JSON ({error})") from error
        if not isinstance(row, dict):
            raise InputError(f"{path}, line {number}: expected a JSON object, found '{line[:40]}'")
        yield number, row


def _parquet(path: Path) -> Iterator[tuple[int, Row]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        rows = pq.read_table(path).to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path}: expected a Parquet file ({error})") from error
    yield from enumerate(rows, start=1)


_FORMATS = {".csv": _with_header, ".tsv": _with_header, ".jsonl": _objects, ".parquet": _parquet}


def _value(path: Path, number: int, row: Row, column: str) -> Any:
    if column not in row:
        raise InputError(
            f"{path}, line {number}: no column '{column}'; expected it among {', '.join(row)}"
        )
    return row[column]


def _listed(path: Path, number: int, value: Any, delimiter: str) -> list[str]:
    """Reads a text's labels: a JSON list, or a string with delimiters; blank means none."""
    names = (value or "").split(delimiter) if isinstance(value, str | None) else value
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise InputError(f"{path}, line {number}: labels are {value!r}; expected names")
    return [name.strip() for name in names if name.strip()]


def _read(path: Path) -> list[tuple[int, Row]]:
    if path.suffix not in _FORMATS:
        raise InputError(f"{path}: expected a name that ends in one of {', '.join(_FORMATS)}")
    rows = list(_FORMATS[path.suffix](path))
    if not rows:
        raise InputError(f"{path}: expected rows of text, found none")
    return rows


def _texts(path: Path, split: str, options: Table, names: tuple[str, ...]) -> Texts:
    checked = []
    for place, (number, row) in enumerate(_read(path), start=1):
        text = _value(path, number, row, options.text)
        if not isinstance(text, str):
            raise InputError(f"{path}, line {number}: the text is {text!r}; expected a string")
        if not text.isprintable() and any("\ud800" <= c <= "\udfff" for c in text):
            raise InputError(
                f"{path}, line {number}: the text holds half a surrogate pair; expected Unicode"
            )
        name = f"{split}-{place}"
        if options.id is not None:
            name = str(_value(path, number, row, options.id))
        if options.label_column is None:
            values = [binary(path, number, n, _value(path, number, row, n)) for n in names]
        else:
            column = _value(path, number, row, options.label_column)
            present = _listed(path, number, column, options.delimiter)
            strange = sorted(set(present) - set(names))
            if strange:
                raise InputError(
                    f"{path}, line {number}: label '{strange[0]}' does not occur in train; "
                    f"expected some of {', '.join(names)}"
                )
            values = [int(n in present) for n in names]
        checked.append((number, name, text, values))
    return to_texts(path, checked, len(names))


@corpus_reader(Table)
def read_table(options: Table, language: str, data: Path | None) -> Corpus:
    """Reads up to three tables with the same columns.

    Raises:
        InputError: When a file is missing, a column is absent, or a row is not as expected.
    """
    written = {"train": options.train, "dev": options.dev, "test": options.test}
    paths = {
        split: resolve(path, language, data) for split, path in written.items() if path is not None
    }
    names = options.labels
    if options.label_column is not None:
        train = paths["train"]
        names = tuple(
            sorted(
                {
                    name
                    for number, row in _read(train)
                    for name in _listed(
                        train,
                        number,
                        _value(train, number, row, options.label_column),
                        options.delimiter,
                    )
                }
            )
        )
    assert names is not None
    splits = {split: _texts(path, split, options, names) for split, path in paths.items()}
    sources = tuple(source(f"corpus {split}", path) for split, path in paths.items())
    return Corpus(options.name, names, splits, sources)
