"""Lexicons: a few numbers per word, appended to its vector; one native format per file here.

A new format is one function in one new file: ``@lexicon(...)`` names it, its official files per
language and its columns; the function yields (word, values). Nothing else is edited. A table
``word<TAB>column<TAB>column...`` with a header needs no code: give its path as the name.
"""

import hashlib
import importlib
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from features.errors import InputError
from features.locate import Source, find_official, require_folder, resolve, source
from features.text import fold_word

Entry = tuple[str, Sequence[float]]
Reader = Callable[[Sequence[Path], str], Iterable[Entry]]


@dataclass(frozen=True)
class Format:
    """A registered lexicon.

    Attributes:
        name: As experiments write it.
        columns: Names of its values.
        files: By language, alternatives in order of preference; each alternative is the official
            names of the files that belong together, empty where the entries are generated.
        merge: By language, what happens to several entries of one word; ``mean`` unless said.
        read: Yields (word, values) from the files found.
    """

    name: str
    columns: tuple[str, ...]
    files: Mapping[str, Sequence[tuple[str, ...]]]
    merge: Mapping[str, Literal["mean", "max"]]
    read: Reader


@dataclass(frozen=True)
class Lexicon:
    """A lexicon in one language, spelled as tokens are.

    Attributes:
        name: Its name.
        columns: Names of its values.
        entries: Values by word.
        multiword: How many entries are several words; they are never matched, because a row of
            the features depends on its word alone.
        sources: The files it came from.
    """

    name: str
    columns: tuple[str, ...]
    entries: dict[str, tuple[float, ...]]
    multiword: int
    sources: tuple[Source, ...]

    def digest(self) -> str:
        """Hashes the meaning: columns and sorted entries."""
        return hashlib.sha256(
            repr((self.columns, sorted(self.entries.items()))).encode()
        ).hexdigest()


_FORMATS: dict[str, Format] = {}


def lexicon(
    name: str,
    *,
    columns: tuple[str, ...],
    files: Mapping[str, Sequence[tuple[str, ...]]],
    merge: Mapping[str, Literal["mean", "max"]] | None = None,
) -> Callable[[Reader], Reader]:
    """Registers a lexicon; see :class:`Format` for the arguments."""

    def register(read: Reader) -> Reader:
        _FORMATS[name] = Format(name, columns, files, merge or {}, read)
        return read

    return register


@cache
def _discover() -> None:
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")


def lexicon_names() -> list[str]:
    """Lists the lexicons that have a name."""
    _discover()
    return sorted(_FORMATS)


def _find(form: Format, language: str, data: Path | None) -> list[Path]:
    if language not in form.files:
        has = ", ".join(form.files)
        raise InputError(f"lexicon {form.name}: has no language '{language}'; expected {has}")
    alternatives = form.files[language]
    if not any(alternatives):
        return []
    folder = require_folder(data, f"lexicon {form.name}")
    for names in alternatives:
        found = [find_official(folder, name) for name in names]
        paths = [path for path in found if path is not None]
        if len(paths) == len(names):
            return paths
    wanted = " or ".join(" with ".join(names) for names in alternatives)
    raise InputError(f"lexicon {form.name}: expected {wanted} somewhere below {folder}, found none")


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
            "tab-separated table (.tsv or .txt)"
        )
    path = resolve(name, language, data)
    return Format(path.stem, table_columns(path), {}, {}, read_table), [path]


def read_lexicon(name: str, language: str, data: Path | None) -> Lexicon:
    """Reads a lexicon.

    Args:
        name: A registered name, or the path of a plain table.
        language: Two-letter code.
        data: Folder below which official files are found, if any.

    Raises:
        InputError: When the name is unknown, its files are missing, or a row is malformed.
    """
    _discover()
    if name in _FORMATS:
        form = _FORMATS[name]
        paths = _find(form, language, data)
    else:
        form, paths = _table(name, language, data)
    entries, multiword = _merged(
        form.read(paths, language), language, form.merge.get(language, "mean")
    )
    sources = tuple(source(f"lexicon {form.name}", path) for path in paths)
    return Lexicon(form.name, form.columns, entries, multiword, sources)


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


def fields_of(path: Path, count: int, *, what: str) -> Iterator[tuple[int, list[str]]]:
    """Yields (line number, fields) of a tab-separated file whose rows all have so many fields.

    Raises:
        InputError: For a row of another width, saying what was expected.
    """
    from features.lines import read_fields

    for line, fields in read_fields(path):
        if len(fields) != count:
            raise InputError(
                f"{path}, line {line}: {len(fields)} tab-separated columns; expected {count} "
                f"({what})"
            )
        yield line, fields
