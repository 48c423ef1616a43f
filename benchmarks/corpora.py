"""Generated corpora of the real sizes, for benchmarks that anybody can run."""

import numpy as np

from model.training import Data, Split

ENGLISH = {"train": 6838, "dev": 886, "test": 3259}
"""Texts of the English SemEval-2018 E-c corpus (Table 1)."""

COLUMNS, LENGTH, CLASSES = 311, 52, 11
"""d + v of the `paper` experiment in English, its n, and C."""


def english_size(share: float = 1.0, seed: int = 0) -> Data:
    """Texts as long as the English ones, with words as frequent as Zipf has it.

    Args:
        share: of the texts.
        seed: of everything random.
    """
    generator = np.random.default_rng(seed)
    words = 18_000
    table = generator.normal(size=(words, COLUMNS)).astype(np.float32)
    table[0] = 0
    frequency = 1 / np.arange(1, words)
    frequency /= frequency.sum()
    splits = {}
    for name, texts in ENGLISH.items():
        m = round(texts * share)
        lengths = np.clip(generator.lognormal(2.85, 0.42, m).astype(int), 1, LENGTH)
        rows = generator.choice(np.arange(1, words), (m, LENGTH), p=frequency).astype(np.int32)
        rows[np.arange(LENGTH) < LENGTH - lengths[:, None]] = 0
        labels = (generator.random((m, CLASSES)) < 0.21).astype(np.uint8)
        half = np.array(["ab"[i % 2] if name == "dev" else "" for i in range(m)])
        splits[name] = Split(rows, labels, half)
    return Data(table, splits)
