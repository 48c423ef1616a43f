"""What `workers: 1` promises, and what several threads leave alike."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from features.skipgram import text_sources, trained
from features.spec import SkipGram
from features.textrules import TextRules

RECIPE = SkipGram(dimension=16, epochs=2, min_count=1, workers=1)


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    """Some 3,000 tokens of 300 types, whose frequencies differ, with ties."""
    generator = np.random.default_rng(0)
    words = [f"w{i}" for i in (300 * generator.random((500, 6)) ** 2).astype(int).ravel()]
    folder = tmp_path / "data" / "tweets"
    folder.mkdir(parents=True)
    lines = (" ".join(words[i : i + 6]) + " 😀\n" for i in range(0, len(words), 6))
    (folder / "en.txt").write_text("".join(lines), encoding="utf-8")
    return tmp_path / "data"


def digest(data: Path, cache: Path, recipe: SkipGram = RECIPE) -> str:
    """Trains in this process; hashes what is kept."""
    trained(recipe, "en", TextRules(), text_sources(recipe, "en", data), cache, lambda *_: None)
    (kept,) = cache.glob("vectors-*/vectors.arrow")
    return hashlib.sha256(kept.read_bytes()).hexdigest()


def test_one_thread_gives_the_same_bytes_again(texts: Path, tmp_path: Path) -> None:
    first = digest(texts, tmp_path / "a")
    assert digest(texts, tmp_path / "b") == first
    assert digest(texts, tmp_path / "c", RECIPE.model_copy(update={"seed": 1})) != first


def test_several_threads_leave_vocabulary_and_counts_alike(texts: Path, tmp_path: Path) -> None:
    def kept(workers: int) -> tuple[list[str], list[int]]:
        recipe = RECIPE.model_copy(update={"workers": workers})
        sources = text_sources(recipe, "en", texts)
        cache = tmp_path / str(workers)
        words, _, counts = trained(recipe, "en", TextRules(), sources, cache, lambda *_: None)
        return words, counts.tolist()

    assert kept(1) == kept(2) == kept(3)


TRAIN_ELSEWHERE = """
import sys
from pathlib import Path
from features.skipgram import text_sources, trained
from features.spec import SkipGram
from features.textrules import TextRules

data, cache, recipe = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
spec = SkipGram.model_validate_json(recipe)
trained(spec, "en", TextRules(), text_sources(spec, "en", data), cache, lambda *_: None)
"""


@pytest.mark.slow
@pytest.mark.parametrize("hashes", ["0", "4711"])
def test_another_process_gives_the_same_bytes(texts: Path, tmp_path: Path, hashes: str) -> None:
    here = digest(texts, tmp_path / "here")
    there = tmp_path / "there"
    subprocess.run(
        [sys.executable, "-c", TRAIN_ELSEWHERE, texts, there, RECIPE.model_dump_json()],
        env=os.environ | {"PYTHONHASHSEED": hashes},
        check=True,
    )
    (kept,) = there.glob("vectors-*/vectors.arrow")
    assert hashlib.sha256(kept.read_bytes()).hexdigest() == here
