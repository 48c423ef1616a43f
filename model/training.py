"""The training of one stack of arms, an epoch at a time (the paper's protocol, section 5).

Everything random is a function of (arm seed, epoch): arms of equal seed start alike and read the
same mini-batches, whatever else is in their stack and wherever they are resumed.
"""

import math
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.batches import Batch, Shape, epoch_batches
from model.checkpoint import (
    State,
    StateError,
    keeper_state,
    named,
    restore_keeper,
    restore_selection,
    selection_state,
)
from model.cnn import CNN, kept_features, no_beat
from model.data import Data, Split
from model.evaluation import Evaluated, Evaluation
from model.graphs import StepGraph
from model.objective import Aim, Objective
from model.rmsprop import RMSprop
from model.selection import Selection
from model.settings import STACK_SHARED, NetworkSettings, TrainSettings
from model.surrogates import Loss, get_loss
from model.weights import Keeper, weights_of

__all__ = ["Data", "Member", "Split", "Training", "arm_bytes", "batch_order"]


@dataclass(frozen=True)
class Member:
    """One arm of a stack; what it may not differ in is checked by `Training`."""

    loss: Loss
    seed: int
    settings: TrainSettings


class Training:
    """Trains a stack; after each `run_epoch` its state can be saved and restored bit-exactly.

    Attributes:
        epoch: epochs done.
        diverged: by arm, the epoch at which its loss or outputs ceased to be finite, or 0.
        stopped: by arm, the epoch after which `stop` was called, or 0.
        selections: by arm, the epochs chosen so far.
        keepers: by arm, the weights at the epochs chosen so far; empty unless they are kept.
        cut: whether batches are cut to their own size rather than filled up to a common one.
        beat: called after every step and block of texts evaluated: a sign of life.

    Args:
        members: the arms; they share the settings named in `STACK_SHARED`.
        batch_size: texts per optimiser step; the last batch of an epoch may be smaller.
        network: shape of every network.
        data: the corpus.
        device: where to train.
        dtype: float32, or float64 for checks.
        keep_weights: whether to keep the weights of chosen epochs.
    """

    def __init__(
        self,
        members: Sequence[Member],
        batch_size: int,
        network: NetworkSettings,
        data: Data,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
        keep_weights: bool = False,
    ) -> None:
        self.members = list(members)
        self.settings = self.members[0].settings
        self.batch_size = batch_size
        for key in STACK_SHARED:
            if len({getattr(member.settings, key) for member in members}) > 1:
                raise ValueError(f"arms of one stack differ in {key}")
        self.device = torch.device(device)
        with warnings.catch_warnings():
            # The table is mapped read-only, one copy for all trials of a node; nothing writes it.
            warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
            self.table = torch.from_numpy(data.table).to(self.device, dtype)
        train = data.splits["train"]
        self.words = torch.tensor(train.words, device=self.device)
        self.targets = torch.tensor(train.labels, dtype=dtype, device=self.device)
        self.prior = self.targets.mean(dim=0)
        self.network = CNN(
            network,
            columns=data.table.shape[1],
            classes=train.labels.shape[1],
            seeds=[member.seed for member in members],
            dtype=dtype,
            product_dtype=torch.bfloat16 if self.settings.precision == "bfloat16" else dtype,
            device=self.device,
        )
        self.optimizer = RMSprop(
            self.network.parameters(),
            [member.settings.learning_rate for member in members],
            self.settings.rho,
            self.settings.rms_epsilon,
            [member.settings.weight_decay for member in members],
            self.network.weights,
        )
        self.evaluation = Evaluation(
            data.splits,
            self.network.windows,
            self.device,
            {arm: m.loss.own_metric for arm, m in enumerate(self.members) if m.loss.ranks},
        )
        self.ramps = [member.settings.ramp_epochs for member in self.members]
        self.warmup = Aim(get_loss("bce"))
        self.aims: list[Aim] = []
        self.cut = self.device.type == "cpu"
        self.recordable = self.device.type == "cuda"
        self.graphs: dict[Shape, StepGraph] = {}
        self.beat = no_beat
        self.epoch = 0
        self.diverged = [0] * len(self.members)
        self.stopped = [0] * len(self.members)
        self.selections = [
            Selection(member.loss.own_metric, data.has_test) for member in self.members
        ]
        kept = self.members if keep_weights else []
        self.keepers = [Keeper(member.loss.own_metric, data.has_test) for member in kept]

    @property
    def finished(self) -> bool:
        """Whether all epochs are done, or every arm has diverged or was stopped."""
        return self.epoch >= self.settings.epochs or all(map(self._ended, range(len(self.members))))

    def _ended(self, arm: int) -> bool:
        return bool(self.diverged[arm] or self.stopped[arm])

    def stop(self, arm: int) -> None:
        """End an arm between two epochs: its parameters stay, and it gives no more rows.

        Raises:
            ValueError: no epoch is done yet.
        """
        if not self.epoch:
            raise ValueError("an arm can be stopped after an epoch, not before the first")
        if not self._ended(arm):
            self.stopped[arm] = self.epoch
            self._freeze(arm)

    def _freeze(self, arm: int) -> None:
        self.optimizer.freeze(arm)
        self.graphs.clear()

    def run_epoch(self) -> list[list[dict[str, Any]]]:
        """Train one epoch and evaluate every split.

        Returns:
            By arm, a row for each split and each half of dev (none at and after divergence, none
            once stopped), with the columns of the `epochs` records other than the arm's key.
        """
        self.epoch += 1
        began = time.perf_counter()
        losses = self._train_epoch()
        seconds = time.perf_counter() - began
        evaluated = self.evaluation(self.network, self.table, self.beat)
        return [self._rows(arm, loss, seconds, evaluated[arm]) for arm, loss in enumerate(losses)]

    def _train_epoch(self) -> list[float]:
        """One pass over train; mean batch loss of each arm, weighted by texts (SCIENCE A.5)."""
        self.begin_epoch()
        texts = len(self.targets)
        seeds = self.network.group_seeds
        orders = np.stack([batch_order(seed, self.epoch, texts) for seed in seeds])
        batches = epoch_batches(
            self.words,
            self.targets,
            torch.from_numpy(orders).to(self.device),
            self.batch_size,
            self.network.windows,
            cut=self.cut,
        )
        steps = math.ceil(texts / self.batch_size)
        total = torch.zeros(len(self.members), dtype=self.targets.dtype, device=self.device)
        for step, batch in enumerate(batches):
            self._ramp((self.epoch - 1) + (step + 1) / steps)
            kept = self._kept(step + 1, batch.targets.shape[1])
            losses = self.step(batch, (self.epoch - 1 + step / steps) / self.settings.epochs, kept)
            total += losses * (batch.targets.shape[1] / texts)
            self.beat()
        return total.tolist()

    def _ramp(self, epochs: float) -> None:
        """Scale the learning rates for the step that brings training to so many epochs."""
        if self.epoch - 1 < max(self.ramps):
            self.optimizer.scale_rates([min(1.0, epochs / r) if r else 1.0 for r in self.ramps])

    def _kept(self, step: int, texts: int) -> Tensor | None:
        """By what dropout multiplies a step's pooled features, `[G, b, maps]`; None without it."""
        if not (rate := self.network.settings.dropout):
            return None
        kept = kept_features(
            self.network.group_seeds, self.epoch, step, rate, texts, self.network.maps
        )
        return kept.to(self.targets) / (1 - rate)

    def begin_epoch(self) -> None:
        """Take arms whose warm-up has ended to what they minimise."""
        for arm, member in enumerate(self.members):
            if member.settings.reset_optimizer and self.epoch == member.settings.warmup_epochs + 1:
                self.optimizer.reset(arm)
        aims = [
            self.warmup
            if self.epoch <= member.settings.warmup_epochs
            else Aim(member.loss, member.settings.bce_weight, member.settings.polarisation)
            for member in self.members
        ]
        if aims != self.aims:
            self.aims = aims
            self.objective = Objective.of(aims, self.prior, map_equal=not self.cut)
            self.graphs.clear()

    def step(self, batch: Batch, progress: float, kept: Tensor | None = None) -> Tensor:
        """One optimiser step.

        Args:
            batch: a mini-batch per group.
            progress: 0..1 through training.
            kept: by what dropout multiplies the pooled features, `[G, b, maps]`.

        Returns:
            What was minimised, `[A]`.
        """
        alike = batch.targets.shape[1] == self.batch_size and kept is None
        if not (self.recordable and alike and self.objective.losses.constant):
            return self._plain_step(batch, progress, kept)
        shape = batch.shape
        if shape not in self.graphs:
            state = [
                *self.network.parameters(),
                *self.network.buffers(),
                *self.optimizer.squares,
            ]
            try:
                beside = next(iter(self.graphs.values()), None)
                self.graphs[shape] = StepGraph(
                    lambda b: self._plain_step(b, 0.0), state, batch, beside
                )
            except torch.OutOfMemoryError:
                raise
            except RuntimeError:
                self.recordable = False
                self.network.zero_grad()  # what a recording cut short has left
                return self._plain_step(batch, progress)
        return self.graphs[shape](batch)

    def _plain_step(self, batch: Batch, progress: float, kept: Tensor | None = None) -> Tensor:
        """The step itself. Losses are summed: an arm's gradient is what it would be alone."""
        logits = self.network(self.table, batch, kept)
        losses = self.objective(logits, batch.targets[self.network.group], progress)
        losses.sum().backward()
        self.optimizer.step()
        return losses.detach()

    def _rows(
        self, arm: int, loss: float, seconds: float, evaluated: Evaluated
    ) -> list[dict[str, Any]]:
        """Rows of one arm; marks it diverged, or lets its rules consider the epoch."""
        if self._ended(arm):
            return []
        if not (math.isfinite(loss) and evaluated.finite):
            self.diverged[arm] = self.epoch
            self._freeze(arm)
            return []
        rows = [
            {
                "epoch": self.epoch,
                "split": part,
                "loss": loss if part == "train" else None,
                "seconds": seconds if part == "train" else None,
                **measures,
            }
            for part, measures in evaluated.measures.items()
        ]
        if self.epoch > self.members[arm].settings.warmup_epochs:
            self.selections[arm].consider(self.epoch, evaluated.measures, evaluated.logits)
            if self.keepers:
                self.keepers[arm].consider(
                    self.epoch, evaluated.measures, lambda: weights_of(self.network, arm)
                )
        return rows

    def state_dict(self) -> State:
        """All that `load_state_dict` needs to go on as if never stopped; training on changes it."""
        squares = {str(index): each for index, each in enumerate(self.optimizer.state_dict())}
        tensors = named("network", self.network.state_dict()) | named("squares", squares)
        selections = [selection_state(selection) for selection in self.selections]
        keepers = [keeper_state(keeper) for keeper in self.keepers]
        for kind, states in (("selections", selections), ("keepers", keepers)):
            for arm, state in enumerate(states):
                tensors |= named(f"{kind}.{arm}", state.tensors)
        return State(
            tensors,
            {
                "epoch": self.epoch,
                "diverged": list(self.diverged),
                "stopped": list(self.stopped),
                "selections": [state.facts for state in selections],
                "keepers": [state.facts for state in keepers],
            },
        )

    def load_state_dict(self, state: State) -> None:
        """Take over what `state_dict` gave, in a `Training` just made from the same arguments.

        Raises:
            KeyError, ValueError: the arguments were others; this training is of no use then.
        """
        own = {name: tensor.shape for name, tensor in self.state_dict().tensors.items()}
        if own != {name: state.tensors[name].shape for name in own}:
            raise StateError("its tensors have other shapes")
        self.network.load_state_dict(state.part("network"))
        squares = state.part("squares")
        self.optimizer.load_state_dict([squares[str(index)] for index in range(len(squares))])
        facts = state.facts
        for arm, (selection, chosen) in enumerate(
            zip(self.selections, facts["selections"], strict=True)
        ):
            restore_selection(selection, State(state.part(f"selections.{arm}"), chosen))
        for arm, (keeper, kept) in enumerate(zip(self.keepers, facts["keepers"], strict=True)):
            restore_keeper(keeper, State(state.part(f"keepers.{arm}"), kept))
        self.epoch = facts["epoch"]
        self.diverged, self.stopped = list(facts["diverged"]), list(facts["stopped"])
        for arm in range(len(self.members)):
            if self._ended(arm):
                self._freeze(arm)


def batch_order(seed: int, epoch: int, texts: int) -> NDArray[np.int64]:
    """Order in which an arm reads the train split at an epoch (1-based), `[texts]`."""
    return np.random.default_rng([seed, epoch]).permutation(texts)


def arm_bytes(data: Data, batch_size: int, network: NetworkSettings) -> int:
    """Bytes of device memory that an arm of a stack takes, from above: what a step holds of it."""
    rows, columns = len(data.table), int(data.table.shape[1])
    train = data.splits["train"]
    positions = batch_size * int(train.words.shape[1])
    maps = len(network.heights) * network.filters
    taps = sum(network.heights) * network.filters
    parameters = columns * taps + maps * int(train.labels.shape[1])
    projected = min(positions, rows) * taps
    # A parameter, its gradient, mean square and scratch, and two copies of a state while a step is
    # recorded; projected words and their gradient, maps normalised, centred, their gradient and a
    # temporary, once for the plain step and once for the recorded one.
    return 4 * (9 * parameters + 2 * (2 * projected + 4 * positions * maps))
