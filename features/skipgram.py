"""Skip-gram vectors trained on unlabelled text, kept by the content of what they came from."""

import hashlib
import json
import logging
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from features.arrow import map_words, matrix_of, write_words
from features.content import content_key, written_whole
from features.errors import InputError
from features.locate import Source, find_text, require_folder, source
from features.sentences import write_sentences
from features.text import TEXT_RULES, tokenize

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from features.spec import SkipGram

Progress = Callable[[str, float], None]
_PROGRESS_LINE = re.compile(r"EPOCH (\d+) - PROGRESS: at ([\d.]+)%")


def text_sources(spec: "SkipGram", language: str, data: Path | None) -> tuple[Source, ...]:
    """Finds the unlabelled text; none for the sample, whose text is generated.

    Raises:
        InputError: When no file matches.
    """
    if spec.text == "sample":
        return ()
    pattern = spec.text.replace("{lang}", language)
    folder = require_folder(data, f"unlabelled text ('{pattern}')")
    return tuple(source("unlabelled text", path) for path in find_text(folder, pattern))


def skipgram_key(spec: "SkipGram", language: str, sources: tuple[Source, ...]) -> str:
    """Names the vectors by everything that determines them.

    The number of threads counts only as one or several: vectors from several threads are never
    reproducible, whatever their number.
    """
    recipe = spec.model_dump(exclude={"text", "workers"})
    if spec.text == "sample":
        from features.sample import unlabelled

        text = [hashlib.sha256("\n".join(unlabelled(language)).encode()).hexdigest()]
    else:
        text = [file.sha256 for file in sources]
    return content_key(
        {
            "recipe": recipe,
            "reproducible": spec.workers == 1,
            "language": language,
            "text": text,
            "rules": TEXT_RULES,
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
    spec: "SkipGram", language: str, sources: tuple[Source, ...], folder: Path, report: Progress
) -> None:
    from gensim.models import Word2Vec

    workers = spec.workers or _cores()
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        sentences = Path(scratch, "sentences.txt")
        if spec.text == "sample":
            from features.sample import unlabelled

            lines = (" ".join(tokenize(text, language)) + "\n" for text in unlabelled(language))
            sentences.write_text("".join(lines), encoding="utf-8")
        else:
            paths = [file.path for file in sources]
            write_sentences(paths, language, sentences, workers, report)
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
                    workers=workers,
                    sg=1,
                )
        except RuntimeError as error:  # what gensim raises for an empty vocabulary
            read = ", ".join(str(file.path) for file in sources) or "sample"
            raise InputError(
                f"{read}: no word occurs {spec.min_count} times; expected more text, or a smaller "
                "min_count"
            ) from error
    vectors = model.wv
    counts = vectors.expandos["count"]
    write_words(folder / "vectors.arrow", list(vectors.index_to_key), vectors.vectors, counts)
    manifest = {
        "recipe": spec.model_dump(),
        "language": language,
        "words": len(vectors),
        "tokens": int(model.corpus_total_words),
        "sources": [{"file": file.path.name, "sha256": file.sha256} for file in sources],
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2), encoding="utf-8")


def trained(
    spec: "SkipGram", language: str, sources: tuple[Source, ...], cache: Path, report: Progress
) -> "tuple[list[str], NDArray[np.float32], NDArray[np.int64]]":
    """Returns (words, vectors ``[V, d]``, counts ``[V]``), trained now or taken from the cache.

    Args:
        spec: The recipe.
        language: Two-letter code.
        sources: What :func:`text_sources` found.
        cache: The cache folder; the vectors live in its ``vectors-<key>/``.
        report: Told the step and its fraction done.

    Raises:
        InputError: When the text is unreadable or too short for the recipe.
    """
    folder = cache / f"vectors-{skipgram_key(spec, language, sources)}"
    with written_whole(folder) as new:
        if new is not None:
            _train(spec, language, sources, new, report)
    batch = map_words(folder / "vectors.arrow")
    counts: NDArray[np.int64] = batch.column("count").to_numpy()
    return batch.column("word").to_pylist(), matrix_of(batch), counts
