from pathlib import Path
from typing import Any

import numpy as np
import pytest

from features import Features, FeatureSpec, InputError, build, tokenize
from features.pseudowords import invent
from features.sample import EMOTIONS, sample_lexicon, sample_split, unlabelled

# The paper's Table 1: train counts of each emotion, and texts.
TABLE_1 = {
    "en": ([2544, 978, 2602, 1242, 2477, 700, 1984, 795, 2008, 361, 357], 6838),
    "es": ([1155, 415, 521, 373, 1087, 261, 378, 578, 845, 169, 175], 3561),
}


def make(cache: Path, language: str = "en", **options: Any) -> Features:
    given = {
        "corpus": {"reader": "sample", "train": 60, "dev": 20, "test": 30, **options},
        "language": language,
        "lexicons": ["sample"],
        "vectors": {"kind": "skipgram", "text": "sample", "dimension": 4, "epochs": 1},
    }
    return build(FeatureSpec.model_validate(given), None, cache)


@pytest.mark.parametrize("language", ["en", "es"])
def test_label_frequencies_and_lengths_are_the_papers(language: str) -> None:
    texts, labels = sample_split(language, "train", 6000, 0)
    counts, total = TABLE_1[language]
    np.testing.assert_allclose(labels.mean(axis=0), np.array(counts) / total, atol=0.025)
    assert labels.sum(axis=1).mean() == pytest.approx(sum(counts) / total, rel=0.06)
    lengths = [len(tokenize(text, language)) for text in texts]
    assert np.mean(lengths) == pytest.approx({"en": 18.4, "es": 15.9}[language], abs=1.2)
    assert max(lengths) < 85


def test_emotions_occur_together_as_in_the_paper() -> None:
    _, labels = sample_split("en", "train", 6000, 0)
    correlation = np.atleast_2d(np.corrcoef(labels.T))
    at = EMOTIONS.index
    assert correlation[at("anger"), at("disgust")] > 0.4
    assert correlation[at("joy"), at("optimism")] > 0.3
    assert correlation[at("joy"), at("sadness")] < -0.2


def test_seeds_and_splits_differ_and_repeat() -> None:
    first = sample_split("en", "train", 50, 0)
    again = sample_split("en", "train", 50, 0)
    assert first[0] == again[0]
    np.testing.assert_array_equal(first[1], again[1])
    for other in (
        sample_split("en", "train", 50, 1),
        sample_split("en", "dev", 50, 0),
        sample_split("es", "train", 50, 0),
    ):
        assert not set(first[0]) & set(other[0])


def test_words_are_invented_apart() -> None:
    english, spanish = (invent(language, len(EMOTIONS)) for language in ("en", "es"))
    hints = [word for words in english.own for word in words]
    assert len(set(hints)) == len(hints)
    assert not set(hints) & set(english.topic + english.function)
    assert not set(hints) & {word for words in english.shared for word in words}
    assert len(set(english.topic) & set(spanish.topic)) < len(english.topic) / 20
    assert any("ñ" in word for word in spanish.topic)
    assert all(tokenize(word, "en") == [word] for word in english.topic)


def test_the_lexicon_knows_some_hints_and_no_topic() -> None:
    words = {word for word, _ in sample_lexicon("en")}
    lexis = invent("en", len(EMOTIONS))
    hints = {word for words in (*lexis.own, *lexis.shared) for word in words}
    assert words < hints
    assert 0.4 < len(words) / len(hints) < 0.6


def test_unlabelled_text_is_not_the_labelled() -> None:
    labelled, _ = sample_split("en", "test", 1000, 0)
    assert not set(unlabelled("en")) & set(labelled)


def test_features_of_the_sample_need_no_files(tmp_path: Path) -> None:
    features = make(tmp_path)
    assert features.labels == EMOTIONS
    assert features.splits == ("train", "dev", "test")
    assert (features.d, features.v) == (4, 11)
    assert [len(features.split(split).ids) for split in features.splits] == [60, 20, 30]
    assert features.vectors()[2:, 4:].any()


def test_shuffled_labels_keep_texts_and_counts(tmp_path: Path) -> None:
    plain, shuffled = make(tmp_path), make(tmp_path, shuffle_labels=True)
    assert plain.key != shuffled.key
    one, two = plain.split("train"), shuffled.split("train")
    assert one.texts == two.texts
    assert (one.labels != two.labels).any()
    np.testing.assert_array_equal(one.labels.sum(axis=0), two.labels.sum(axis=0))
    np.testing.assert_array_equal(plain.split("dev").labels, shuffled.split("dev").labels)


def test_the_sample_may_have_no_test_split(tmp_path: Path) -> None:
    assert make(tmp_path, "es", test=0).splits == ("train", "dev")


def test_the_sample_has_two_languages(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="corpus sample: has no language 'ar'; expected one of en"):
        make(tmp_path, "ar")


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "es"])
def test_the_sample_is_no_toy(language: str) -> None:
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import f1_score, jaccard_score
    from sklearn.multiclass import OneVsRestClassifier

    texts, labels = sample_split(language, "train", 2000, 0)
    unseen, gold = sample_split(language, "test", 1000, 0)
    counter = CountVectorizer(
        tokenizer=lambda text: tokenize(text, language), token_pattern=None, binary=True, min_df=2
    )
    model = OneVsRestClassifier(LogisticRegression(max_iter=300))
    model.fit(counter.fit_transform(texts), labels)
    probability = model.predict_proba(counter.transform(unseen))
    at_half, at_quarter = (probability >= 0.5).astype(int), (probability >= 0.25).astype(int)
    accuracy = jaccard_score(gold, at_half, average="samples", zero_division=1)
    assert 0.35 < accuracy < 0.65
    macro = [f1_score(gold, p, average="macro", zero_division=0) for p in (at_half, at_quarter)]
    assert macro[1] > macro[0] + 0.02  # a threshold of 0.5 costs the rare labels
