"""The built-in generated corpus, so that everything runs with nothing downloaded."""

from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field

from features.corpora import Corpus, ReaderOptions, Texts, corpus_reader
from features.sample import EMOTIONS, sample_split


class Sample(ReaderOptions):
    """Options of the generated corpus.

    Attributes:
        reader: Always ``sample``.
        train: Number of train texts.
        dev: Number of dev texts.
        test: Number of test texts; 0 for no test split.
        seed: Another seed draws other texts of the same language.
        shuffle_labels: Deals the train labels out at random, so that nothing can be learnt: what
            any loss then scores is chance.
    """

    reader: Literal["sample"] = "sample"
    train: int = Field(default=2000, ge=1)
    dev: int = Field(default=500, ge=1)
    test: int = Field(default=1000, ge=0)
    seed: int = Field(default=0, ge=0)
    shuffle_labels: bool = False


@corpus_reader(Sample)
def read_sample(options: Sample, language: str, data: Path | None) -> Corpus:
    """Draws the corpus; the data folder is not looked at.

    Raises:
        InputError: When the sample has no such language.
    """
    splits = {}
    for split, m in {"train": options.train, "dev": options.dev, "test": options.test}.items():
        if m == 0:
            continue
        texts, labels = sample_split(language, split, m, options.seed)
        if split == "train" and options.shuffle_labels:
            labels = np.random.default_rng(options.seed).permutation(labels)
        ids = [f"sample-{language}-{split}-{i:05d}" for i in range(m)]
        splits[split] = Texts(ids, texts, labels)
    return Corpus(options.reader, EMOTIONS, splits)
