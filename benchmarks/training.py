"""Training on one core: softsweep's network against the same one in PyTorch's own modules."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import nn

from benchmarks.corpora import english_size
from benchmarks.measure import Row, against, alternate, seconds
from benchmarks.plain import PlainCNN
from model import get_loss
from model.settings import NetworkSettings, TrainSettings
from model.training import Member, Training, batch_order

TITLE = "Training, one core: optimiser steps and a whole epoch with evaluation, by batch size"
SIZES = (16, 32, 64, 128)


class PlainTraining:
    """The usual loop: dense text matrices, PyTorch's modules and optimiser."""

    def __init__(self, ours: Training) -> None:
        self.table = ours.table
        self.words, self.targets = ours.words, ours.targets
        self.batch_size = ours.batch_size
        self.network = PlainCNN(ours.network)
        self.loss = nn.BCEWithLogitsLoss()
        self.optimizer = torch.optim.RMSprop(
            self.network.parameters(), lr=1e-3, alpha=0.9, eps=1e-7
        )

    def step(self, batch: torch.Tensor) -> None:
        """One optimiser step on texts `[b]`."""
        self.optimizer.zero_grad()
        text = self.table[self.words["train"][batch]]
        self.loss(self.network(text), self.targets[batch]).backward()
        self.optimizer.step()

    def epoch(self) -> None:
        """One pass over train, then the logits of every split."""
        order = torch.from_numpy(batch_order(0, 1, len(self.targets)))
        self.network.train()
        for batch in order.split(self.batch_size):
            self.step(batch)
        self.network.eval()
        with torch.no_grad():
            for words in self.words.values():
                for chunk in words.split(256):
                    self.network(self.table[chunk])


def rows(quick: bool) -> Iterator[Row]:
    """A row per batch size for the step, and one for the epoch at b = 16."""
    torch.set_num_threads(1)
    data = english_size(0.1 if quick else 1.0)
    for size in SIZES:
        member = Member(get_loss("bce"), 0, TrainSettings())
        ours = Training([member], size, NetworkSettings(), data)
        plain = PlainTraining(ours)
        batches = iter(np.array_split(np.random.default_rng(0).permutation(len(ours.targets)), 9))
        batch = torch.from_numpy(next(batches)[:size])

        def our_step(ours: Training = ours, batch: torch.Tensor = batch) -> None:
            ours._step(batch[None], 0.0)

        def plain_step(plain: PlainTraining = plain, batch: torch.Tensor = batch) -> None:
            plain.step(batch)

        a, b = alternate(our_step, plain_step, 7 if quick else 25)
        yield against(f"step, b = {size}", 1000 * a, 1000 * b, "ms")
        if size == SIZES[0]:
            texts = len(ours.targets)
            a, b = seconds(ours.run_epoch), seconds(plain.epoch)
            yield against(f"epoch of {texts} texts, b = {size}", a, b, "s")
