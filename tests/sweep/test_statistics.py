"""The tables of `softsweep features --stats`: right, and narrow enough for a terminal."""

import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.console import Console

from features import Features, FeatureSpec, build
from results.render import FORMS, Table, for_console, records, render
from sweep.statistics import statistics_tables

LABELS = (
    "anger", "anticipation", "disgust", "fear", "joy", "love", "optimism", "pessimism", "sadness",
    "surprise", "trust",
)  # fmt: skip
SAMPLE = {"reader": "sample", "train": 120, "dev": 60, "test": 60}
VECTORS = {"kind": "file", "path": "vectors.txt", "format": "glove"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("data")
    (data / "vectors.txt").write_text("lu 1 0\nmi 0 1\n", encoding="utf-8")
    for place in range(8):
        (data / f"some-long-lexicon-{place}.tsv").write_text(
            "word\tscore\nlu\t1\nlu mi\t1\n", encoding="utf-8"
        )
    return data


def features_of(folder: Path, corpus: dict[str, Any], language: str, **more: Any) -> Features:
    given = {"corpus": corpus, "language": language, **more}
    return build(FeatureSpec.model_validate(given), folder, folder / "cache")


@pytest.fixture(scope="module")
def sample(folder: Path) -> dict[str, Features]:
    """Two languages, three splits, eight lexicons."""
    lexicons = [f"some-long-lexicon-{place}.tsv" for place in range(8)]
    lexicons = [str(folder / name) for name in lexicons]
    return {
        language: features_of(folder, SAMPLE, language, vectors=VECTORS, lexicons=lexicons)
        for language in ("en", "es")
    }


def tables_of(features: dict[str, Features]) -> dict[str, Table]:
    return {table.name: table for table in statistics_tables(features)}


def test_every_table_fits_a_terminal(sample: dict[str, Features]) -> None:
    for table in statistics_tables(sample):
        out = io.StringIO()
        Console(file=out, width=100, color_system=None).print(for_console(table))
        assert "…" not in out.getvalue(), table.name
        words = {word for column in table.columns for word in column.split()}
        assert all(word in out.getvalue() for word in words), table.name


def test_every_table_has_every_form(sample: dict[str, Features]) -> None:
    for table in statistics_tables(sample):
        assert all(render(table, form) for form in FORMS)
    shares = json.loads(render(tables_of(sample)["coverage"], "json"))["rows"]
    assert isinstance(shares[0]["train"], float)


def test_means_line_up(sample: dict[str, Features]) -> None:
    for name in ("labels_per_text", "lengths"):
        table = tables_of(sample)[name]
        means = [row[table.columns.index("mean")] for row in table.rows]
        assert all(re.fullmatch(r"\d+\.\d\d", f"{mean:.6g}") for mean in means)


def test_coverage_tells_the_size_of_each_lexicon(sample: dict[str, Features]) -> None:
    rows = records(tables_of(sample)["coverage"])
    assert len(rows) == 2 * 2 * 9
    sizes = {(row["source"], row["entries"], row["several words"]) for row in rows}
    lexicons = {(f"some-long-lexicon-{place}", 1, 1) for place in range(8)}
    assert sizes == {("vector", None, None)} | lexicons


def test_a_lexicon_may_be_called_vector(folder: Path) -> None:
    path = folder / "vector.tsv"
    path.write_text("word\tscore\nlu\t1\n", encoding="utf-8")
    entry = features_of(folder, SAMPLE, "en", vectors=VECTORS, lexicons=[str(path)])
    rows = records(tables_of({"en": entry})["coverage"])
    assert [(row["source"], row["entries"]) for row in rows] == 2 * [
        ("vector", None),
        ("vector", 1),
    ]


def test_tables_agree_with_each_other(sample: dict[str, Features]) -> None:
    tables = tables_of(sample)
    assert list(tables) == ["corpus", "labels_per_text", "lengths", "coverage", "unknown"]
    rows: dict[str, Any] = {name: records(table) for name, table in tables.items()}
    totals = {row["class"]: row for row in rows["corpus"]}
    for row in rows["labels_per_text"]:
        texts, of = row["texts"], f"{row['language']} {row['split']}"
        assert texts == sum(count for key, count in row.items() if key[0].isdigit())
        assert texts == totals["SAMPLES"][of]
        assert row["mean"] == pytest.approx(totals["ALL_LABELS"][of] / texts, abs=0.0051)
    known = {row["% of"]: row for row in reversed(rows["coverage"]) if row["source"] == "vector"}
    for row in rows["lengths"][:3]:
        split = row["split"]
        for kind in ("tokens", "types"):
            assert known[kind][split] + row[f"unknown {kind} %"] == pytest.approx(100, abs=0.11)


def test_n_is_explained(sample: dict[str, Features]) -> None:
    lengths = tables_of(sample)["lengths"]
    entry = sample["en"]
    mean, longest = entry.manifest["mean_length"], entry.manifest["longest"]
    assert lengths.notes[0] == (
        f"en: n = {entry.n}, the mean of train's mean {mean:.2f} and longest {longest}, rounded"
    )


def official(
    folder: Path, language: str, split: str, rows: list[str], labels: tuple[str, ...] = LABELS
) -> None:
    """Writes rows of flags such as 10000000000 as the official files are written."""
    lines = ["\t".join(["ID", "Tweet", *labels])]
    lines += ["\t".join([f"{split}{i}", "lu lu mi", *flags]) for i, flags in enumerate(rows)]
    path = folder / f"2018-E-c-{language}-{split}.txt"
    path.write_text("".join(f"{line}\r\n" for line in lines), encoding="utf-8", newline="")


def test_the_papers_corpus_is_compared_with_its_table_1(tmp_path: Path) -> None:
    (tmp_path / "vectors.txt").write_text("lu 1 0\n", encoding="utf-8")
    # English dev as published: 886 texts, and so many of each class.
    counts = (315, 124, 319, 121, 400, 132, 307, 100, 265, 35, 43)
    dev = ["".join("1" if i < count else "0" for count in counts) for i in range(886)]
    official(tmp_path, "En", "train", ["1" + 10 * "0"] * 3)
    official(tmp_path, "En", "dev", dev)
    features = {"en": features_of(tmp_path, {"reader": "semeval2018-ec"}, "en", vectors=VECTORS)}
    (note,) = tables_of(features)["corpus"].notes
    assert note.startswith("en: not as in the paper's Table 1: anger train 3 (paper: 2544), ")
    assert note.endswith("SAMPLES train 3 (paper: 6838)")
    assert " dev " not in note
    assert "(paper: n = 52, of 19 and 85)" in tables_of(features)["lengths"].notes[0]


def test_other_labels_are_not_compared_with_the_paper(tmp_path: Path) -> None:
    (tmp_path / "vectors.txt").write_text("lu 1 0\n", encoding="utf-8")
    for split in ("train", "dev"):
        official(tmp_path, "En", split, ["10", "01"], ("anger", "boredom"))
    corpus = {"reader": "semeval2018-ec"}
    features = {"en": features_of(tmp_path, corpus, "en", vectors=VECTORS)}
    assert tables_of(features)["corpus"].notes == ()


def test_a_corpus_of_ready_made_vectors_has_no_words(tmp_path: Path) -> None:
    for split, texts in {"train": 6, "dev": 4}.items():
        values = np.arange(3 * texts, dtype=np.float32)
        table = {
            "id": [f"{split}{i}" for i in range(texts)],
            "vector": pa.FixedSizeListArray.from_arrays(pa.array(values), 3),
            "odd": [i % 2 for i in range(texts)],
        }
        pq.write_table(pa.table(table), tmp_path / f"{split}.parquet")
    corpus = {
        "reader": "table", "train": "train.parquet", "dev": "dev.parquet", "vectors": "vector",
        "labels": ["odd"], "id": "id",
    }  # fmt: skip
    tables = tables_of({"en": features_of(tmp_path, corpus, "en")})
    assert list(tables) == ["corpus", "labels_per_text", "lengths"]
    assert tables["lengths"].columns[-1] == "cut %"
    assert tables["labels_per_text"].rows[0][2:] == (6, 0.5, 3, 3)
