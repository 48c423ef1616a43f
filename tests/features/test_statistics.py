"""A corpus in numbers, checked against counts by hand."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features import Features, FeatureSpec, build
from features.coverage import UNKNOWN_LISTED, coverage, unknown_words
from features.statistics import coverage_shares, label_counts, labels_per_text, lengths

Ask = Callable[..., FeatureSpec]


def test_texts_by_label(built: Features) -> None:
    rows = {row["label"]: row for row in label_counts(built)}
    assert rows["anger"] == {"label": "anger", "train": 1, "dev": 2, "all": 3}
    assert rows["ALL_LABELS"] == {"label": "ALL_LABELS", "train": 3, "dev": 6, "all": 9}
    assert rows["SAMPLES"] == {"label": "SAMPLES", "train": 4, "dev": 5, "all": 9}


def test_texts_by_number_of_labels(built: Features) -> None:
    assert labels_per_text(built) == {"train": {0: 1, 1: 3}, "dev": {1: 4, 2: 1}}


def test_lengths_are_those_before_the_cut(data: Path, spec: Ask, tmp_path: Path) -> None:
    long = next(data.rglob("2018-E-c-En-dev.txt"))
    long.write_bytes(long.read_bytes() + b"d6\t" + b"rain " * 99 + b"\t0\t0\t1\r\n")
    features = build(spec(), data, tmp_path / "cache")
    assert lengths(features)["dev"] == [2, 2, 2, 1, 3, 99]
    assert features.n < 99


def test_shares_of_tokens_and_types(built: Features) -> None:
    vector, afinn = coverage_shares(built)
    assert (vector["source"], afinn["source"]) == ("vector", "afinn")
    assert vector["dev tokens"] == pytest.approx(50)  # rain, the, cat, the, rain of 10
    assert vector["dev types"] == pytest.approx(100 * 3 / 7)
    assert afinn["dev tokens"] == pytest.approx(20)
    assert afinn["dev types"] == pytest.approx(100 / 7)
    assert list(vector) == ["source", "train tokens", "train types", "dev tokens", "dev types"]


def test_lexicons_are_told_apart_whatever_their_names(
    data: Path, spec: Ask, tmp_path: Path
) -> None:
    (data / "sub").mkdir()
    for place, word in {"same.tsv": "rain", "sub/same.tsv": "the", "vector.tsv": "cat"}.items():
        (data / place).write_text(f"word\tx\n{word}\t1\n", encoding="utf-8")
    features = build(
        spec(lexicons=["same.tsv", "sub/same.tsv", "vector.tsv"]), data, tmp_path / "cache"
    )
    shares = {row["source"]: row["dev tokens"] for row in coverage_shares(features)[1:]}
    assert shares == pytest.approx({"same (1)": 20, "same (2)": 20, "vector": 10})
    assert coverage_shares(features)[0]["dev tokens"] == pytest.approx(50)


def test_words_without_a_vector_are_kept_with_the_features(built: Features) -> None:
    unknown = dict(built.manifest["unknown_words"])
    assert unknown["and"] == 2  # twice in train
    assert not {"rain", "the", "cat"} & set(unknown)
    assert "dog" not in unknown  # in dev only


WORDS = st.lists(st.lists(st.sampled_from("abcdefghijklmnopqrst"), max_size=9), max_size=9)


@given(texts=WORDS, known=st.sets(st.sampled_from("abcdefghijklmnopqrst")))
def test_unknown_words_are_the_most_frequent_ones(texts: list[list[str]], known: set[str]) -> None:
    listed = unknown_words(texts, known)
    counts = Counter(word for text in texts for word in text)
    assert all(counts[word] == count for word, count in listed)
    assert not known & {word for word, _ in listed}
    assert [count for _, count in listed] == sorted((n for _, n in listed), reverse=True)
    left = set(counts) - known - {word for word, _ in listed}
    assert len(listed) == min(UNKNOWN_LISTED, len(set(counts) - known))
    assert all(counts[word] <= listed[-1][1] for word in left)


@given(texts=WORDS, known=st.sets(st.sampled_from("abcdefghijklmnopqrst")))
def test_tokens_are_known_or_unknown(texts: list[list[str]], known: set[str]) -> None:
    counted = coverage({"train": texts}, known, {}, [])["train"]
    unknown = sum(word not in known for text in texts for word in text)
    assert counted["tokens"] == counted["tokens with vector"] + unknown
