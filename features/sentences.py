"""Unlabelled text -> one line of tokens per text, over several processes."""

import itertools
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from features.errors import InputError
from features.lines import read_lines
from features.progress import Progress
from features.text import tokenizer
from features.textrules import TextRules

_BLOCK = 20_000  # lines handed to a process at once: a few seconds of work
_ALONE = 4_000_000  # bytes below which starting processes costs more than it gains


def _tokenize_lines(lines: list[str], language: str, rules: TextRules) -> str:
    tokens = map(tokenizer(language, rules), lines)
    return "".join(" ".join(words) + "\n" for words in tokens if words)


def _blocks(paths: list[Path]) -> Iterator[list[str]]:
    for path in paths:
        lines = (line for _, line in read_lines(path))
        while block := list(itertools.islice(lines, _BLOCK)):
            yield block


def _tokenized(
    paths: list[Path], language: str, rules: TextRules, processes: int
) -> Iterator[tuple[int, str]]:
    """Yields (lines read, tokenised block) in order; a few blocks wait at any time."""
    if processes == 1 or sum(path.stat().st_size for path in paths) < _ALONE:
        for block in _blocks(paths):
            yield len(block), _tokenize_lines(block, language, rules)
        return
    # Spawn, not fork: a fork after threaded products (torch, gensim) can hang.
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        waiting: deque[tuple[int, Future[str]]] = deque()
        for block in _blocks(paths):
            waiting.append((len(block), pool.submit(_tokenize_lines, block, language, rules)))
            if len(waiting) > 2 * processes:
                count, future = waiting.popleft()
                yield count, future.result()
        for count, future in waiting:
            yield count, future.result()


def write_sentences(
    paths: list[Path],
    language: str,
    rules: TextRules,
    target: Path,
    processes: int,
    report: Progress,
) -> None:
    """Tokenises text files into one file, a text per line, tokens separated by blanks.

    Args:
        paths: The files, plain or ``.gz``, one text a line.
        language: ISO 639 code.
        rules: How texts are cut.
        target: The file to write.
        processes: How many processes share the work; the result does not depend on it.
        report: Told the step and its fraction done.

    Raises:
        InputError: When a file is unreadable, not UTF-8, or there is no token at all.
    """
    total = sum(1 for path in paths for _ in read_lines(path))
    done = 0
    report("tokenising unlabelled text", 0.0)
    with target.open("w", encoding="utf-8") as sink:
        for count, block in _tokenized(paths, language, rules, processes):
            sink.write(block)
            done += count
            report("tokenising unlabelled text", done / total)
    if target.stat().st_size == 0:
        raise InputError(f"{', '.join(map(str, paths))}: expected text to train on, found no token")
