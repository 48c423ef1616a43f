"""Texts that arrive after the features were built, as numbers of the same kind.

They are cut by the same rules and looked up in the entry's word matrix. A word that the matrix
lacks gets the row that it would have had, as far as its vectors and lexicons can still be found:
trained vectors in the cache, files where they lie. Otherwise it counts as unknown.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.arrow import map_words, matrix_of
from features.content import content_key, damage
from features.entry import Features, open_features, pad
from features.errors import InputError
from features.lexicons import Lexicon, find_lexicon
from features.locate import resolve, sha256_of
from features.skipgram import VECTORS, entry_of, trained_sha256
from features.spec import FeatureSpec, VectorFile
from features.stored import is_entry
from features.text import tokenizer
from features.vectorfiles import load, vector_files

_ByWord = Mapping[str, NDArray[np.float32]]

_UNKNOWN = 1  # the row of any word that has neither a vector nor a lexicon entry


@dataclass(frozen=True)
class LaterTexts:
    """Texts as rows of a word matrix.

    Attributes:
        words: ``[m, n]`` rows of the matrix; zeros fill the start, the end is cut.
        vectors: ``[W, d + v]``, the entry's matrix with the rows of further words behind.
        tokens: How many tokens the texts have.
        unknown: How many of them have neither a vector nor a lexicon entry.
        notes: What could not be looked up.
    """

    words: NDArray[np.int32]
    vectors: NDArray[np.float32]
    tokens: int
    unknown: int
    notes: tuple[str, ...]


def find_entry(cache: Path, sha256: str) -> Features:
    """Finds an entry of the cache by its bytes.

    Args:
        cache: The cache folder.
        sha256: What :class:`Features` calls so.

    Raises:
        InputError: When there is no such entry, or it is not as it was written.
    """
    folders = sorted(cache.iterdir()) if cache.is_dir() else []
    for folder in folders:
        if folder.name.startswith("vectors-") or not is_entry(folder):
            continue
        try:
            entry = open_features(folder)
        except InputError:  # damaged, or of another version
            continue
        if entry.sha256 == sha256:
            if trouble := damage(folder):
                raise InputError(trouble)
            return entry
    raise InputError(
        f"{cache}: no entry with features {sha256[:12]}…, on which the arm was trained; give the "
        "feature cache of that run with --cache"
    )


def later_texts(
    entry: Features, texts: Sequence[str], cache: Path, data: Path | None = None
) -> LaterTexts:
    """Cuts texts into words and looks these up.

    Args:
        entry: The features that other texts of the corpus have.
        texts: The raw texts.
        cache: The cache folder, for trained vectors.
        data: Folder below which lexicons and ready-made vectors are found, if any.

    Raises:
        InputError: When the corpus brought its own vectors, or a file that is found is another
            one than the features were built from.
    """
    spec = FeatureSpec.model_validate(entry.manifest["spec"])
    if not entry.manifest["vectors"]:
        raise InputError(
            f"corpus {entry.corpus} ({entry.language}) brings vectors of its own: expected those "
            "of its texts, which texts alone do not tell"
        )
    tokenize = tokenizer(spec.language, spec.text)
    tokens = [tokenize(text) for text in texts]
    row = {word: place for place, word in enumerate(entry.words())}
    new = list(dict.fromkeys(word for text in tokens for word in text if word not in row))
    matrix, known, notes = _rows(entry, spec, new, cache, data)
    row |= {word: len(row) + place for place, word in enumerate(known)}
    rows = [row.get(word, _UNKNOWN) for text in tokens for word in text]
    lengths = np.array([len(text) for text in tokens], dtype=np.int64)
    return LaterTexts(
        words=pad(np.array(rows, dtype=np.int32), lengths, entry.n),
        vectors=np.concatenate([entry.vectors(), matrix]) if known else entry.vectors(),
        tokens=len(rows),
        unknown=rows.count(_UNKNOWN),
        notes=notes,
    )


def _rows(
    entry: Features, spec: FeatureSpec, words: Sequence[str], cache: Path, data: Path | None
) -> tuple[NDArray[np.float32], list[str], tuple[str, ...]]:
    """Makes the rows of words that the entry lacks, as :mod:`features.vocabulary` would.

    Returns:
        ``[k, d + v]``, the k words that have a vector or a lexicon entry, and notes.
    """
    unknown = entry.vectors()[_UNKNOWN]
    found: dict[str, NDArray[np.float32]] = {}
    notes: list[str] = []

    def put(word: str, first: int, values: Any) -> None:
        of_word = found.setdefault(word, unknown.copy())
        of_word[first : first + len(values)] = values

    for wanted, part in zip(spec.vectors, entry.manifest["vectors"], strict=True):
        if isinstance(wanted, VectorFile):
            vectors = _read_file(wanted, part, set(words), spec.language, data)
        else:
            vectors = _read_trained(part, set(words), cache)
        if vectors is None:
            notes.append(f"vectors {part['name']} were not found")
        for word, vector in (vectors or {}).items():
            put(word, part["first_column"], vector)
    for name, first in _lexicons(spec, entry.manifest):
        lexicon = _read_lexicon(name, entry, data)
        if lexicon is None:
            notes.append(f"lexicon {name} was not found")
        else:
            for word in filter(lexicon.entries.__contains__, words):
                put(word, first, lexicon.entries[word])
    known = [word for word in words if word in found]
    matrix = np.array([found[word] for word in known], np.float32).reshape(-1, len(unknown))
    return matrix, known, tuple(notes)


def _read_trained(part: Mapping[str, Any], words: set[str], cache: Path) -> _ByWord | None:
    """Reads trained vectors; None where the cache holds none, or others of the same recipe."""
    folder = entry_of(part["key"], cache)
    try:
        if trained_sha256(part["key"], cache) != part["sha256"]:
            return None
        batch = map_words(folder / VECTORS)
    except InputError:
        return None
    matrix = matrix_of(batch)
    listed = batch.column("word").to_pylist()
    return {word: matrix[row] for row, word in enumerate(listed) if word in words}


def _read_file(
    wanted: VectorFile, part: Mapping[str, Any], words: set[str], language: str, data: Path | None
) -> _ByWord | None:
    """Reads ready-made vectors from the data folder or where they were; None if they are gone."""
    try:
        path = resolve(wanted.path if data else part["path"], language, data)
    except InputError:
        return None
    hashes = [sha256_of(file) for file in vector_files(path, wanted.format)]
    if content_key({"format": wanted.format, "files": hashes}) != part["key"]:
        raise _changed(path)
    loaded = load(path, wanted.format, words, language)
    return dict(zip(loaded.words, loaded.matrix, strict=True))


def _lexicons(spec: FeatureSpec, manifest: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """Yields name and first column of the lexicons that the features have: some were optional."""
    columns = list(manifest["lexicons"])
    for choice in spec.lexicons:
        name = choice if isinstance(choice, str) else choice.name
        if columns and _is_called(columns[0]["name"], name):
            yield name, columns.pop(0)["first_column"]


def _is_called(written: str, name: str) -> bool:
    """Tells whether a manifest's name is that of a lexicon: of a table the stem, maybe numbered."""
    return not {written, re.sub(r" \(\d+\)$", "", written)}.isdisjoint({name, Path(name).stem})


def _read_lexicon(name: str, entry: Features, data: Path | None) -> Lexicon | None:
    """Reads a lexicon from the data folder, or else from where it was; None where it is gone."""
    files = {file["sha256"]: file for file in entry.manifest["sources"]}
    if data is None:
        role = f"lexicon {name}"
        was = (Path(file["path"]).parent for file in files.values() if file["role"] == role)
        data = next(was, None)
    found = find_lexicon(name, entry.language, data, optional=True)
    if changed := [file.path for file in found.sources if file.sha256 not in files]:
        raise _changed(changed[0])
    return found.read() if found.form else None


def _changed(path: Path) -> InputError:
    return InputError(
        f"{path}: expected the file that the features were built from, found other bytes"
    )
