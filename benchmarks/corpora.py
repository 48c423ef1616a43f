"""Generated corpora of the real sizes, for benchmarks that anybody can run."""

import csv
from pathlib import Path

import numpy as np

from features.sample import EMOTIONS, sample_split
from model.data import Data, Split

ENGLISH = {"train": 6838, "dev": 886, "test": 3259}
"""Texts of the English SemEval-2018 E-c corpus (Table 1)."""

COLUMNS, LENGTH, CLASSES = 311, 52, 11
"""d + v of the `paper` experiment in English, its n, and C."""

LABELS = list(EMOTIONS)
"""Label columns of a corpus that `write_sample` writes."""


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


def write_sample(folder: Path, texts: int, language: str = "en") -> None:
    """Draw the built-in corpus at any size and write `train.csv`, `dev.csv` and `test.csv`.

    Four sevenths of the texts are for training, as in the `sample` experiment.
    """
    folder.mkdir(parents=True)
    for split, sevenths in {"train": 4, "dev": 1, "test": 2}.items():
        with (folder / f"{split}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["text", *LABELS])
            left, seed = texts * sevenths // 7, 0
            while left:  # in blocks: drawing all at once would take gigabytes
                block = min(left, 10_000)
                drawn, labels = sample_split(language, split, block, seed)
                writer.writerows(
                    [text, *row] for text, row in zip(drawn, labels.tolist(), strict=True)
                )
                left, seed = left - block, seed + 1
