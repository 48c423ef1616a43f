"""Word vectors of a corpus' words, from wherever they come: one source, or several side by side."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from features import skipgram
from features.content import content_key
from features.locate import Source, resolve, source
from features.progress import Progress, Say
from features.spec import FeatureSpec, SkipGram, VectorFile
from features.vectorfiles import Loaded, load, vector_files

UNKNOWN = "unknown"
UNKNOWN_COUNT = 100
"""A word seen less often than this in training is too badly placed to speak for all others."""


@dataclass(frozen=True)
class PlannedVectors:
    """One source of vectors, before it is read.

    Attributes:
        name: What tables and notes call it; no two sources of a plan share it.
        wanted: What the experiment says about it.
        key: Names its vectors by content.
        sources: The files they come from.
        at_hand: Texts that they come from and that are in no file of their own.
    """

    name: str
    wanted: SkipGram | VectorFile
    key: str
    sources: tuple[Source, ...]
    at_hand: Sequence[str] = ()

    def sha256(self, cache: Path) -> str:
        """Hashes the vectors themselves, which for a recipe have to be trained before.

        Raises:
            InputError: When trained vectors are not in the cache.
        """
        if isinstance(self.wanted, SkipGram):
            return skipgram.trained_sha256(self.key, cache)
        return self.key


@dataclass(frozen=True)
class VectorPlan:
    """Where vectors will come from, before any is read.

    Attributes:
        parts: The sources, in column order.
    """

    parts: tuple[PlannedVectors, ...]

    @property
    def key(self) -> str:
        """Names the vectors by content."""
        return content_key({"side by side": [part.key for part in self.parts]})

    @property
    def sources(self) -> tuple[Source, ...]:
        """The files that the vectors come from."""
        return tuple(file for part in self.parts for file in part.sources)


@dataclass(frozen=True)
class WordVectors:
    """Vectors of the words that were asked for.

    Attributes:
        matrix: ``[k, d]``, a row per word that has a vector, and maybe one of "unknown".
        rows: The row of each of those words.
        unknown: ``[d]``, the vector of any other word.
        unknown_is_mean: Whether that is the mean of all vectors, because "unknown" itself has
            none or was seen too rarely.
        available: How many words the source has vectors of.
    """

    matrix: NDArray[np.float32]
    rows: dict[str, int]
    unknown: NDArray[np.float32]
    unknown_is_mean: bool
    available: int


def plan_vectors(spec: FeatureSpec, data: Path | None, train: Sequence[str] = ()) -> VectorPlan:
    """Finds the files that the vectors come from and names the vectors by their content.

    Args:
        spec: What is asked for.
        data: Folder below which files are found, if any.
        train: The train texts of the corpus.

    Raises:
        InputError: When a file is missing.
    """
    parts = [_plan(wanted, spec, data, train) for wanted in spec.vectors]
    names = [part.name for part in parts]
    return VectorPlan(
        tuple(
            part if names.count(part.name) == 1 else replace(part, name=f"{part.name} ({place})")
            for place, part in enumerate(parts, start=1)
        )
    )


def _plan(
    wanted: SkipGram | VectorFile, spec: FeatureSpec, data: Path | None, train: Sequence[str]
) -> PlannedVectors:
    if isinstance(wanted, SkipGram):
        files = skipgram.text_sources(wanted, spec.language, data)
        texts = skipgram.texts_at_hand(wanted, spec.language, train)
        key = skipgram.skipgram_key(wanted, spec.language, spec.text, files, texts)
        return PlannedVectors("skipgram", wanted, key, files, texts)
    path = resolve(wanted.path, spec.language, data)
    files = tuple(source("word vectors", file) for file in vector_files(path, wanted.format))
    key = content_key({"format": wanted.format, "files": [file.sha256 for file in files]})
    return PlannedVectors(path.name, wanted, key, files)


def vectors_of(
    wanted: set[str],
    spec: FeatureSpec,
    plan: VectorPlan,
    cache: Path,
    report: Progress,
    say: Say = warnings.warn,
) -> list[WordVectors]:
    """Returns the vectors of the words asked for, training them first where the spec says so.

    Args:
        wanted: Words as :func:`features.text.tokenize` spells them.
        spec: What is asked for.
        plan: What :func:`plan_vectors` found.
        cache: Folder where trained vectors are kept.
        report: Told the step and its fraction done.
        say: Told when trained vectors in the cache are damaged.

    Returns:
        What each part of the plan has; see :func:`side_by_side`.

    Raises:
        InputError: When a file is not what it has to be.
    """
    return [_read(wanted, spec, part, cache, report, say) for part in plan.parts]


def _read(
    wanted: set[str],
    spec: FeatureSpec,
    part: PlannedVectors,
    cache: Path,
    report: Progress,
    say: Say,
) -> WordVectors:
    asked, rare = wanted | {UNKNOWN}, False
    if isinstance(part.wanted, SkipGram):
        words, matrix, counts = skipgram.trained(
            part.wanted, spec.language, spec.text, part.sources, cache, report, say, part.at_hand
        )
        kept = [row for row, word in enumerate(words) if word in asked]
        loaded = Loaded([words[row] for row in kept], matrix[kept], matrix.mean(axis=0), len(words))
        rare = any(counts[row] < UNKNOWN_COUNT for row in kept if words[row] == UNKNOWN)
    else:
        report("reading vectors", 0.0)
        loaded = load(part.sources[0].path, part.wanted.format, asked, spec.language)
    rows = {word: row for row, word in enumerate(loaded.words)}
    own = None if rare else rows.get(UNKNOWN)
    return WordVectors(
        matrix=loaded.matrix,
        rows={word: row for word, row in rows.items() if word in wanted},
        unknown=loaded.mean if own is None else loaded.matrix[own],
        unknown_is_mean=own is None,
        available=loaded.available,
    )


def side_by_side(parts: Sequence[WordVectors]) -> WordVectors:
    """Joins the columns of several sources: d is the sum of theirs.

    A word has a vector where any source has one of it; in the columns of a source that lacks it,
    it takes that source's vector of "unknown". ``unknown_is_mean`` says so of any source,
    ``available`` counts a word once for each source that has it.
    """
    if len(parts) == 1:
        return parts[0]
    words = dict.fromkeys(word for part in parts for word in part.rows)
    rows = {word: row for row, word in enumerate(words)}
    unknown = np.concatenate([part.unknown for part in parts])
    matrix = np.tile(unknown, (len(rows), 1))
    first = 0
    for part in parts:
        columns = matrix[:, first : first + len(part.unknown)]
        columns[[rows[word] for word in part.rows]] = part.matrix[list(part.rows.values())]
        first += len(part.unknown)
    return WordVectors(
        matrix=matrix,
        rows=rows,
        unknown=unknown,
        unknown_is_mean=any(part.unknown_is_mean for part in parts),
        available=sum(part.available for part in parts),
    )
