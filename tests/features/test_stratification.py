"""Splits made for you: disjoint, complete, of the sizes asked for, and balanced label by label."""

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from features.stratification import stratified


@st.composite
def corpora(draw: Any, fewest: int = 1) -> tuple[list[str], NDArray[np.uint8], list[int]]:
    """Ids, labels of very different frequency, and sizes of three parts."""
    m = draw(st.integers(fewest, 120))
    frequencies = draw(st.lists(st.floats(0.02, 0.6), min_size=1, max_size=8))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    labels = (random.random((m, len(frequencies))) < frequencies).astype(np.uint8)
    dev, test = int(m * draw(st.floats(0.1, 0.4))), int(m * draw(st.floats(0.1, 0.4)))
    return [f"n{i}" for i in range(m)], labels, [m - dev - test, dev, test]


def imbalance(labels: NDArray[np.uint8], part: NDArray[np.intp]) -> float:
    """Mean difference between a label's share in a part and in all, over parts and labels."""
    shares = [labels[part == p].mean(axis=0) for p in range(3)]
    return float(np.abs(np.array(shares) - labels.mean(axis=0)).mean())


@given(corpora(), st.integers(0, 9))
def test_every_text_is_in_one_part_and_parts_are_as_large_as_asked(
    corpus: tuple[list[str], NDArray[np.uint8], list[int]], seed: int
) -> None:
    ids, labels, sizes = corpus
    part = stratified(ids, labels, sizes, seed)
    assert np.bincount(part, minlength=3).tolist() == sizes


@given(corpora(), st.integers(0, 9), st.randoms(use_true_random=False))
def test_the_order_of_the_texts_does_not_matter(
    corpus: tuple[list[str], NDArray[np.uint8], list[int]], seed: int, random: Any
) -> None:
    ids, labels, sizes = corpus
    order = list(range(len(ids)))
    random.shuffle(order)
    part = stratified(ids, labels, sizes, seed)
    again = stratified([ids[i] for i in order], labels[order], sizes, seed)
    assert again.tolist() == part[order].tolist()


@settings(max_examples=30, deadline=None)
@given(corpora(fewest=40), st.integers(0, 9))
def test_labels_have_more_equal_shares_than_by_chance(
    corpus: tuple[list[str], NDArray[np.uint8], list[int]], seed: int
) -> None:
    ids, labels, sizes = corpus
    part = stratified(ids, labels, sizes, seed)
    random = np.random.default_rng(0)
    by_chance = [imbalance(labels, random.permutation(part)) for _ in range(200)]
    assert imbalance(labels, part) <= np.mean(by_chance)


def test_one_label_is_dealt_out_to_the_text() -> None:
    labels = np.zeros((100, 1), dtype=np.uint8)
    labels[:10] = 1
    part = stratified([f"n{i}" for i in range(100)], labels, [70, 10, 20], 0)
    assert np.bincount(part[:10]).tolist() == [7, 1, 2]


def test_another_seed_is_another_division() -> None:
    ids, labels = [f"n{i}" for i in range(50)], np.ones((50, 1), dtype=np.uint8)
    first, second = (stratified(ids, labels, [25, 25], seed) for seed in (0, 1))
    assert first.tolist() != second.tolist()
