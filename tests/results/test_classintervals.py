"""Intervals of the F1 of classes: those that resampling gives, in a fraction of its time."""

import numpy as np
import pytest
from numpy.typing import NDArray

from model.metrics import Floats, class_f1, macro_f1, micro_f1, split_sums, statistics
from results.bootstrap import draw
from results.classintervals import f1_intervals
from results.inference import Parts, half_widths, parts_of


def labels_of(seeds: int, texts: int = 600) -> tuple[NDArray[np.bool_], list[NDArray[np.bool_]]]:
    """Gold labels, and predictions that share errors and have some of their own."""
    rng = np.random.default_rng(seeds)
    gold = rng.random((texts, 4)) < [0.5, 0.3, 0.1, 0.05]
    shared = rng.standard_normal(gold.shape)
    return gold, [
        2.0 * gold - 1 + shared + 0.5 * rng.standard_normal(gold.shape) > 0 for _ in range(seeds)
    ]


@pytest.mark.parametrize("seeds", [1, 3, 5])
def test_they_are_those_of_the_bootstrap(seeds: int) -> None:
    gold, predicted = labels_of(seeds)
    counts = draw(gold, np.random.default_rng(1), 4000).counts.astype(np.float64)
    values: list[Floats] = []
    resampled: list[Floats] = []
    for labels in predicted:
        each = statistics(gold, labels)
        for sums, found in ((each.sum(axis=0), values), (counts @ each, resampled)):
            by_class = class_f1(split_sums(sums))
            macro, micro = macro_f1(sums)[..., None], micro_f1(sums)[..., None]
            found.append(np.concatenate([by_class, macro, micro], axis=-1))
    for place, interval in enumerate(f1_intervals(gold, predicted)):
        of_seeds = np.array(values)[:, place]
        over = np.array(resampled)[:, :, place]
        half = 1.96 * over[0].std() if seeds == 1 else parts_of(of_seeds, over).half_width
        assert interval is not None
        low, high = interval
        assert (low + high) / 2 == pytest.approx(of_seeds.mean())
        assert (high - low) / 2 == pytest.approx(half, rel=0.05)


def test_where_nothing_varies_there_is_none() -> None:
    gold, predicted = labels_of(2)
    for labels in predicted:
        labels[:, 3] = False
    assert f1_intervals(gold, predicted)[3] is None
    alone = f1_intervals(gold, [gold])
    assert alone[0] is None  # all is right, in every text


def test_intervals_stay_within_0_and_1() -> None:
    gold, _ = labels_of(1, texts=12)
    predicted = [gold.copy(), ~gold]
    found = [interval for interval in f1_intervals(gold, predicted) if interval]
    assert found
    assert all(0 <= low <= high <= 1 for low, high in found)


def test_many_half_widths_are_those_of_each() -> None:
    rng = np.random.default_rng(0)
    for seeds in (2, 3, 10):
        parts = [Parts(seeds, *part) for part in rng.random((20, 3)) ** 4]
        parts += [Parts(seeds, 0.0, 0.2, 0.1), Parts(seeds, 0.3, 0.0, 0.0), Parts(seeds, 0, 0, 0)]
        expected = [one.half_width for one in parts]
        assert half_widths(parts) == pytest.approx(expected, rel=1e-6, abs=1e-12)
