"""A tiny corpus of our own in the official layout, with everything that the features can use."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from features import Features, FeatureSpec, build

LABELS = ("anger", "joy", "sadness")


def official(rows: list[tuple[str, str, str]], labels: tuple[str, ...] = LABELS) -> bytes:
    """Writes rows of (id, text, flags such as '010') as the official files are written."""
    lines = ["\t".join(["ID", "Tweet", *labels])]
    lines += ["\t".join([name, text, *flags]) for name, text, flags in rows]
    return "".join(line + "\r\n" for line in lines).encode("utf-8")


TRAIN = [
    ("t1", 'The cat said "meow 😀', "010"),
    ("t2", "So angry!!! #rage @someone", "100"),
    ("t3", "tears and rain, rain and tears &amp; more rain", "001"),
    ("t4", "nothing to see", "000"),
]
DEV = [
    ("d1", "rain again", "001"),
    ("d2", "the cat", "010"),
    ("d3", "the dog", "010"),
    ("d4", "rage", "100"),
    ("d5", "rage and rain", "101"),
]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder: a corpus, a lexicon, unlabelled text and ready-made vectors."""
    folder = tmp_path / "data with 'spaces'"
    deep = folder / "English" / "E-c"
    deep.mkdir(parents=True)
    (deep / "2018-E-c-En-train.txt").write_bytes(official(TRAIN))
    (deep / "2018-E-c-En-dev.txt").write_bytes(official(DEV))
    (folder / "AFINN-111.txt").write_text("rage\t-5\ntears\t-2\nnot good\t-2\n", encoding="utf-8")
    (folder / "x" / "tweets").mkdir(parents=True)
    (folder / "x" / "tweets" / "en.txt").write_text("the cat and the dog\n" * 50, encoding="utf-8")
    (folder / "vectors.txt").write_text(
        "the 1 0 0\ncat 0 1 0\nrain 0 0 1\nunknown 9 9 9\n", encoding="utf-8"
    )
    return folder


@pytest.fixture
def spec() -> Callable[..., FeatureSpec]:
    """Asks for the features of that corpus, with replacements."""

    def ask(**more: Any) -> FeatureSpec:
        given = {
            "corpus": {"reader": "semeval2018-ec"},
            "language": "en",
            "vectors": {"kind": "file", "path": "vectors.txt", "format": "glove"},
            "lexicons": ["afinn"],
        }
        return FeatureSpec.model_validate(given | more)

    return ask


@pytest.fixture
def built(data: Path, tmp_path: Path, spec: Callable[..., FeatureSpec]) -> Features:
    """Features of that corpus, in ``tmp_path / "cache"``."""
    return build(spec(), data, tmp_path / "cache")
