"""Skip-gram vectors from raw text against gensim on the same text cut beforehand.

On the real unlabelled text (`--data DIR`), otherwise on the sample's. `--full` measures memory on
all the English text instead of a part.
"""

import itertools
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from benchmarks.children import fresh, memory
from benchmarks.measure import Row, against, alternate
from features.lines import read_lines
from features.sample import unlabelled
from features.sentences import write_sentences
from features.skipgram import text_sources, trained
from features.spec import SkipGram
from features.text import tokenizer
from features.textrules import TextRules

TITLE = (
    "Training of skip-gram vectors, all cores (limits: 1.2 times gensim's own time, ratio 0.83; "
    "15,000 tweets/s a core; 2 GiB)"
)
RULES = TextRules()


def rows(quick: bool, data: Path | None, full: bool) -> Iterator[Row]:
    """A row for training, one per language for the text rules, one for memory."""
    texts = 20_000 if quick else 100_000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for language in ("es", "en"):
            _write_texts(folder, data, language, texts)
        yield _training(folder, "es")
        for language in ("es", "en"):
            rate = fresh(_texts_per_second, folder, language)
            yield Row(f"text rules, {language}", rate, None, "tweets/s", None, "one core")
        yield _memory(data if full and data else folder, "en")


def _write_texts(folder: Path, data: Path | None, language: str, texts: int) -> None:
    """Take the first of the unlabelled texts, as many as are asked for."""
    if data is None:
        lines = iter(unlabelled(language, texts))
    else:
        found = text_sources(SkipGram(), language, data)
        lines = (line for file in found for _, line in read_lines(file.path))
    path = folder / "tweets" / f"{language}.txt"
    path.parent.mkdir(exist_ok=True)
    with path.open("w", encoding="utf-8") as sink:
        sink.writelines(f"{line}\n" for line in itertools.islice(lines, texts))


def _train(folder: Path, language: str, spec: SkipGram) -> None:
    """Train from raw text, whatever has been trained before."""
    with tempfile.TemporaryDirectory() as cache:
        sources = text_sources(spec, language, folder)
        trained(spec, language, RULES, sources, Path(cache), _silent)


def _silent(step: str, fraction: float) -> None:
    pass


def _training(folder: Path, language: str) -> Row:
    spec = SkipGram(workers=multiprocessing.cpu_count())
    cut = folder / "cut.txt"
    text = folder / "tweets" / f"{language}.txt"
    write_sentences([text], language, RULES, cut, spec.workers, _silent)
    ours, peer = alternate(
        partial(_train, folder, language, spec), partial(_gensim, cut, spec), runs=1
    )
    case = f"from raw text, {_lines(text):,} tweets ({language})"
    return against(case, ours, peer, "s", f"{spec.epochs} epochs, d = {spec.dimension}")


def _gensim(cut: Path, spec: SkipGram) -> None:
    """Train with the settings of ours, on tokens."""
    from gensim.models import Word2Vec

    Word2Vec(
        corpus_file=str(cut),
        vector_size=spec.dimension,
        window=spec.window,
        min_count=spec.min_count,
        negative=spec.negative,
        epochs=spec.epochs,
        seed=spec.seed,
        workers=spec.workers,
        sg=1,
    )


def _lines(path: Path) -> int:
    return sum(1 for _ in read_lines(path))


def _texts_per_second(folder: Path, language: str) -> float:
    lines = [line for _, line in read_lines(folder / "tweets" / f"{language}.txt")]
    tokens = tokenizer(language, RULES)
    tokens("😀")  # loads the names of emoji
    began = time.process_time()  # of this process, whatever else the machine does
    for line in lines:
        tokens(line)
    return len(lines) / (time.process_time() - began)


def _memory(folder: Path, language: str) -> Row:
    texts = sum(_lines(file.path) for file in text_sources(SkipGram(), language, folder))
    peak, child = fresh(_peaks, folder, language)
    note = f"one epoch; each process that cuts text before: {child:.0f} MiB"
    return Row(f"peak memory, {texts:,} tweets ({language})", peak, None, "MiB", None, note)


def _peaks(folder: Path, language: str) -> tuple[float, float]:
    """Peak resident MiB of this process, and of the largest that it started."""
    _train(folder, language, SkipGram(epochs=1))
    child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return memory()[1], child
