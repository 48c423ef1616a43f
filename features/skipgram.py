"""Skip-gram vectors trained on unlabelled text, kept by the content of what they came from."""

import hashlib
import json
import logging
import os
import re
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from features.arrow import map_words, matrix_of, write_words
from features.content import MANIFEST, content_key, read_manifest, written_whole
from features.errors import InputError
from features.locate import Source, find_text, require_folder, source
from features.progress import Progress, Say
from features.sentences import write_sentences
from features.text import TEXT_RULES, tokenizer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from features.spec import SkipGram
    from features.textrules import TextRules

VECTORS = "vectors.arrow"

_DIFFERENT = (
    "several threads never train the same vectors twice, so that arms on these will be trained "
    "anew, in another run folder"
)
_PROGRESS_LINE = re.compile(r"EPOCH (\d+) - PROGRESS: at ([\d.]+)%")


def text_sources(spec: "SkipGram", language: str, data: Path | None) -> tuple[Source, ...]:
    """Finds the unlabelled text; none where the texts are at hand.

    Raises:
        InputError: When no file matches.
    """
    if spec.text in ("sample", "corpus"):
        return ()
    pattern = spec.text.replace("{lang}", language)
    wanted = f"unlabelled text ('{pattern}'; text: corpus would take the train texts)"
    folder = require_folder(data, wanted)
    return tuple(source("unlabelled text", path) for path in find_text(folder, pattern))


def texts_at_hand(spec: "SkipGram", language: str, train: Sequence[str]) -> Sequence[str]:
    """Returns the texts that are in no file of their own: the sample's, or a corpus' train texts.

    Dev and test texts are left out: what scores a network has no say in its vectors.
    """
    if spec.text == "sample":
        from features.sample import unlabelled

        return unlabelled(language)
    return train if spec.text == "corpus" else ()


def skipgram_key(
    spec: "SkipGram",
    language: str,
    rules: "TextRules",
    sources: tuple[Source, ...],
    at_hand: Sequence[str] = (),
) -> str:
    """Names the vectors by everything that determines them.

    The number of threads counts only as one or several: vectors from several threads are never
    reproducible, whatever their number.
    """
    recipe = spec.model_dump(exclude={"text", "workers"})
    text = [file.sha256 for file in sources]
    if at_hand:
        text.append(hashlib.sha256(repr(tuple(at_hand)).encode()).hexdigest())
    return content_key(
        {
            "recipe": recipe,
            "reproducible": spec.workers == 1,
            "language": language,
            "text": text,
            "rules": [TEXT_RULES, rules.model_dump()],
            "emoji": version("emoji"),
            "gensim": version("gensim"),
        }
    )


@contextmanager
def _epochs_reported(epochs: int, report: Progress) -> Iterator[None]:
    """Turns gensim's log lines into a fraction, and keeps them off the screen.

    Training from a file, gensim speaks whenever a thread has finished its part of an epoch.
    """

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            found = _PROGRESS_LINE.match(record.getMessage())
            if found:
                epoch, percent = int(found[1]), float(found[2])
                report("training vectors", min((epoch + percent / 100) / epochs, 1.0))

    logger = logging.getLogger("gensim.models.word2vec")
    handler = Handler()
    before = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.level, logger.propagate = before


def _cores() -> int:
    """Counts the cores this process may use, where the system tells."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _train(
    spec: "SkipGram",
    language: str,
    rules: "TextRules",
    sources: tuple[Source, ...],
    at_hand: Sequence[str],
    folder: Path,
    report: Progress,
) -> None:
    from gensim.models import Word2Vec

    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        sentences = Path(scratch, "sentences.txt")
        if at_hand:
            tokens = map(tokenizer(language, rules), at_hand)
            lines = (" ".join(words) + "\n" for words in tokens if words)
            sentences.write_text("".join(lines), encoding="utf-8")
        else:
            paths = [file.path for file in sources]
            write_sentences(paths, language, rules, sentences, _cores(), report)
        report("training vectors", 0.0)
        try:
            with _epochs_reported(spec.epochs, report):
                model = Word2Vec(
                    corpus_file=str(sentences),
                    vector_size=spec.dimension,
                    window=spec.window,
                    min_count=spec.min_count,
                    negative=spec.negative,
                    epochs=spec.epochs,
                    seed=spec.seed,
                    workers=spec.workers or _cores(),
                    sg=1,
                )
        except RuntimeError as error:  # what gensim raises for an empty vocabulary
            read = ", ".join(str(file.path) for file in sources) or spec.text
            raise InputError(
                f"{read}: no word occurs {spec.min_count} times; expected more text, or a smaller "
                "min_count"
            ) from error
    vectors = model.wv
    counts = vectors.expandos["count"]
    write_words(folder / VECTORS, list(vectors.index_to_key), vectors.vectors, counts)
    manifest = {
        "recipe": spec.model_dump(),
        "text": rules.model_dump(),
        "language": language,
        "words": len(vectors),
        "tokens": int(model.corpus_total_words),
        "sources": [{"file": file.path.name, "sha256": file.sha256} for file in sources],
        "rules": {
            "text_rules": TEXT_RULES,
            "emoji": version("emoji"),
            "gensim": version("gensim"),
        },
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2), encoding="utf-8")


def entry_of(key: str, cache: Path) -> Path:
    """Names the cache entry of trained vectors.

    Raises:
        InputError: When that is no key; it may stand in a file that somebody else wrote.
    """
    if not re.fullmatch("[0-9a-f]+", key):
        raise InputError(f"{cache}: {key!r} is no key of trained vectors")
    return cache / f"vectors-{key}"


def trained_sha256(key: str, cache: Path) -> str:
    """Returns the hash of trained vectors: equal recipes need not give equal ones.

    Raises:
        InputError: When they are not in the cache.
    """
    sha256: str = read_manifest(entry_of(key, cache))["files"][VECTORS]["sha256"]
    return sha256


def trained(
    spec: "SkipGram",
    language: str,
    rules: "TextRules",
    sources: tuple[Source, ...],
    cache: Path,
    report: Progress,
    say: Say = warnings.warn,
    at_hand: Sequence[str] = (),
) -> "tuple[list[str], NDArray[np.float32], NDArray[np.int64]]":
    """Returns (words, vectors ``[V, d]``, counts ``[V]``), trained now or taken from the cache.

    Args:
        spec: The recipe.
        language: ISO 639 code.
        rules: How the text is cut.
        sources: What :func:`text_sources` found.
        cache: The cache folder; the vectors live in its ``vectors-<key>/``.
        report: Told the step and its fraction done.
        say: Told when those in the cache are damaged.
        at_hand: What :func:`texts_at_hand` found.

    Raises:
        InputError: When the text is unreadable or too short for the recipe.
    """
    folder = entry_of(skipgram_key(spec, language, rules, sources, at_hand), cache)

    def tell(trouble: str) -> None:
        say(trouble if spec.workers == 1 else f"{trouble}; {_DIFFERENT}")

    with written_whole(folder, tell) as new:
        if new is not None:
            _train(spec, language, rules, sources, at_hand, new, report)
    batch = map_words(folder / VECTORS)
    counts: NDArray[np.int64] = batch.column("count").to_numpy()
    return batch.column("word").to_pylist(), matrix_of(batch), counts
