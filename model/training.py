"""The training of one stack of arms, an epoch at a time (the paper's protocol, section 5).

Everything random is a function of (arm seed, epoch): arms of equal seed start alike and read the
same mini-batches, whatever else is in their stack and wherever they are resumed.
"""

import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.cnn import CNN
from model.measures import measure, predicted_counts
from model.rmsprop import RMSprop
from model.selection import HALVES, Selection
from model.settings import NetworkSettings, TrainSettings
from model.surrogates import Loss, get_loss


@dataclass(frozen=True)
class Split:
    """Texts of one split.

    Attributes:
        words: rows of the word table, zero-padded at the start, `[m, n]`.
        labels: 0/1, `[m, C]`.
        half: 'a' or 'b' by text on dev, '' elsewhere, `[m]`.
    """

    words: NDArray[np.int32]
    labels: NDArray[np.uint8]
    half: NDArray[np.str_]


@dataclass(frozen=True)
class Data:
    """A corpus as numbers: the word table `[W, D]` and its splits (train, dev, perhaps test)."""

    table: NDArray[np.float32]
    splits: Mapping[str, Split]

    @property
    def has_test(self) -> bool:
        """Whether scores come from a test split rather than from halves of dev."""
        return "test" in self.splits


@dataclass(frozen=True)
class Member:
    """One arm of a stack; what it may not differ in is checked by `Training`."""

    loss: Loss
    seed: int
    settings: TrainSettings


SHARED = ("epochs", "rho", "rms_epsilon")
"""Settings that all arms of a stack have in common."""


class Training:
    """Trains a stack; after each `run_epoch` its state can be saved and restored bit-exactly.

    Attributes:
        epoch: epochs done.
        diverged: by arm, the epoch at which its loss or outputs ceased to be finite, or 0.
        selections: by arm, the epochs chosen so far.

    Args:
        members: the arms; they share epochs and RMSprop's constants.
        batch_size: texts per optimiser step; the last batch of an epoch may be smaller.
        network: shape of every network.
        data: the corpus.
        device: where to train.
        dtype: float32, or float64 for checks.
    """

    def __init__(
        self,
        members: Sequence[Member],
        batch_size: int,
        network: NetworkSettings,
        data: Data,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.members = list(members)
        self.settings = self.members[0].settings
        self.batch_size = batch_size
        for key in SHARED:
            if len({getattr(member.settings, key) for member in members}) > 1:
                raise ValueError(f"arms of one stack differ in {key}")
        self.data = data
        self.device = torch.device(device)
        train = data.splits["train"]
        with warnings.catch_warnings():
            # The table is mapped read-only, one copy for all trials of a node; nothing writes it.
            warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
            self.table = torch.from_numpy(data.table).to(self.device, dtype)
        self.words = {
            name: torch.tensor(split.words, dtype=torch.long, device=self.device)
            for name, split in data.splits.items()
        }
        self.targets = torch.tensor(train.labels, dtype=dtype, device=self.device)
        self.prior = self.targets.mean(dim=0)
        seeds = [member.seed for member in members]
        columns, classes = data.table.shape[1], train.labels.shape[1]
        self.network = CNN(network, columns, classes, seeds, dtype).to(self.device)
        self.optimizer = RMSprop(
            self.network.parameters(),
            [member.settings.learning_rate for member in members],
            self.settings.rho,
            self.settings.rms_epsilon,
        )
        self.warmup_loss = get_loss("bce")
        self.epoch = 0
        self.diverged = [0] * len(self.members)
        self.selections = [
            Selection(member.loss.own_metric, data.has_test) for member in self.members
        ]

    @property
    def finished(self) -> bool:
        """Whether all epochs are done or every arm has diverged."""
        return self.epoch >= self.settings.epochs or all(self.diverged)

    def run_epoch(self) -> list[list[dict[str, Any]]]:
        """Train one epoch and evaluate every split.

        Returns:
            By arm, a row for each split and each half of dev (none at and after divergence), with
            the columns of the `epochs` records other than the arm's key.
        """
        self.epoch += 1
        began = time.perf_counter()
        losses = self._train_epoch()
        seconds = time.perf_counter() - began
        logits = {
            name: self.network.predict(self.table, words).float().cpu().numpy()
            for name, words in self.words.items()
        }
        return [
            self._rows(arm, loss, seconds, {name: every[arm] for name, every in logits.items()})
            for arm, loss in enumerate(losses)
        ]

    def _train_epoch(self) -> list[float]:
        """One pass over train; mean batch loss of each arm, weighted by texts (SCIENCE A.5)."""
        for arm, member in enumerate(self.members):
            settings = member.settings
            if settings.reset_optimizer and self.epoch == settings.warmup_epochs + 1:
                self.optimizer.reset(arm)
        orders = [batch_order(m.seed, self.epoch, len(self.targets)) for m in self.members]
        order = torch.from_numpy(np.stack(orders)).to(self.device)
        steps = -(-len(self.targets) // self.batch_size)
        total = torch.zeros(len(self.members), dtype=self.targets.dtype, device=self.device)
        for step, batch in enumerate(order.split(self.batch_size, dim=1)):
            progress = (self.epoch - 1 + step / steps) / self.settings.epochs
            losses = self._step(batch, progress)
            total += losses * (batch.shape[1] / len(self.targets))
        return [float(loss) for loss in total]

    def _step(self, batch: Tensor, progress: float) -> Tensor:
        """One optimiser step on a mini-batch per arm, `[A, b]`; the losses, `[A]`.

        Losses are summed, so each arm's gradient is what it would be alone.
        """
        logits = self.network(self.table, self.words["train"][batch])
        targets = self.targets[batch]
        losses = torch.stack(
            [
                self._loss(member)(logits[arm], targets[arm], prior=self.prior, progress=progress)
                for arm, member in enumerate(self.members)
            ]
        )
        losses.sum().backward()
        self.optimizer.step()
        return losses.detach()

    def _loss(self, member: Member) -> Loss:
        return self.warmup_loss if self.epoch <= member.settings.warmup_epochs else member.loss

    def _rows(
        self, arm: int, loss: float, seconds: float, logits: dict[str, NDArray[np.float32]]
    ) -> list[dict[str, Any]]:
        """Rows of one arm; marks it diverged, or lets its rules consider the epoch."""
        if self.diverged[arm]:
            return []
        if not np.isfinite(loss) or not all(np.isfinite(array).all() for array in logits.values()):
            self.diverged[arm] = self.epoch
            return []
        rows: list[dict[str, Any]] = []
        for name, split in self.data.splits.items():
            parts = {name: np.ones(len(split.labels), dtype=bool)}
            if name == "dev":
                parts |= {f"dev/{half}": split.half == half for half in HALVES}
            for part, texts in parts.items():
                rows.append(
                    {
                        "epoch": self.epoch,
                        "split": part,
                        "loss": loss if part == "train" else None,
                        "seconds": seconds if part == "train" else None,
                        "predicted": predicted_counts(logits[name][texts]),
                        **measure(logits[name][texts], split.labels[texts]),
                    }
                )
        if self.epoch > self.members[arm].settings.warmup_epochs:
            scores = {row["split"]: row for row in rows}
            kept = {name: array for name, array in logits.items() if name != "train"}
            self.selections[arm].consider(self.epoch, scores, kept)
        return rows

    def state_dict(self) -> dict[str, Any]:
        """All that `load_state_dict` needs to go on as if never stopped."""
        return {
            "epoch": self.epoch,
            "diverged": self.diverged,
            "selections": self.selections,
            "network": self.network.state_dict(),
            "squares": self.optimizer.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what `state_dict` gave, in a `Training` made from the same arguments."""
        self.epoch = state["epoch"]
        self.diverged = state["diverged"]
        self.selections = state["selections"]
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["squares"])


def batch_order(seed: int, epoch: int, texts: int) -> NDArray[np.int64]:
    """Order in which an arm reads the train split at an epoch (1-based), `[texts]`."""
    return np.random.default_rng([seed, epoch]).permutation(texts)
