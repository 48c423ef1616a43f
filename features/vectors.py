"""Word vectors of a corpus' words, from wherever they come."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from features import skipgram
from features.content import content_key
from features.locate import Source, resolve, source
from features.spec import SkipGram, VectorFile
from features.vectorfiles import Loaded, load

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

UNKNOWN = "unknown"
UNKNOWN_COUNT = 100
"""A word seen less often than this in training is too badly placed to speak for all others."""


@dataclass(frozen=True)
class VectorPlan:
    """Where vectors will come from, before any is read.

    Attributes:
        key: Names the vectors by content.
        sources: The files they come from.
    """

    key: str
    sources: tuple[Source, ...]


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

    matrix: "NDArray[np.float32]"
    rows: dict[str, int]
    unknown: "NDArray[np.float32]"
    unknown_is_mean: bool
    available: int


def plan_vectors(spec: SkipGram | VectorFile, language: str, data: Path | None) -> VectorPlan:
    """Finds the files that the vectors come from and names the vectors by their content.

    Raises:
        InputError: When a file is missing.
    """
    if isinstance(spec, SkipGram):
        sources = skipgram.text_sources(spec, language, data)
        return VectorPlan(skipgram.skipgram_key(spec, language, sources), sources)
    file = source("word vectors", resolve(spec.path, language, data))
    return VectorPlan(content_key({"format": spec.format, "file": file.sha256}), (file,))


def vectors_of(
    wanted: set[str],
    spec: SkipGram | VectorFile,
    plan: VectorPlan,
    language: str,
    cache: Path,
    report: skipgram.Progress,
) -> WordVectors:
    """Returns the vectors of the words asked for, training them first where the spec says so.

    Args:
        wanted: Words as :func:`features.text.tokenize` spells them.
        spec: Recipe or file.
        plan: What :func:`plan_vectors` found.
        language: Two-letter code.
        cache: Folder where trained vectors are kept.
        report: Told the step and its fraction done.

    Raises:
        InputError: When a file is not what it has to be.
    """
    asked, rare = wanted | {UNKNOWN}, False
    if isinstance(spec, SkipGram):
        words, matrix, counts = skipgram.trained(spec, language, plan.sources, cache, report)
        kept = [row for row, word in enumerate(words) if word in asked]
        loaded = Loaded([words[row] for row in kept], matrix[kept], matrix.mean(axis=0), len(words))
        rare = any(counts[row] < UNKNOWN_COUNT for row in kept if words[row] == UNKNOWN)
    else:
        report("reading vectors", 0.0)
        loaded = load(plan.sources[0].path, spec.format, asked, language)
    rows = {word: row for row, word in enumerate(loaded.words)}
    own = None if rare else rows.get(UNKNOWN)
    return WordVectors(
        matrix=loaded.matrix,
        rows={word: row for word, row in rows.items() if word in wanted},
        unknown=loaded.mean if own is None else loaded.matrix[own],
        unknown_is_mean=own is None,
        available=loaded.available,
    )
