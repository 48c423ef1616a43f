"""The feature cache: text -> numbers once, found again by the content of everything that went in.

An entry ``<cache>/<key>/`` holds the word matrix (``words.arrow``), the examples
(``examples.parquet``) and a manifest. It is written once, by one process, and never changed.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from features.arrow import write_words
from features.content import content_key, written_whole
from features.corpora import SPLITS, Corpus, read_corpus
from features.coverage import coverage
from features.entry import EXAMPLES, MANIFEST, WORDS, Features, open_features
from features.errors import InputError
from features.halves import dev_halves
from features.lexicons import Lexicon, read_lexicon
from features.locate import Source, sha256_of
from features.spec import FeatureSpec, LexiconChoice
from features.text import TEXT_RULES, tokenize
from features.vectors import VectorPlan, plan_vectors, vectors_of
from features.vocabulary import word_matrix

FEATURE_RULES = "1"
"""Raise this when equal input gives other files: it is part of every key."""

Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class _Inputs:
    """Everything that goes in, read; and the key that names it."""

    corpus: Corpus
    lexicons: tuple[Lexicon, ...]
    vectors: VectorPlan
    key: str
    notes: tuple[str, ...]


def _no_report(step: str, fraction: float) -> None:
    """Stands in where nobody watches."""


def _read_inputs(spec: FeatureSpec, data: Path | None) -> _Inputs:
    corpus = read_corpus(spec.corpus, spec.language, data)
    wanted = [LexiconChoice(name=c) if isinstance(c, str) else c for c in spec.lexicons]
    lexicons = [
        read_lexicon(choice.name, spec.language, data, optional=choice.optional)
        for choice in wanted
    ]
    vectors = plan_vectors(spec.vectors, spec.language, data)
    key = content_key(
        {
            "corpus": [corpus.name, corpus.digest(), [file.sha256 for file in corpus.sources]],
            "language": spec.language,
            "vectors": vectors.key,
            "lexicons": [
                [lexicon.name, lexicon.digest(), [file.sha256 for file in lexicon.sources]]
                for lexicon in lexicons
            ],
            "rules": [FEATURE_RULES, TEXT_RULES, version("emoji")],
        }
    )
    notes = (*corpus.notes, *(note for lexicon in lexicons for note in lexicon.notes))
    # One that was skipped counts in the key, so that its note is not lost to an older entry.
    found = tuple(lexicon for lexicon in lexicons if lexicon.columns)
    return _Inputs(corpus, found, vectors, key, notes)


def find(spec: FeatureSpec, data: Path | None, cache: Path) -> Features | None:
    """Opens the entry of a spec if it has been built.

    Reads and hashes the inputs, builds nothing.

    Args:
        spec: What is asked for.
        data: Folder below which official files are found, if any.
        cache: The cache folder.

    Raises:
        InputError: When an input is missing or malformed.
    """
    entry = cache / _read_inputs(spec, data).key
    return open_features(entry) if entry.is_dir() else None


def build(
    spec: FeatureSpec, data: Path | None, cache: Path, progress: Progress | None = None
) -> Features:
    """Returns the features of a spec, building them if they are not in the cache.

    Of several processes that want the same entry, one builds and the others wait.

    Args:
        spec: What is asked for.
        data: Folder below which official files are found, if any.
        cache: The cache folder; made if absent.
        progress: Told the step and its fraction done, 0 to 1.

    Raises:
        InputError: When an input is missing or malformed, or the cache cannot be written.
    """
    report = progress or _no_report
    report("reading corpus and lexicons", 0.0)
    inputs = _read_inputs(spec, data)
    entry = cache / inputs.key
    with written_whole(entry) as new:
        if new is not None:
            _write(spec, inputs, cache, new, report)
    return open_features(entry)


def _write(spec: FeatureSpec, inputs: _Inputs, cache: Path, folder: Path, report: Progress) -> None:
    corpus = inputs.corpus
    splits = [split for split in SPLITS if split in corpus.splits]
    report("tokenising corpus", 0.0)
    tokens = {
        split: [tokenize(text, spec.language) for text in corpus.splits[split].texts]
        for split in splits
    }
    if not any(tokens["train"]):
        raise InputError(
            f"corpus {corpus.name}: expected train texts with words, found "
            f"{len(tokens['train'])} blank ones"
        )
    # Frequent words first: a mini-batch then touches few pages of the mapped matrix.
    counts = Counter(word for split in splits for text in tokens[split] for word in text)
    types = sorted(counts, key=lambda word: (-counts[word], word))
    vectors = vectors_of(set(types), spec.vectors, inputs.vectors, spec.language, cache, report)
    report("writing features", 0.0)
    words = word_matrix(types, vectors, inputs.lexicons)
    write_words(folder / WORDS, words.words, words.matrix)
    row = {word: place for place, word in enumerate(words.words)}
    rows = {split: [[row.get(w, 1) for w in text] for text in tokens[split]] for split in splits}
    _write_examples(folder / EXAMPLES, corpus, splits, rows)

    lengths = [len(text) for text in tokens["train"]]
    mean, longest = float(np.mean(lengths)), max(lengths)
    files = {
        name: {"sha256": sha256_of(folder / name), "bytes": (folder / name).stat().st_size}
        for name in (WORDS, EXAMPLES)
    }
    manifest = {
        "key": inputs.key,
        "sha256": _sha256_of_all(folder / WORDS, folder / EXAMPLES),
        "corpus": corpus.name,
        "language": spec.language,
        "labels": list(corpus.labels),
        "splits": splits,
        "n": max(1, int(np.floor((mean + longest) / 2 + 0.5))),
        "mean_length": mean,
        "longest": longest,
        "d": len(vectors.unknown),
        "v": words.matrix.shape[1] - len(vectors.unknown),
        "lexicons": _lexicon_columns(inputs.lexicons, len(vectors.unknown)),
        "unknown_is_mean": vectors.unknown_is_mean,
        "vectors_available": vectors.available,
        "coverage": coverage(tokens, set(vectors.rows), inputs.lexicons),
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
        "versions": _versions(),
        "files": files,
    }
    (folder / MANIFEST).write_text(
        json.dumps(manifest, indent=2, ensure_ascii=False), encoding="utf-8"
    )
    report("writing features", 1.0)


def _write_examples(
    path: Path, corpus: Corpus, splits: list[str], rows: dict[str, list[list[int]]]
) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    width = len(corpus.labels)
    columns: dict[str, list[Any]] = {name: [] for name in ("id", "split", "text", "words", "half")}
    for split in splits:
        texts = corpus.splits[split]
        columns["id"] += texts.ids
        columns["split"] += [split] * len(texts.ids)
        columns["text"] += texts.texts
        columns["words"] += rows[split]
        columns["half"] += (
            dev_halves(texts.ids, texts.labels) if split == "dev" else [""] * len(texts.ids)
        )
    labels = np.concatenate([corpus.splits[split].labels for split in splits])
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


def _lexicon_columns(lexicons: tuple[Lexicon, ...], first: int) -> list[dict[str, Any]]:
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
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _versions() -> dict[str, str]:
    packages = ("emoji", "gensim", "numpy", "pyarrow")
    return {
        **{name: version(name) for name in packages},
        "text_rules": TEXT_RULES,
        "feature_rules": FEATURE_RULES,
    }
