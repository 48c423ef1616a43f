"""Corpora that are neither emotions nor tweets, by nothing but a YAML file and a data file."""

import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray
from rich.console import Console

from features import InputError
from results import open_run, query
from sweep import run_experiment
from sweep.workers import Workers

TOPICS = 20
SYLLABLES = ["ba", "de", "fi", "gö", "ku", "lä", "mo", "nü", "ra", "ße", "ti", "wu"]


def draw_labels(random: np.random.Generator, m: int, classes: int) -> NDArray[np.uint8]:
    """Draws labels from frequent to rare, `[m, classes]`."""
    frequencies = np.geomspace(0.5, 0.05, classes)
    return (random.random((m, classes)) < frequencies).astype(np.uint8)


def write_descriptions(path: Path, m: int) -> None:
    """Writes long product descriptions: now and then a word tells of a topic."""
    random = np.random.default_rng(0)
    words = ["".join(random.choice(SYLLABLES, 3)) for _ in range(400)]
    labels = draw_labels(random, m, TOPICS)
    lines = ["nr,beschreibung," + ",".join(f"thema {c}" for c in range(TOPICS))]
    for i, row in enumerate(labels):
        length = random.integers(150, 301)
        text = random.integers(10 * TOPICS, len(words), length)
        for topic in np.flatnonzero(row):
            text[random.integers(0, length, 10)] = 10 * topic + random.integers(0, 10, 10)
        description = " ".join(words[word] for word in text)
        lines.append(f'{i},"Neu: {description}.",' + ",".join(map(str, row)))
    path.write_text("\n".join(lines), encoding="utf-8")


PRODUCTS = """
name: produkte
corpus:
  reader: table
  name: produkte
  train: produkte-{lang}.csv
  split: {dev: 0.2, test: 0.3}
  text: beschreibung
  id: nr
languages: [de]
vectors: {kind: skipgram, text: corpus, dimension: 10, min_count: 2, workers: 1}
grid: {loss: [soft_macro_f1, bce], batch_size: [16], seed: [0]}
train: {epochs: 4, learning_rate: 0.01}
network: {filters: 8}
"""


@pytest.mark.slow
def test_topics_of_long_descriptions_with_only_a_yaml_file(tmp_path: Path) -> None:
    write_descriptions(tmp_path / "produkte-de.csv", 240)
    (tmp_path / "produkte.yaml").write_text(PRODUCTS, encoding="utf-8")
    command = [sys.executable, "-P", "-m", "sweep.cli", "run", "produkte.yaml"]
    command += ["--cache", str(tmp_path / "cache")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "de: produkte-de.csv; n = 2" in done.stderr
    assert done.stdout.startswith("Scores: de (produkte), test set")
    run = tmp_path / "runs" / "produkte"
    assert set(open_run(run).arms["status"]) == {"ok"}
    sizes = query(run, "SELECT split, count(*) AS m FROM examples GROUP BY 1").to_pylist()
    assert {row["split"]: row["m"] for row in sizes} == {"train": 120, "dev": 48, "test": 72}


Write = Callable[[NDArray[np.float32]], pa.Array]


def per_text(values: NDArray[np.float32]) -> pa.Array:
    """One vector a text: that of its first token."""
    return pa.array(list(values[:, 0]), pa.list_(pa.float32(), values.shape[2]))


def per_token(values: NDArray[np.float32]) -> pa.Array:
    """One vector a token, for 1 to 9 tokens of a text."""
    texts = [list(text[: 1 + i % 9]) for i, text in enumerate(values)]
    return pa.array(texts, pa.list_(pa.list_(pa.float32(), values.shape[2])))


@pytest.fixture
def embedded(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Writes texts as vectors that tell their labels, and an experiment on them."""

    def make(write: Write) -> dict[str, Any]:
        random, m = np.random.default_rng(0), 161  # 97 for train: the last batch of 16 is one text
        labels = draw_labels(random, m, 3)
        meaning = 3 * labels @ random.normal(size=(3, 6))
        values = (meaning[:, None] + random.normal(size=(m, 9, 6))).astype(np.float32)
        columns = {f"label {c}": labels[:, c].astype(bool) for c in range(3)}
        pq.write_table(pa.table({**columns, "vec": write(values)}), tmp_path / "all.parquet")
        corpus = {"reader": "table", "train": "all.parquet", "vectors": "vec"}
        return {
            "name": "embedded",
            "corpus": corpus | {"split": {"dev": 0.2, "test": 0.2}},
            "languages": ["ast"],
            "grid": {"loss": ["bce"], "batch_size": [16], "seed": [0]},
            "train": {"epochs": 3, "learning_rate": 0.01},
            "network": {"filters": 4},
        }

    return make


@pytest.mark.slow
@pytest.mark.parametrize(("write", "n"), [(per_text, 1), (per_token, 7)])
def test_ready_made_vectors_are_learnt_from(
    embedded: Callable[..., dict[str, Any]], tmp_path: Path, write: Write, n: int
) -> None:
    told = io.StringIO()
    outcome = run_experiment(
        embedded(write),
        data=tmp_path,
        out=tmp_path / "run",
        cache=tmp_path / "cache",
        workers=Workers("inline"),
        console=Console(file=told, width=200),
    )
    line = f"ast: all.parquet; n = {n}, d + v = 6 + 0; the corpus brings its own vectors\n"
    assert told.getvalue().startswith(line)
    epochs = open_run(outcome.run).epochs
    test = epochs[epochs["split"] == "test"].sort_values("epoch")["macro_f1"].tolist()
    assert test[-1] > 0.6


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("vectors", {"kind": "skipgram", "text": "corpus"}),
        ("lexicons", ["sample"]),
        ("text", {"hashtags": "split"}),
    ],
)
def test_ready_made_vectors_leave_nothing_to_say_about_words(
    embedded: Callable[..., dict[str, Any]], tmp_path: Path, key: str, value: object
) -> None:
    experiment = embedded(per_text) | {key: value}
    with pytest.raises(InputError, match=f"^{key}: expected none, as corpus table brings vectors"):
        run_experiment(experiment, data=tmp_path, out=tmp_path / "run", cache=tmp_path / "cache")
    assert not (tmp_path / "run").exists()
