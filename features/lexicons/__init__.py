"""Lexicons: a few numbers per word, appended to its vector; one native format per file here.

A new format is one function in one new file: ``@lexicon(...)`` names it, its official files per
language and its columns; the function yields (word, values). Nothing else is edited. A table
``word, column, column...`` with a header needs no code: give its path as the name.

The same for all of them: entries are spelled by the rules of the texts (lower case; Spanish without
accents), and a word that then has several entries takes the mean of each column, or the largest
value where a format says ``max``. An entry of several words is counted, never matched.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from features.discovery import import_modules_of
from features.errors import InputError
from features.lexicons.wildcards import Prefixes
from features.locate import Source, find_official, require_folder, resolve, source
from features.text import fold_word

Entry = tuple[str, Sequence[float]]
Reader = Callable[[Sequence[Path], str], Iterable[Entry]]
Columns = tuple[str, ...] | Callable[[Sequence[Path]], tuple[str, ...]]


@dataclass(frozen=True)
class Format:
    """A registered lexicon.

    Attributes:
        name: As experiments write it.
        columns: Names of its values, or what reads them from the files.
        files: By language, alternatives in order of preference; each alternative is the official
            names of the files that belong together, empty where the entries are generated.
        merge: By language, what happens to several entries of one word; ``mean`` unless said.
        wildcards: Whether ``*`` at an entry's end stands for any ending.
        read: Yields (word, values) from the files found.
    """

    name: str
    columns: Columns
    files: Mapping[str, Sequence[tuple[str, ...]]]
    merge: Mapping[str, Literal["mean", "max"]]
    wildcards: bool
    read: Reader


@dataclass(frozen=True)
class Lexicon:
    """A lexicon in one language, spelled as tokens are.

    Attributes:
        name: Its name.
        columns: Names of its values.
        entries: Values by word; a format with wildcards finds more words than it lists.
        multiword: How many entries are several words; they are never matched, because a row of
            the features depends on its word alone.
    """

    name: str
    columns: tuple[str, ...]
    entries: Mapping[str, tuple[float, ...]]
    multiword: int

    def digest(self) -> str:
        """Hashes the meaning: columns and sorted entries."""
        return hashlib.sha256(
            repr((self.columns, sorted(self.entries.items()))).encode()
        ).hexdigest()


class MissingLexiconError(InputError):
    """The files of a lexicon are not there: what an optional lexicon may be."""


_FORMATS: dict[str, Format] = {}


def lexicon(
    name: str,
    *,
    columns: Columns,
    files: Mapping[str, Sequence[tuple[str, ...]]],
    merge: Mapping[str, Literal["mean", "max"]] | None = None,
    wildcards: bool = False,
) -> Callable[[Reader], Reader]:
    """Registers a lexicon; see :class:`Format` for the arguments."""

    def register(read: Reader) -> Reader:
        _FORMATS[name] = Format(name, columns, files, merge or {}, wildcards, read)
        return read

    return register


def lexicon_names() -> list[str]:
    """Lists the lexicons that have a name."""
    import_modules_of(__name__)
    return sorted(_FORMATS)


@contextmanager
def _as_missing() -> Iterator[None]:
    try:
        yield
    except InputError as error:
        raise MissingLexiconError(str(error)) from error


def _find(form: Format, language: str, data: Path | None) -> list[Path]:
    if language not in form.files:
        has = ", ".join(form.files)
        raise InputError(f"lexicon {form.name}: has no language '{language}'; expected {has}")
    alternatives = form.files[language]
    if not any(alternatives):
        return []
    with _as_missing():
        folder = require_folder(data, f"lexicon {form.name}")
    some: list[str] = []
    for names in alternatives:
        found = [find_official(folder, name) for name in names]
        paths = [path for path in found if path is not None]
        if len(paths) == len(names):
            return paths
        some += [path.name for path in paths]
    wanted = " or ".join(" with ".join(names) for names in alternatives)
    only = f"only {', '.join(some)}" if some else "none"
    raise MissingLexiconError(
        f"lexicon {form.name}: expected {wanted} somewhere below {folder}, found {only}"
    )


def _merged(
    entries: Iterable[Entry], language: str, merge: str
) -> tuple[dict[str, tuple[float, ...]], int]:
    found: dict[str, list[Sequence[float]]] = {}
    several: set[str] = set()
    for word, values in entries:
        folded = fold_word(word, language)
        if len(folded.split()) != 1:
            several.add(folded)
        else:
            found.setdefault(folded, []).append(values)
    merged = {
        word: tuple(
            float(max(column) if merge == "max" else sum(column) / len(column))
            for column in zip(*rows, strict=True)
        )
        for word, rows in found.items()
    }
    return merged, len(several)


def _table(name: str, language: str, data: Path | None) -> tuple[Format, list[Path]]:
    from features.lexicons.table import read_table, table_columns

    if not name.endswith((".tsv", ".txt", ".tab", ".csv")):
        known = ", ".join(lexicon_names())
        raise InputError(
            f"lexicon '{name}' is unknown; expected one of {known}, or the path of a "
            "table (.csv, or tab-separated .tsv or .txt)"
        )
    with _as_missing():
        path = resolve(name, language, data)
    return Format(path.stem, table_columns, {}, {}, False, read_table), [path]


@dataclass(frozen=True)
class FoundLexicon:
    """A lexicon that was found, or skipped, and is not read yet.

    Attributes:
        name: As it was asked for.
        language: ISO 639 code.
        form: Its format; None where it was skipped.
        sources: Its files.
        notes: What its user should be told.
    """

    name: str
    language: str
    form: Format | None
    sources: tuple[Source, ...] = ()
    notes: tuple[str, ...] = ()

    def key(self) -> list[str]:
        """Names what it holds: by its files' bytes, or by its entries where they are generated."""
        if self.form is None:
            return [self.name, "skipped"]
        if self.sources:
            return [self.form.name, *(file.sha256 for file in self.sources)]
        return [self.form.name, self.read().digest()]

    def read(self) -> Lexicon:
        """Reads its files.

        Raises:
            InputError: When a row is malformed, or there is no entry.
        """
        form = self.form
        if form is None:
            return Lexicon(self.name, (), {}, 0)
        paths = [file.path for file in self.sources]
        columns = form.columns if isinstance(form.columns, tuple) else form.columns(paths)
        entries, multiword = _merged(
            form.read(paths, self.language), self.language, form.merge.get(self.language, "mean")
        )
        if not entries and not multiword:
            files = " and ".join(map(str, paths))
            raise InputError(f"{files}: no word; expected the entries of lexicon {form.name}")
        return Lexicon(
            form.name, columns, Prefixes(entries) if form.wildcards else entries, multiword
        )


def find_lexicon(
    name: str, language: str, data: Path | None, *, optional: bool = False
) -> FoundLexicon:
    """Finds a lexicon's files.

    Args:
        name: A registered name, or the path of a plain table.
        language: ISO 639 code.
        data: Folder below which official files are found, if any.
        optional: Whether it may be missing: it is then skipped, with a note that says so.

    Raises:
        InputError: When the name is unknown or, unless it is optional, its files are missing.
    """
    import_modules_of(__name__)
    try:
        if name in _FORMATS:
            form = _FORMATS[name]
            paths = _find(form, language, data)
        else:
            form, paths = _table(name, language, data)
    except MissingLexiconError as error:
        if not optional:
            raise
        return FoundLexicon(name, language, None, notes=(f"optional and skipped: {error}",))
    sources = tuple(source(f"lexicon {form.name}", path) for path in paths)
    return FoundLexicon(name, language, form, sources)


_LARGEST = 3.4e38  # what a single-precision value, as the features have, can hold


def number(path: Path, line: int, field: str) -> float:
    """Reads one value of a lexicon.

    Raises:
        InputError: When it is not a finite number of single precision.
    """
    try:
        value = float(field)
    except ValueError:
        value = float("nan")
    if not abs(value) <= _LARGEST:  # "not": so that nan is caught, too
        raise InputError(f"{path}, line {line}: the value is '{field}'; expected a number")
    return value


def fields_of(
    path: Path, count: int, *, what: str, comment: str = ""
) -> Iterator[tuple[int, list[str]]]:
    """Yields (line number, fields) of a tab-separated file whose rows all have so many fields.

    Args:
        path: The file.
        count: Fields of a row.
        what: Their names, for the message.
        comment: What lines that are not rows begin with, if there may be any.

    Raises:
        InputError: For a row of another width, saying what was expected.
    """
    from features.lines import read_fields

    for line, fields in read_fields(path):
        if comment and "".join(fields).startswith(comment):
            continue
        if len(fields) != count:
            raise InputError(
                f"{path}, line {line}: {len(fields)} tab-separated columns; expected {count} "
                f"({what})"
            )
        yield line, fields
