import json
import multiprocessing
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features import Features, FeatureSpec, InputError, build, cache, find, open_features
from features.content import written_whole
from features.entry import pad
from features.halves import dev_halves
from features.statistics import label_counts, split_rows


def spec(**more: Any) -> FeatureSpec:
    given = {
        "corpus": {"reader": "semeval2018-ec"},
        "language": "en",
        "vectors": {"kind": "file", "path": "vectors.txt", "format": "glove"},
        "lexicons": ["afinn"],
    }
    return FeatureSpec.model_validate(given | more)


@pytest.fixture
def built(data: Path, tmp_path: Path) -> Features:
    return build(spec(), data, tmp_path / "cache")


def test_the_word_matrix(built: Features) -> None:
    words, vectors = built.words(), built.vectors()
    assert (built.d, built.v) == (3, 1)
    assert vectors.shape == (len(words), 4)
    assert vectors.dtype == np.float32
    np.testing.assert_array_equal(vectors[0], [0, 0, 0, 0])  # padding
    np.testing.assert_array_equal(vectors[1], [9, 9, 9, 0])  # "unknown", no lexicon columns
    np.testing.assert_array_equal(vectors[words.index("rain")], [0, 0, 1, 0])
    np.testing.assert_array_equal(vectors[words.index("tears")], [9, 9, 9, np.float32(-0.4)])
    assert "angry" not in words  # neither vector nor lexicon entry
    assert len(set(words)) == len(words)


def test_the_vectors_are_mapped_not_copied(built: Features) -> None:
    vectors = built.vectors()
    assert not vectors.flags.owndata
    assert not vectors.flags.writeable


def test_a_split_pads_at_the_start_and_keeps_every_token_on_disk(built: Features) -> None:
    train, words = built.split("train"), built.words()
    assert built.labels == ("anger", "joy", "sadness")
    assert built.splits == ("train", "dev")
    # Tokens: 7 (grinning face), 5, 10 (one entity), 3; n is 8.125 rounded.
    assert (built.manifest["mean_length"], built.manifest["longest"], built.n) == (6.25, 10, 8)
    assert train.words.shape == (4, 8)
    assert train.words.dtype == np.int32
    assert [words[row] for row in train.words[3]] == ["<padding>"] * 5 + ["<unknown>"] * 3
    assert [words[row] for row in train.words[2]][:6] == (
        ["tears", "<unknown>", "rain", "<unknown>", "rain", "<unknown>"]
    )
    assert train.labels.tolist() == [[0, 1, 0], [1, 0, 0], [0, 0, 1], [0, 0, 0]]
    assert train.labels.dtype == np.uint8
    assert train.labels.flags.writeable
    assert train.ids == ["t1", "t2", "t3", "t4"]
    assert train.texts[0] == 'The cat said "meow 😀'
    assert set(train.half) == {""}
    stored = pq.read_table(built.path / "examples.parquet")
    assert stored.schema.names == ["id", "split", "text", "words", "labels", "half"]
    assert max(len(row) for row in stored["words"].to_pylist()) == 10


def test_n_looks_at_train_only(data: Path, tmp_path: Path) -> None:
    before = build(spec(), data, tmp_path).n
    dev = next(data.rglob("2018-E-c-En-dev.txt"))
    dev.write_bytes(dev.read_bytes() + b"d9\t" + b"long " * 90 + b"\t0\t0\t0\r\n")
    after = build(spec(), data, tmp_path)
    assert after.n == before
    assert after.split("dev").words.shape == (6, before)


def test_an_unknown_split(built: Features) -> None:
    with pytest.raises(InputError, match="has no split 'test'; expected one of train, dev"):
        built.split("test")


def test_found_again_without_building(data: Path, tmp_path: Path, built: Features) -> None:
    found = find(spec(), data, tmp_path / "cache")
    assert found == built
    assert open_features(built.path) == built
    assert find(spec(lexicons=[]), data, tmp_path / "cache") is None
    times = [path.stat().st_mtime_ns for path in built.path.iterdir()]
    assert build(spec(), data, tmp_path / "cache") == built
    assert [path.stat().st_mtime_ns for path in built.path.iterdir()] == times


def test_equal_inputs_give_equal_bytes_and_keys_wherever_they_lie(
    data: Path, tmp_path: Path, built: Features
) -> None:
    moved = tmp_path / "moved"
    data.rename(moved)
    deeper = moved / "a" / "b"
    deeper.mkdir(parents=True)
    (moved / "AFINN-111.txt").rename(deeper / "AFINN-111.txt")
    again = build(spec(), moved, tmp_path / "other cache")
    assert (again.key, again.sha256) == (built.key, built.sha256)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("2018-E-c-En-train.txt", b"angry", b"hangry"),
        ("2018-E-c-En-train.txt", b"\t1\t0\t0\r", b"\t1\t1\t0\r"),
        ("2018-E-c-En-dev.txt", b"d1\t", b"d7\t"),
        ("2018-E-c-En-dev.txt", b"sadness", b"sorrow"),
        ("AFINN-111.txt", b"-5", b"-4"),
        ("vectors.txt", b"9 9 9", b"9 9 8"),
    ],
)
def test_the_key_changes_with_every_input(
    data: Path, tmp_path: Path, built: Features, name: str, old: bytes, new: bytes
) -> None:
    for path in data.rglob("2018-E-c-En-*.txt") if old == b"sadness" else data.rglob(name):
        assert old in path.read_bytes()
        path.write_bytes(path.read_bytes().replace(old, new))
    assert find(spec(), data, tmp_path / "cache") is None
    assert build(spec(), data, tmp_path / "cache").key != built.key


def table(**more: Any) -> FeatureSpec:
    """Asks for the same files in every language."""
    paths = {split: f"{split}.csv" for split in ("train", "dev")}
    corpus = {"reader": "table", "labels": ["joy"], **paths, **more.pop("corpus", {})}
    given = {"corpus": corpus, "lexicons": ["mine.tsv", "yours.tsv"]}
    return spec(**given | more)


@pytest.fixture
def tables(data: Path) -> Path:
    """Adds corpora and lexicons that are plain tables."""
    for split in ("train", "dev"):
        rows = [f"the cat and the {split},1", f"rain on the {split},0"]
        (data / f"{split}.csv").write_text("\n".join(["text,joy", *rows]), encoding="utf-8")
    (data / "mine.tsv").write_text("word\theat\ncat\t1\n", encoding="utf-8")
    (data / "yours.tsv").write_text("word\tlight\nrain\t2\n", encoding="utf-8")
    return data


@pytest.mark.parametrize(
    "changed",
    [
        {"language": "es"},
        {"lexicons": []},
        {"lexicons": ["mine.tsv"]},
        {"lexicons": ["yours.tsv"]},
        {"lexicons": ["yours.tsv", "mine.tsv"]},  # they are columns, in this order
        {"lexicons": ["mine.tsv", "yours.tsv", "afinn"]},
        {"lexicons": ["mine.tsv", "yours.tsv", "sample"]},
        {"vectors": {"kind": "file", "path": "vectors.txt", "format": "word2vec"}},
        {"vectors": {"kind": "file", "path": "other.txt", "format": "glove"}},
        {"vectors": {"kind": "skipgram"}},
        {"corpus": {"name": "mine"}},
        {"corpus": {"test": "test.csv"}},
    ],
)
def test_the_key_changes_with_everything_asked_for(
    tables: Path, tmp_path: Path, changed: dict[str, Any]
) -> None:
    (tables / "other.txt").write_text("the 1 0\n", encoding="utf-8")
    (tables / "test.csv").write_text("text,joy\na test,0\n", encoding="utf-8")
    build(table(), tables, tmp_path / "cache")
    assert find(table(), tables, tmp_path / "cache") is not None
    assert find(table(**changed), tables, tmp_path / "cache") is None


@pytest.mark.parametrize("name", ["mine.tsv", "yours.tsv"])
def test_the_key_changes_with_every_lexicon(tables: Path, tmp_path: Path, name: str) -> None:
    build(table(), tables, tmp_path / "cache")
    lexicon = tables / name
    lexicon.write_bytes(lexicon.read_bytes().replace(b"t\n", b"t\ndog\t1\n"))
    assert find(table(), tables, tmp_path / "cache") is None


@pytest.mark.parametrize(
    "changed",
    [
        {"dimension": 5},
        {"window": 4},
        {"min_count": 2},
        {"negative": 4},
        {"epochs": 2},
        {"seed": 1},
        {"workers": 2},
        {"text": "more/*.txt"},
    ],
)
def test_the_key_changes_with_the_recipe_of_the_vectors(
    data: Path, tmp_path: Path, changed: dict[str, Any]
) -> None:
    (data / "more").mkdir()
    (data / "more" / "en.txt").write_text("more text\n", encoding="utf-8")
    recipe = {"kind": "skipgram", "dimension": 4, "epochs": 1, "min_count": 1, "workers": 1}
    build(spec(vectors=recipe), data, tmp_path / "cache")
    assert find(spec(vectors=recipe), data, tmp_path / "cache") is not None
    assert find(spec(vectors=recipe | changed), data, tmp_path / "cache") is None


@pytest.mark.parametrize("rules", ["TEXT_RULES", "FEATURE_RULES"])
def test_the_key_changes_with_the_rules(
    data: Path, tmp_path: Path, built: Features, monkeypatch: pytest.MonkeyPatch, rules: str
) -> None:
    assert find(spec(), data, tmp_path / "cache") == built
    monkeypatch.setattr(cache, rules, "other")
    assert find(spec(), data, tmp_path / "cache") is None


def test_of_all_packages_only_emoji_changes_the_key(
    data: Path, tmp_path: Path, built: Features, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "version", lambda name: version(name) if name == "emoji" else "0")
    assert find(spec(), data, tmp_path / "cache") == built
    monkeypatch.setattr(cache, "version", lambda name: "0" if name == "emoji" else version(name))
    assert find(spec(), data, tmp_path / "cache") is None


def test_the_key_follows_bytes_not_paths(tables: Path, tmp_path: Path) -> None:
    before = build(table(), tables, tmp_path / "cache")
    deep = tables / "deep"
    deep.mkdir()
    moved = {"train.csv": "t.csv", "dev.csv": "d.csv", "vectors.txt": "v.txt"}
    for old, new in {**moved, "mine.tsv": "mine.tsv"}.items():
        (tables / old).rename(deep / new)
    again = table(
        corpus={"train": "deep/t.csv", "dev": str(deep / "d.csv")},
        vectors={"kind": "file", "path": "deep/v.txt", "format": "glove"},
        lexicons=["deep/mine.tsv", "yours.tsv"],
    )
    assert find(again, tables, tmp_path / "cache") == before


def test_the_key_does_not_follow_the_order_on_disk(
    data: Path, tmp_path: Path, built: Features, monkeypatch: pytest.MonkeyPatch
) -> None:
    (data / "copy").mkdir()
    for path in (*data.rglob("2018-E-c-En-*.txt"), data / "AFINN-111.txt"):
        (data / "copy" / path.name).write_bytes(path.read_bytes())
    assert find(spec(), data, tmp_path / "cache") == built
    listed = Path.rglob
    monkeypatch.setattr(Path, "rglob", lambda *given: reversed(list(listed(*given))))
    assert find(spec(), data, tmp_path / "cache") == built


def test_a_file_that_is_not_used_does_not_change_the_key(
    data: Path, tmp_path: Path, built: Features
) -> None:
    next(data.rglob("tweets/en.txt")).write_text("other", encoding="utf-8")
    (data / "2018-E-c-Es-train.txt").write_text("other", encoding="utf-8")
    assert find(spec(), data, tmp_path / "cache") == built


def test_another_lexicon_does_not_train_vectors_again(data: Path, tmp_path: Path) -> None:
    recipe = {"kind": "skipgram", "dimension": 4, "epochs": 1, "min_count": 1, "workers": 1}
    steps: list[str] = []
    one = build(spec(vectors=recipe), data, tmp_path, lambda step, _: steps.append(step))
    assert "training vectors" in steps
    steps.clear()
    two = build(spec(vectors=recipe, lexicons=[]), data, tmp_path, lambda s, _: steps.append(s))
    assert "training vectors" not in steps
    assert one.key != two.key


def test_the_manifest_says_what_went_in(built: Features) -> None:
    manifest = built.manifest
    assert [source["role"] for source in manifest["sources"]] == (
        ["corpus train", "corpus dev", "word vectors", "lexicon afinn"]
    )
    assert manifest["lexicons"] == [
        {
            "name": "afinn",
            "first_column": 3,
            "columns": ["valence"],
            "entries": 2,
            "multiword_not_matched": 1,
        }
    ]
    assert manifest["unknown_is_mean"] is False
    assert {"emoji", "gensim", "numpy", "text_rules", "feature_rules"} <= set(manifest["versions"])
    assert manifest["coverage"]["dev"]["tokens"] == 10
    assert manifest["coverage"]["dev"]["tokens with vector"] == 5
    assert manifest["coverage"]["dev"]["tokens with lexicon afinn"] == 2


def test_table_1(built: Features) -> None:
    rows = {row["label"]: row for row in label_counts(built)}
    assert rows["anger"] == {"label": "anger", "train": 1, "dev": 2, "all": 3}
    assert rows["ALL_LABELS"] == {"label": "ALL_LABELS", "train": 3, "dev": 6, "all": 9}
    assert rows["SAMPLES"] == {"label": "SAMPLES", "train": 4, "dev": 5, "all": 9}
    train, dev = split_rows(built)
    assert (train["texts"], train["labels_per_text"], train["without_label"]) == (4, 0.75, 25.0)
    assert dev["tokens with vector"] == pytest.approx(50)
    assert dev["types with lexicon afinn"] == pytest.approx(100 / 7)


def test_a_damaged_entry(built: Features, tmp_path: Path) -> None:
    words = built.path / "words.arrow"
    words.write_bytes(words.read_bytes()[:-1])
    with pytest.raises(InputError, match=r"words\.arrow: \d+ bytes; expected \d+: the entry is da"):
        open_features(built.path)
    (built.path / "manifest.json").write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match="expected an entry of the feature cache"):
        open_features(built.path)
    with pytest.raises(InputError, match="expected an entry of the feature cache"):
        open_features(tmp_path / "absent")


def test_a_failed_build_leaves_nothing(data: Path, tmp_path: Path) -> None:
    (data / "vectors.txt").write_text("a 1 nan\n", encoding="utf-8")
    with pytest.raises(InputError, match="not finite"):
        build(spec(), data, tmp_path / "cache")
    assert [path for path in (tmp_path / "cache").iterdir() if path.is_dir()] == []


def test_what_a_killed_builder_left_is_removed(data: Path, tmp_path: Path, built: Features) -> None:
    other = tmp_path / "other"
    stale = other / f".{built.key}-killed"
    stale.mkdir(parents=True)
    (stale / "words.arrow").write_text("half", encoding="utf-8")
    assert build(spec(), data, other).sha256 == built.sha256
    assert not stale.exists()


def test_a_cache_that_cannot_be_written(data: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder", encoding="utf-8")
    with pytest.raises(InputError, match="file: the cache cannot be written"):
        build(spec(), data, tmp_path / "file")


def test_train_texts_without_a_token(data: Path, tmp_path: Path) -> None:
    blank = "ID\tTweet\tanger\tjoy\tsadness\nt1\t \t0\t0\t1\nt2\t\u200b\t0\t1\t0\n"
    next(data.rglob("2018-E-c-En-train.txt")).write_text(blank, encoding="utf-8")
    with pytest.raises(InputError, match="expected train texts with words, found 2 blank ones"):
        build(spec(), data, tmp_path / "cache")
    assert [path for path in (tmp_path / "cache").iterdir() if path.is_dir()] == []


@pytest.mark.slow
def test_a_full_disk_is_said_and_leaves_nothing(data: Path, tmp_path: Path) -> None:
    # No file may grow beyond 500 bytes in that process: what a write meets is as on a full disk.
    code = (
        "import resource, sys; from pathlib import Path; from features import *;"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500));"
        "spec = FeatureSpec.model_validate_json(sys.argv[1]);"
        "build(spec, Path(sys.argv[2]), Path(sys.argv[3]))"
    )
    cache = tmp_path / "cache"
    arguments = [spec().model_dump_json(), str(data), str(cache)]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "InputError" in done.stderr
    assert "cache: the cache cannot be written" in done.stderr
    assert [path for path in cache.iterdir() if path.is_dir()] == []


def _enter(folder: Path, results: Any) -> None:
    with written_whole(folder) as new:
        results.put(new is not None)
        if new is not None:
            (new / "content").write_text("whole", encoding="utf-8")


@pytest.mark.slow
def test_of_concurrent_builders_one_writes(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    results: Any = context.Queue()
    workers = [context.Process(target=_enter, args=(tmp_path / "k", results)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(results.get() for _ in workers) == [False, False, True]
    assert (tmp_path / "k" / "content").read_text(encoding="utf-8") == "whole"


TEXTS = st.lists(st.lists(st.integers(1, 9), max_size=7), min_size=1, max_size=5)


@given(TEXTS, st.integers(1, 6))
def test_padding_at_the_start_truncation_at_the_end(texts: list[list[int]], n: int) -> None:
    values = np.array([row for text in texts for row in text], dtype=np.int32)
    padded = pad(values, np.array([len(text) for text in texts]), n)
    expected = [[0] * (n - len(text[:n])) + text[:n] for text in texts]
    assert padded.tolist() == expected


def test_dev_halves_are_stratified_and_independent_of_order() -> None:
    rng = np.random.default_rng(0)
    labels = (rng.random((201, 3)) < 0.3).astype(np.uint8)
    ids = [f"id{i}" for i in range(201)]
    halves = dict(zip(ids, dev_halves(ids, labels), strict=True))
    order = rng.permutation(201)
    shuffled = [ids[i] for i in order]
    assert dict(zip(shuffled, dev_halves(shuffled, labels[order]), strict=True)) == halves
    letters = np.array([halves[name] for name in ids])
    assert abs(int((letters == "a").sum()) - int((letters == "b").sum())) == 1
    for combination in np.unique(labels, axis=0):
        inside = letters[(labels == combination).all(axis=1)]
        assert abs(int((inside == "a").sum()) - int((inside == "b").sum())) <= 1


def test_halves_are_stored_for_dev_only(built: Features) -> None:
    assert sorted(built.split("dev").half) == ["a", "a", "a", "b", "b"]


def test_importing_is_light() -> None:
    code = (
        "import sys, features; features.FeatureSpec; features.tokenize('a b', 'en');"
        "heavy = {'gensim', 'pandas', 'torch', 'ray', 'scipy'} & set(sys.modules);"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])


def test_features_of_one_spec_survive_a_round_trip_through_json() -> None:
    assert FeatureSpec.model_validate(json.loads(spec().model_dump_json())) == spec()
