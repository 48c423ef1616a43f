"""Texts to evaluate, described once for all epochs: distinct words, and texts of equal length.

Texts with as much padding have their windows in the same places, so that the maximum over positions
is one over an axis. As in a mini-batch, each distinct word is projected once and of windows of pure
padding one is computed.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from model.batches import Windows, leading_pads

BLOCK = 16_384
"""Texts that share their distinct words; bounds the memory that the projected words take."""


@dataclass(frozen=True)
class Block:
    """Texts that share their distinct words.

    Attributes:
        words: distinct rows of the word table, `[U]`.
        read: which of them a text holds, 1 + u, and 0 outside it; `[m, n + H - 1]`.
        lengths: texts `[k]` of one length, and columns of `read` that the taps of their p computed
            positions see, `[p * taps]`.
    """

    words: Tensor
    read: Tensor
    lengths: tuple[tuple[Tensor, Tensor], ...]

    def chunks(self, taps: int, at_most: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Texts of one length, and the entries that their taps read; see `Batch.entries`.

        Args:
            taps: of all heights.
            at_most: positions of a chunk, so that activations stay small.

        Yields:
            Texts `[k]`, entries `[k, p * taps]`.
        """
        tap = torch.arange(taps, dtype=self.read.dtype, device=self.read.device)
        for texts, columns in self.lengths:
            positions = len(columns) // taps
            for chunk in texts.split(max(1, at_most // positions)):
                entries = self.read[chunk][:, columns].view(-1, taps) * taps + tap
                yield chunk, entries.view(len(chunk), -1)


def arrange(words: Tensor, windows: Windows) -> tuple[Block, ...]:
    """Describe texts.

    Args:
        words: rows of the word table, zero-padded at the start, `[m, n]`.
        windows: of the network.
    """
    return tuple(
        _block(words[first : first + BLOCK], windows) for first in range(0, len(words), BLOCK)
    )


def _block(words: Tensor, windows: Windows) -> Block:
    distinct, index = words.unique(return_inverse=True)
    pads = leading_pads(words)
    lengths = []
    for padding in pads.unique():
        kept, _ = windows.kept(padding[None], words.shape[1])
        columns = kept.nonzero() + windows.row
        lengths.append(((pads == padding).nonzero().squeeze(1), columns.view(-1)))
    read = windows.pad(index + 1).to(torch.int32)
    return Block(distinct, read, tuple(lengths))
