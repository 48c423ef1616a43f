"""Bad input as a user meets it: exit status 2, one sentence with file and row or key."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

Spoil = Callable[[Path, dict[str, Any]], None]

TRAIN = "id,text,joy,fear\n1,so happy,1,0\n2,so afraid,0,1\n3,well,0,0\n"
DEV = "id,text,joy,fear\n4,happy,1,0\n5,afraid,0,1\n"
GLOVE = "".join(f"{word} 0.1 0.2\n" for word in ("so", "happy", "afraid", "well", "unknown"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A good corpus with vectors, in a folder with a difficult name."""
    folder = tmp_path / 'it\'s a "corpus" #1'
    folder.mkdir()
    (folder / "train.csv").write_text(TRAIN)
    (folder / "dev.csv").write_text(DEV)
    (folder / "vectors.txt").write_text(GLOVE)
    return folder


@pytest.fixture
def own() -> dict[str, Any]:
    """An experiment on it."""
    return {
        "name": "own",
        "corpus": {
            "reader": "table",
            "train": "train.csv",
            "dev": "dev.csv",
            "text": "text",
            "id": "id",
            "labels": ["joy", "fear"],
        },
        "languages": ["en"],
        "vectors": {"kind": "file", "path": "vectors.txt", "format": "glove"},
        "grid": {"loss": ["bce"], "batch_size": [2]},
        "train": {"epochs": 1},
        "network": {"heights": [1], "filters": 2},
    }


@pytest.fixture
def run_it(
    folder: Path,
    own: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    softsweep: Callable[..., tuple[int, str, str]],
) -> Callable[[], tuple[int, str]]:
    """Runs it: exit status and standard error."""

    def run() -> tuple[int, str]:
        (folder / "own.yaml").write_text(yaml.safe_dump(own))
        arguments = ["run", "own.yaml", "--data", ".", "--cache", "cache", "--out", "run"]
        monkeypatch.chdir(folder)
        status, _, err = softsweep(*arguments, "--executor", "inline")
        return status, err

    return run


def test_the_good_corpus_runs(run_it: Callable[[], tuple[int, str]]) -> None:
    status, err = run_it()
    assert status == 0, err


def rewrite(name: str, old: str, new: str) -> Spoil:
    def spoil(folder: Path, own: dict[str, Any]) -> None:
        path = folder / name
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))

    return spoil


def write(name: str, content: bytes) -> Spoil:
    def spoil(folder: Path, own: dict[str, Any]) -> None:
        (folder / name).write_bytes(content)

    return spoil


def remove(name: str) -> Spoil:
    return lambda folder, own: (folder / name).unlink()


def setting(section: str, key: str, value: object) -> Spoil:
    return lambda folder, own: own[section].update({key: value})


SPOILT: dict[str, tuple[Spoil, tuple[str, ...]]] = {
    "missing file": (remove("dev.csv"), ("dev.csv",)),
    "empty file": (write("train.csv", b""), ("train.csv",)),
    "blank line only": (write("train.csv", b"\n"), ("train.csv",)),
    "header only": (write("train.csv", b"id,text,joy,fear\n"), ("train.csv",)),
    "column count": (rewrite("train.csv", "2,so afraid,0,1", "2,so afraid,0"), ("train.csv", "3")),
    "label not 0/1": (rewrite("train.csv", "3,well,0,0", "3,well,0,2"), ("train.csv", "4", "fear")),
    "duplicate id": (rewrite("train.csv", "3,well", "2,well"), ("train.csv", "4", "2")),
    "not UTF-8": (write("dev.csv", DEV.encode() + b"6,\xff,0,0\n"), ("dev.csv", "4", "UTF-8")),
    "missing column": (setting("corpus", "labels", ["joy", "anger"]), ("train.csv", "anger")),
    "column twice": (rewrite("train.csv", "joy,fear", "joy,joy"), ("train.csv", "joy")),
    "one dev text": (rewrite("dev.csv", "5,afraid,0,1\n", ""), ("dev",)),
    "vector dimension": (rewrite("vectors.txt", "well 0.1", "well"), ("vectors.txt", "4")),
    "vector with NaN": (rewrite("vectors.txt", "so 0.1", "so nan"), ("vectors.txt", "1")),
    "missing vectors": (remove("vectors.txt"), ("vectors.txt",)),
    "unknown lexicon": (lambda f, own: own.update(lexicons=["nope"]), ("nope", "afinn")),
    "lexicon not there": (lambda f, own: own.update(lexicons=["afinn"]), ("AFINN-111.txt",)),
    "unknown loss": (setting("grid", "loss", ["bec"]), ("own.yaml", "grid.loss[0]", "bce")),
    "unknown language": (lambda f, own: own.update(languages=["Xx"]), ("own.yaml", "languages[0]")),
}


@pytest.mark.parametrize(("spoil", "named"), SPOILT.values(), ids=SPOILT.keys())
def test_bad_input_is_one_sentence_and_leaves_nothing(
    folder: Path,
    own: dict[str, Any],
    run_it: Callable[[], tuple[int, str]],
    spoil: Spoil,
    named: tuple[str, ...],
) -> None:
    spoil(folder, own)
    status, err = run_it()
    assert status == 2
    assert err.startswith("softsweep: ")
    assert err.count("\n") == 1
    for word in named:
        assert word in err
    assert not (folder / "run").exists()
    cache = folder / "cache"
    assert not cache.exists() or [p for p in cache.iterdir() if p.suffix != ".lock"] == []
