"""Batches as indices: by hand where padding and edges matter, against plain code elsewhere."""

from itertools import pairwise

import pytest
import torch
from torch import Tensor

from model.batches import FILL_TO, Batch, Windows, epoch_batches, prepare
from model.texts import arrange


def texts(*pads: int, length: int, words: int = 30, seed: int = 0) -> Tensor:
    """`[b, n]` of texts that begin with so many pads."""
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randint(1, words + 1, (len(pads), length), generator=generator).int()
    for row, padding in zip(rows, pads, strict=True):
        row[:padding] = 0
    return rows


def described(words: Tensor, heights: tuple[int, ...]) -> Batch:
    return prepare(words, torch.zeros(*words.shape[:2], 2), Windows.of(heights))


def test_of_padding_only_windows_the_first_stands_for_all() -> None:
    batch = described(texts(8, 3, 0, length=9)[None], (6,))
    # With H = 6, position 2 is the first that sees only padding; 8 pads repeat it twice.
    weights = (batch.weight * 27).round().int()
    assert weights.tolist() == [[1, 1, 3, *[1] * 22]]
    assert batch.text_starts.tolist() == [[0, 7, 16]]
    assert batch.weight.sum().item() == pytest.approx(1)


def test_the_entries_of_a_window_are_its_words_and_taps() -> None:
    words = torch.tensor([[[0, 7, 5]]], dtype=torch.int32)
    batch = described(words, (1, 3))
    assert batch.words.tolist() == [[0, 5, 7]]  # projected rows 1, 2, 3
    rows = (batch.entries // 4).tolist()
    assert rows == [[[1, 0, 1, 3], [3, 1, 3, 2], [2, 3, 2, 0]]]  # 0 is outside the text
    assert (batch.entries % 4).tolist() == [[[0, 1, 2, 3]] * 3]


def test_uses_are_the_entries_the_other_way_round() -> None:
    heights = (1, 2, 3)
    windows = Windows.of(heights)
    words = torch.stack([texts(0, 4, length=6), texts(6, 1, length=6, seed=1)])
    batch = described(words, heights)
    for group in range(2):
        weight = batch.weight[group]
        expected: dict[int, list[int]] = {}
        for position, entries in enumerate(batch.entries[group].tolist()):
            for tap, entry in enumerate(entries):
                if weight[position] > 0:
                    place = position * len(heights) + int(windows.height[tap])
                    expected.setdefault(entry, []).append(place)
        starts = [*batch.use_starts[group].tolist(), int((weight > 0).sum()) * windows.taps]
        for entry, (start, end) in enumerate(pairwise(starts)):
            assert sorted(batch.uses[group, start:end].tolist()) == sorted(expected.get(entry, []))


def test_groups_with_fewer_positions_are_filled_up_with_weight_0() -> None:
    batch = described(torch.stack([texts(0, 0, length=9), texts(9, 0, length=9)]), (2,))
    assert (batch.weight[1] * 18).round().tolist() == [8, *[1] * 10, *[0] * 7]
    assert batch.text_rows[1].tolist() == [*range(11), *[10] * 7]
    assert batch.text_starts.tolist() == [[0, 9], [0, 2]]
    assert (batch.entries[1, 11:] < 2).all()  # the row of zeros


@pytest.mark.parametrize("groups", [1, 3])
def test_an_epoch_s_batches_are_those_described_one_by_one(groups: int) -> None:
    windows = Windows.of((1, 2, 3))
    words = texts(*[i % 13 for i in range(157)], length=12)
    targets = torch.arange(157.0)[:, None]
    generator = torch.Generator().manual_seed(5)
    order = torch.stack([torch.randperm(157, generator=generator) for _ in range(groups)])
    batches = list(epoch_batches(words, targets, order, 2, windows, cut=True))
    assert len(batches) == 79
    for step, batch in enumerate(batches):
        read = order[:, 2 * step : 2 * step + 2]
        assert torch.equal(batch.targets, targets[read])
        alone = prepare(words[read], targets[read], windows)
        for name, tensor in batch.tensors().items():
            assert torch.equal(tensor, alone.tensors()[name]), name


def test_filling_up_to_a_multiple_changes_sizes_alone() -> None:
    words = texts(0, 4, 12, length=12)[None]
    targets = torch.zeros(1, 3, 2)
    windows = Windows.of((1, 2, 3))
    exact, filled = (prepare(words, targets, windows, size) for size in (1, FILL_TO))
    assert filled.words.shape[1] == filled.weight.shape[1] == FILL_TO
    count, positions = exact.words.shape[1], exact.weight.shape[1]
    assert torch.equal(filled.words[:, :count], exact.words)
    assert torch.equal(filled.weight[:, :positions], exact.weight)
    assert filled.share.sum() == pytest.approx(1)
    assert torch.equal(filled.uses[:, : positions * windows.taps], exact.uses)


def test_texts_to_evaluate_are_each_in_one_chunk() -> None:
    words = texts(0, 4, 12, 4, 0, length=12)
    (block,) = arrange(words, Windows.of((1, 4)))
    chunks = list(block.chunks(5, at_most=12))
    assert sorted(text for chunk, _ in chunks for text in chunk.tolist()) == [0, 1, 2, 3, 4]
    assert all(len(entries) == len(chunk) for chunk, entries in chunks)
    assert len(chunks) > 3  # texts of one length are split where they hold too many positions
