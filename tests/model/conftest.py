"""A tiny corpus as numbers, for tests that train."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from model.training import Data, Split

CLASSES = 3


def _split(generator: np.random.Generator, texts: int, length: int, dev: bool) -> Split:
    words = generator.integers(1, 40, (texts, length)).astype(np.int32)
    for row in words:
        row[: generator.integers(0, length + 1)] = 0
    # Labels follow the words, so that there is something to learn.
    labels = np.stack([(words % 7 == j + 1).any(axis=1) for j in range(CLASSES)], axis=1)
    half = np.array(["ab"[i % 2] if dev else "" for i in range(texts)])
    return Split(words, labels.astype(np.uint8), half)


@pytest.fixture
def corpus() -> Callable[..., Data]:
    """Makes a corpus: `corpus(test=False)` has dev halves only."""

    def make(test: bool = True, length: int = 12) -> Data:
        generator = np.random.default_rng(0)
        table = generator.normal(size=(40, 10)).astype(np.float32)
        table[0] = 0
        sizes = {"train": 50, "dev": 20} | ({"test": 24} if test else {})
        splits = {
            name: _split(generator, size, length, name == "dev") for name, size in sizes.items()
        }
        return Data(table, splits)

    return make


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    torch.set_num_threads(1)  # as trials do; two threads wait for each other on tiny products
