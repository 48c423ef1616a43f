"""Writes an entry of the feature cache.

It holds the word matrix (``words.arrow``), the examples (``examples.parquet``) and a manifest.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from features.arrow import write_words
from features.content import MANIFEST
from features.corpora import SPLITS, Corpus, Texts
from features.coverage import coverage, unknown_words
from features.entry import EXAMPLES, WORDS
from features.errors import InputError
from features.halves import dev_halves
from features.inputs import FEATURE_RULES, Inputs
from features.lexicons import Lexicon
from features.locate import Source
from features.progress import Progress, Say
from features.spec import FeatureSpec, SkipGram
from features.text import TEXT_RULES, tokenizer
from features.vectors import VectorPlan, WordVectors, side_by_side, vectors_of
from features.vocabulary import WordMatrix, token_matrix, word_matrix


def write_entry(
    spec: FeatureSpec, inputs: Inputs, cache: Path, folder: Path, report: Progress, say: Say
) -> None:
    """Writes the files of an entry, training vectors first where they are not in the cache.

    Args:
        spec: What is asked for.
        inputs: What was read for it.
        cache: The cache folder.
        folder: The folder to write into.
        report: Told the step and its fraction done, 0 to 1.
        say: Told when vectors in the cache are damaged.

    Raises:
        InputError: When the text or the vectors are not what they have to be.
    """
    corpus = inputs.corpus
    splits = {split: corpus.splits[split] for split in SPLITS if split in corpus.splits}
    if corpus.has_vectors:
        numbered = _number_tokens(corpus, splits)
    else:
        numbered = _number_words(spec, inputs, splits, cache, report, say)
    report("writing features", 0.0)
    write_words(folder / WORDS, numbered.matrix.words, numbered.matrix.matrix)
    _write_examples(folder / EXAMPLES, corpus, splits, numbered.rows)

    lengths = [len(text) for text in numbered.rows["train"]]
    mean, longest = float(np.mean(lengths)), max(lengths)
    manifest = {
        "key": inputs.key,
        "sha256": _sha256_of_all(folder / WORDS, folder / EXAMPLES),
        "corpus": corpus.name,
        "language": spec.language,
        "labels": list(corpus.labels),
        "splits": list(splits),
        "n": max(1, int(np.floor((mean + longest) / 2 + 0.5))),
        "mean_length": mean,
        "longest": longest,
        "d": numbered.d,
        "v": numbered.matrix.matrix.shape[1] - numbered.d,
        "words": len(numbered.matrix.words),
        **numbered.about,
        "sources": [
            _described(file)
            for files_read in (
                corpus.sources,
                inputs.vectors.sources,
                *(lexicon.sources for lexicon in inputs.lexicons),
            )
            for file in files_read
        ],
        "notes": list(inputs.notes),
        "spec": spec.model_dump(mode="json"),
        "rules": _rules(inputs),
        "versions": _versions(),
    }
    (folder / MANIFEST).write_text(
        json.dumps(manifest, indent=2, ensure_ascii=False), encoding="utf-8"
    )
    report("writing features", 1.0)


@dataclass(frozen=True)
class _Numbered:
    """Texts as rows of a matrix.

    Attributes:
        matrix: Words and their rows.
        rows: By split, the rows of each text.
        d: Length of a vector, which is followed by lexicon columns.
        about: What the manifest says about vectors and lexicons.
    """

    matrix: WordMatrix
    rows: Mapping[str, Sequence[Sequence[int]]]
    d: int
    about: dict[str, Any]


def _number_words(
    spec: FeatureSpec,
    inputs: Inputs,
    splits: Mapping[str, Texts],
    cache: Path,
    report: Progress,
    say: Say,
) -> _Numbered:
    """Cuts texts into words, which meet vectors and lexicons."""
    report("tokenising corpus", 0.0)
    tokenize = tokenizer(spec.language, spec.text)
    tokens = {split: [tokenize(text) for text in texts.texts] for split, texts in splits.items()}
    if not any(tokens["train"]):
        raise InputError(
            f"corpus {inputs.corpus.name}: expected train texts with words, found "
            f"{len(tokens['train'])} blank ones"
        )
    # Frequent words first: a mini-batch then touches few pages of the mapped matrix.
    counts = Counter(word for texts in tokens.values() for text in texts for word in text)
    types = sorted(counts, key=lambda word: (-counts[word], word))
    parts = vectors_of(set(types), spec, inputs.vectors, cache, report, say)
    vectors = side_by_side(parts)
    report("reading lexicons", 0.0)
    lexicons = _told_apart([found.read() for found in inputs.lexicons])
    matrix = word_matrix(types, vectors, lexicons)
    row = {word: place for place, word in enumerate(matrix.words)}
    rows = {
        split: [[row.get(word, 1) for word in text] for text in texts]
        for split, texts in tokens.items()
    }
    by_source = _by_source(inputs.vectors, parts)
    about = {
        "vectors": _vector_columns(inputs.vectors, parts, cache),
        "unknown_is_mean": vectors.unknown_is_mean,
        "vectors_available": vectors.available,
        "lexicons": _lexicon_columns(lexicons, len(vectors.unknown)),
        "coverage": coverage(tokens, vectors.rows, by_source, lexicons),
        "unknown_words": unknown_words(tokens["train"], vectors.rows),
    }
    return _Numbered(matrix, rows, len(vectors.unknown), about)


def _number_tokens(corpus: Corpus, splits: Mapping[str, Texts]) -> _Numbered:
    """Takes the vectors that a corpus brings; nothing is known about its words."""
    matrix, rows = token_matrix(splits)
    if not any(rows["train"]):
        raise InputError(
            f"corpus {corpus.name}: expected train texts with vectors, found "
            f"{len(rows['train'])} empty ones"
        )
    about = {
        "vectors": [],
        "unknown_is_mean": False,
        "vectors_available": len(matrix.words) - 2,
        "lexicons": [],
        "coverage": {},
        "unknown_words": [],
    }
    return _Numbered(matrix, rows, matrix.matrix.shape[1], about)


def _write_examples(
    path: Path,
    corpus: Corpus,
    splits: Mapping[str, Texts],
    rows: Mapping[str, Sequence[Sequence[int]]],
) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    width = len(corpus.labels)
    columns: dict[str, list[Any]] = {name: [] for name in ("id", "split", "text", "words", "half")}
    for split, texts in splits.items():
        columns["id"] += texts.ids
        columns["split"] += [split] * len(texts.ids)
        columns["text"] += texts.texts
        columns["words"] += rows[split]
        columns["half"] += (
            dev_halves(texts.ids, texts.labels) if split == "dev" else [""] * len(texts.ids)
        )
    labels = np.concatenate([texts.labels for texts in splits.values()])
    table = pa.table(
        {
            "id": pa.array(columns["id"], pa.string()),
            "split": pa.array(columns["split"], pa.string()),
            "text": pa.array(columns["text"], pa.string()),
            "words": pa.array(columns["words"], pa.list_(pa.int32())),
            "labels": pa.FixedSizeListArray.from_arrays(pa.array(labels.reshape(-1)), width),
            "half": pa.array(columns["half"], pa.string()),
        }
    )
    pq.write_table(table, path)


def _vector_columns(
    plan: VectorPlan, parts: list[WordVectors], cache: Path
) -> list[dict[str, Any]]:
    described, first = [], 0
    for planned, part in zip(plan.parts, parts, strict=True):
        described.append(
            {
                "name": planned.name,
                "kind": planned.wanted.kind,
                "path": str(planned.sources[0].path) if planned.wanted.kind == "file" else None,
                "key": planned.key,
                "sha256": planned.sha256(cache),
                "first_column": first,
                "d": len(part.unknown),
                "available": part.available,
                "unknown_is_mean": part.unknown_is_mean,
            }
        )
        first += len(part.unknown)
    return described


def _by_source(plan: VectorPlan, parts: list[WordVectors]) -> dict[str, Container[str]]:
    """The words that each of several sources knows."""
    if len(parts) == 1:
        return {}
    return {planned.name: part.rows for planned, part in zip(plan.parts, parts, strict=True)}


def _told_apart(lexicons: Sequence[Lexicon]) -> list[Lexicon]:
    """Numbers lexicons of one name, such as two tables in two folders."""
    names = [lexicon.name for lexicon in lexicons]
    return [
        lexicon
        if names.count(lexicon.name) == 1
        else replace(lexicon, name=f"{lexicon.name} ({place})")
        for place, lexicon in enumerate(lexicons, start=1)
    ]


def _lexicon_columns(lexicons: Sequence[Lexicon], first: int) -> list[dict[str, Any]]:
    described = []
    for lexicon in lexicons:
        described.append(
            {
                "name": lexicon.name,
                "first_column": first,
                "columns": list(lexicon.columns),
                "entries": len(lexicon.entries),
                "multiword_not_matched": lexicon.multiword,
            }
        )
        first += len(lexicon.columns)
    return described


def _described(file: Source) -> dict[str, str]:
    return {"role": file.role, "path": str(file.path), "sha256": file.sha256}


def _sha256_of_all(*paths: Path) -> str:
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def _rules(inputs: Inputs) -> dict[str, str]:
    """Picks the versions that count in the key."""
    decisive = {"text_rules", "feature_rules", "emoji"}
    if any(isinstance(part.wanted, SkipGram) for part in inputs.vectors.parts):
        decisive.add("gensim")
    return {name: made for name, made in _versions().items() if name in decisive}


def _versions() -> dict[str, str]:
    packages = ("emoji", "gensim", "numpy", "pyarrow")
    return {
        **{name: version(name) for name in packages},
        "text_rules": TEXT_RULES,
        "feature_rules": FEATURE_RULES,
    }
