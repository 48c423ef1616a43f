"""An entry of the feature cache, as everything downstream reads it."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from features.arrow import map_words, matrix_of
from features.content import mark_used, read_manifest
from features.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

WORDS = "words.arrow"
EXAMPLES = "examples.parquet"


@dataclass(frozen=True)
class Split:
    """The texts of one split as numbers.

    Attributes:
        ids: m distinct names.
        words: ``[m, n]`` rows of the word matrix; zeros fill the start, the end is cut.
        labels: ``[m, C]``, 0 or 1.
        half: ``[m]``, ``a`` or ``b`` for dev, empty elsewhere.
        texts: m raw texts.
    """

    ids: list[str]
    words: "NDArray[np.int32]"
    labels: "NDArray[np.uint8]"
    half: "NDArray[np.str_]"
    texts: list[str]


def pad(values: "NDArray[np.int32]", lengths: "NDArray[np.int64]", n: int) -> "NDArray[np.int32]":
    """Lays texts of any length out in n columns: zeros at the start, truncation at the end.

    Args:
        values: The rows of all texts, one after the other.
        lengths: ``[m]``, how many of them each text has.
        n: Columns.

    Returns:
        ``[m, n]``.
    """
    starts = np.cumsum(lengths) - lengths
    kept = np.minimum(lengths, n)
    text = np.repeat(np.arange(len(lengths)), kept)
    within = np.arange(len(text)) - np.repeat(np.cumsum(kept) - kept, kept)
    padded = np.zeros((len(lengths), n), dtype=np.int32)
    padded[text, n - kept[text] + within] = values[starts[text] + within]
    return padded


@dataclass(frozen=True)
class Features:
    """One corpus in one language, as numbers.

    The n x (d + v) matrix of a text is a gather, ``vectors()[split.words[i]]``; it is never
    stored.

    Attributes:
        path: The folder of the entry.
        key: Names the entry by what went in.
        sha256: Hash of the bytes that came out, of the word matrix and the examples.
        corpus: Name of the corpus.
        language: Two-letter code.
        labels: C label names.
        n: Positions per text.
        d: Length of a word's vector.
        v: Lexicon columns after it.
        splits: Those present, in the order train, dev, test.
        manifest: All else that is known about the entry.
    """

    path: Path
    key: str
    sha256: str
    corpus: str
    language: str
    labels: tuple[str, ...]
    n: int
    d: int
    v: int
    splits: tuple[str, ...]
    manifest: dict[str, Any]

    def vectors(self) -> "NDArray[np.float32]":
        """Maps the word matrix ``[W, d + v]``: read-only, not copied; row 0 is padding."""
        return matrix_of(map_words(self.path / WORDS))

    def words(self) -> list[str]:
        """Lists the W words of the matrix; the first two stand for padding and any other word."""
        listed: list[str] = map_words(self.path / WORDS).column("word").to_pylist()
        return listed

    def split(self, name: str) -> Split:
        """Reads one split.

        Args:
            name: ``train``, ``dev`` or ``test``.

        Raises:
            InputError: When the corpus has no such split.
        """
        if name not in self.splits:
            raise InputError(
                f"corpus {self.corpus} ({self.language}) has no split '{name}'; expected one of "
                f"{', '.join(self.splits)}"
            )
        import pyarrow.parquet as pq

        table = pq.read_table(
            self.path / EXAMPLES, filters=[("split", "==", name)], use_threads=False
        ).combine_chunks()
        words = table["words"].combine_chunks()
        labels = table["labels"].combine_chunks().flatten().to_numpy()
        return Split(
            ids=table["id"].to_pylist(),
            words=pad(words.flatten().to_numpy(), words.value_lengths().to_numpy(), self.n),
            labels=labels.reshape(len(table), len(self.labels)).copy(),  # Arrow's are read-only
            half=np.array(table["half"].to_pylist(), dtype=np.str_),
            texts=table["text"].to_pylist(),
        )


def open_features(path: Path) -> Features:
    """Opens an entry of the feature cache; takes a millisecond, reads no vector.

    Looks at the sizes of its files, not at their checksums: those are for whoever builds.

    Args:
        path: The folder ``<cache>/<key>``.

    Raises:
        InputError: When it is no whole entry.
    """
    manifest = read_manifest(path)
    try:
        features = Features(
            path=path,
            key=manifest["key"],
            sha256=manifest["sha256"],
            corpus=manifest["corpus"],
            language=manifest["language"],
            labels=tuple(manifest["labels"]),
            n=manifest["n"],
            d=manifest["d"],
            v=manifest["v"],
            splits=tuple(manifest["splits"]),
            manifest=manifest,
        )
    except KeyError as error:  # as of vectors, which lie in the same cache
        raise InputError(f"{path}: expected features; found no {error} in its manifest") from error
    mark_used(path)
    return features
