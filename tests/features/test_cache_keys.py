"""Entries are found by the content of everything that went in, and by nothing else."""

from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from features import Features, FeatureSpec, build, find, inputs, open_features

Ask = Callable[..., FeatureSpec]


def test_found_again_without_building(
    spec: Ask, data: Path, tmp_path: Path, built: Features
) -> None:
    found = find(spec(), data, tmp_path / "cache")
    assert found == built
    assert open_features(built.path) == built
    assert find(spec(lexicons=[]), data, tmp_path / "cache") is None
    times = [path.stat().st_mtime_ns for path in built.path.iterdir()]
    assert build(spec(), data, tmp_path / "cache") == built
    assert [path.stat().st_mtime_ns for path in built.path.iterdir()] == times


def test_equal_inputs_give_equal_bytes_and_keys_wherever_they_lie(
    spec: Ask, data: Path, tmp_path: Path, built: Features
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
    spec: Ask, data: Path, tmp_path: Path, built: Features, name: str, old: bytes, new: bytes
) -> None:
    for path in data.rglob("2018-E-c-En-*.txt") if old == b"sadness" else data.rglob(name):
        assert old in path.read_bytes()
        path.write_bytes(path.read_bytes().replace(old, new))
    assert find(spec(), data, tmp_path / "cache") is None
    assert build(spec(), data, tmp_path / "cache").key != built.key


@pytest.fixture
def table(spec: Ask) -> Ask:
    """Asks for the same files in every language."""

    def ask(**more: Any) -> FeatureSpec:
        paths = {split: f"{split}.csv" for split in ("train", "dev")}
        corpus = {"reader": "table", "labels": ["joy"], **paths, **more.pop("corpus", {})}
        given = {"corpus": corpus, "lexicons": ["mine.tsv", "yours.tsv"]}
        return spec(**given | more)

    return ask


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
    table: Ask, tables: Path, tmp_path: Path, changed: dict[str, Any]
) -> None:
    (tables / "other.txt").write_text("the 1 0\n", encoding="utf-8")
    (tables / "test.csv").write_text("text,joy\na test,0\n", encoding="utf-8")
    build(table(), tables, tmp_path / "cache")
    assert find(table(), tables, tmp_path / "cache") is not None
    assert find(table(**changed), tables, tmp_path / "cache") is None


@pytest.mark.parametrize("name", ["mine.tsv", "yours.tsv"])
def test_the_key_changes_with_every_lexicon(
    table: Ask, tables: Path, tmp_path: Path, name: str
) -> None:
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
    spec: Ask, data: Path, tmp_path: Path, changed: dict[str, Any]
) -> None:
    (data / "more").mkdir()
    (data / "more" / "en.txt").write_text("more text\n", encoding="utf-8")
    recipe = {"kind": "skipgram", "dimension": 4, "epochs": 1, "min_count": 1, "workers": 1}
    build(spec(vectors=recipe), data, tmp_path / "cache")
    assert find(spec(vectors=recipe), data, tmp_path / "cache") is not None
    assert find(spec(vectors=recipe | changed), data, tmp_path / "cache") is None


@pytest.mark.parametrize("rules", ["TEXT_RULES", "FEATURE_RULES"])
def test_the_key_changes_with_the_rules(
    spec: Ask,
    data: Path,
    tmp_path: Path,
    built: Features,
    monkeypatch: pytest.MonkeyPatch,
    rules: str,
) -> None:
    assert find(spec(), data, tmp_path / "cache") == built
    monkeypatch.setattr(inputs, rules, "other")
    assert find(spec(), data, tmp_path / "cache") is None


def test_of_all_packages_only_emoji_changes_the_key(
    spec: Ask, data: Path, tmp_path: Path, built: Features, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inputs, "version", lambda name: version(name) if name == "emoji" else "0")
    assert find(spec(), data, tmp_path / "cache") == built
    monkeypatch.setattr(inputs, "version", lambda name: "0" if name == "emoji" else version(name))
    assert find(spec(), data, tmp_path / "cache") is None


def test_the_key_follows_bytes_not_paths(table: Ask, tables: Path, tmp_path: Path) -> None:
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
    spec: Ask, data: Path, tmp_path: Path, built: Features, monkeypatch: pytest.MonkeyPatch
) -> None:
    (data / "copy").mkdir()
    for path in (*data.rglob("2018-E-c-En-*.txt"), data / "AFINN-111.txt"):
        (data / "copy" / path.name).write_bytes(path.read_bytes())
    assert find(spec(), data, tmp_path / "cache") == built
    listed = Path.rglob
    monkeypatch.setattr(Path, "rglob", lambda *given: reversed(list(listed(*given))))
    assert find(spec(), data, tmp_path / "cache") == built


def test_a_file_that_is_not_used_does_not_change_the_key(
    spec: Ask, data: Path, tmp_path: Path, built: Features
) -> None:
    next(data.rglob("tweets/en.txt")).write_text("other", encoding="utf-8")
    (data / "2018-E-c-Es-train.txt").write_text("other", encoding="utf-8")
    assert find(spec(), data, tmp_path / "cache") == built


def test_another_lexicon_does_not_train_vectors_again(
    spec: Ask, data: Path, tmp_path: Path
) -> None:
    recipe = {"kind": "skipgram", "dimension": 4, "epochs": 1, "min_count": 1, "workers": 1}
    steps: list[str] = []
    one = build(spec(vectors=recipe), data, tmp_path, lambda step, _: steps.append(step))
    assert "training vectors" in steps
    steps.clear()
    two = build(spec(vectors=recipe, lexicons=[]), data, tmp_path, lambda s, _: steps.append(s))
    assert "training vectors" not in steps
    assert one.key != two.key
