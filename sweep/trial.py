"""One trial: train one stack of arms and record it, a chunk at a time.

A chunk is as many of the stack's arms as fit into the device's memory together. Executors differ
only in where a trial runs; what it does, and its thread setting, is here, so that every executor
records the same numbers.
"""

import time
from collections import deque
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from features import Features, open_features
from results.errors import one_line
from sweep.arms import Arm, network_settings, train_settings
from sweep.pruning import Bar
from sweep.recording import Ended, record_chunk, recorded_chunk
from sweep.resuming import Left, Saver, find_left
from sweep.specs import TrialSpec
from sweep.stacks import shape
from sweep.watchdog import Watchdog
from sweep.width import Width, free_memory, guess, out_of_memory

if TYPE_CHECKING:
    from model.training import Data, Training


@dataclass(frozen=True)
class Advance:
    """What one call of `Trial.advance` did.

    Attributes:
        share: of the trial that is done, 0 to 1.
        finished: whether every arm has ended.
        ended: the arms that ended.
        notes: lines for the user.
    """

    share: float
    finished: bool
    ended: tuple[Ended, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Trouble:
    """Why a chunk could not be trained, without the exception, whose frames hold its tensors."""

    error: str
    out_of_memory: bool


class Trial:
    """A trial under way.

    An error of an arm (its loss raises, its outputs cease to be finite) becomes its recorded
    status, and its neighbours are trained without it; only errors of the records themselves (no
    space left) are raised. What an earlier try left a checkpoint of is gone on with.

    Args:
        spec: what to train.
        widths: what trials of this process learnt about memory, which this one adds to.
    """

    def __init__(self, spec: TrialSpec, widths: dict[object, Width]) -> None:
        self.spec = spec
        self.widths = widths
        self.kind = (spec.device, spec.width, shape(spec.arms[0]))
        self.ahead = [range(len(spec.arms))]  # chunks to train, the next one last
        self.chunk = range(0)
        self.training: Training | None = None
        self.epochs: list[dict[str, Any]] = []
        self.began = 0.0
        self.done = 0
        self.notes: deque[str] = deque()
        self.left: Left | None = None
        self.saver = Saver(spec, self.notes.append)
        self.watchdog = Watchdog(spec)

    def advance(self) -> Advance:
        """Train one epoch of a chunk; record its arms after the last one.

        Raises:
            RecordError: the records cannot be written.
            torch.AcceleratorError: the device is of no more use to this process, which has to end.
        """
        if not self.chunk:
            self.chunk = self.ahead.pop()
            if earlier := recorded_chunk(self.spec, self.chunk[0]):
                return self._leave(self.chunk[len(earlier) :], ended=earlier)
            self._begin()
        if trouble := self._train():
            return self._evade(trouble)
        if self.training and not self.training.finished:
            self.saver.offer(self.chunk, self.training, self.epochs, self._seconds())
            return self._advanced()
        self.widths[self.kind].fitted(len(self.chunk))
        return self._record()

    def _begin(self) -> None:
        """Turn to a chunk, or to the first arms of it if an earlier try left those."""
        self.began = time.perf_counter()
        part, self.left = find_left(self.spec, self.chunk, self.notes.append)
        self._cut(len(part))
        self.saver.begin(written=self.left is not None)

    def _train(self) -> _Trouble | None:
        """Train one epoch of the chunk, which is first cut to the width that fits.

        Raises:
            torch.AcceleratorError: the device is of no more use to this process.
        """
        import torch

        try:
            if self.training is None:
                with self.watchdog.watching(f"the set-up of {self.spec.words(self.chunk)}"):
                    self.training = self._start()
            epoch = f"epoch {self.training.epoch + 1} of {self.spec.words(self.chunk)}"
            with self.watchdog.watching(epoch):
                for index, rows in zip(self.chunk, self.training.run_epoch(), strict=True):
                    self.epochs.extend({"arm": self.spec.arms[index].key, **row} for row in rows)
                self._prune(self.training)
        except torch.AcceleratorError:
            raise
        except Exception as error:
            return _Trouble(describe(error), out_of_memory(error))
        return None

    def _start(self) -> "Training":
        """Set the chunk up, as an earlier try left it if one did."""
        import torch

        torch.set_num_threads(self.spec.threads)
        self._narrow()
        training = start_training(self.spec, self.chunk)
        training.beat = self.watchdog.beat
        if (left := self.left) is None:
            return training
        self.left = None
        words = self.spec.words(self.chunk)
        try:
            training.load_state_dict(left.state)
        except (LookupError, TypeError, ValueError) as error:
            self.notes.append(
                f"{words}: begun anew, its checkpoint is of no use ({describe(error)})"
            )
            self.saver.forget(self.chunk)
            return self._start()
        self.epochs = left.epochs
        self.began -= left.seconds
        self.notes.append(f"{words}: goes on after epoch {left.epoch}")
        return training

    def _prune(self, training: "Training") -> None:
        """Stop the arms that lag behind by all bars of theirs."""
        for index, member in enumerate(training.members):
            arm = self.spec.arms[self.chunk[index]]
            bars, warmup = self.spec.bars.get(arm.key, ()), member.settings.warmup_epochs
            if bars and all(bar.stops(self._scores(arm, bar), warmup) for bar in bars):
                training.stop(index)

    def _scores(self, arm: Arm, bar: Bar) -> list[float]:
        """What an arm reached after each epoch by the metric and part of dev of a bar."""
        rows = (row for row in self.epochs if row["arm"] == arm.key)
        return [row[bar.metric] for row in rows if row["split"] == bar.part]

    def _narrow(self) -> None:
        """Leave the arms that do not fit for later chunks."""
        if self.kind not in self.widths:
            self.widths[self.kind] = guess(
                self.spec.device,
                read_data(self.spec.features),
                self.spec.arms[0].batch_size,
                network_settings(self.spec.arms[0]),
                self.spec.width,
            )
        if self.left is None:  # what an earlier try left has fitted
            self._cut(self.widths[self.kind].now)

    def _cut(self, width: int) -> None:
        """Leave all but so many arms for later chunks."""
        if later := self.chunk[width:]:
            self.ahead.append(later)
            self.chunk = self.chunk[:width]

    def _evade(self, trouble: _Trouble) -> Advance:
        """Start the chunk's arms again, in two halves; an arm that is alone has failed."""
        arms = len(self.chunk)
        error = trouble.error
        if trouble.out_of_memory:
            error = f"does not fit into the memory of the device, even alone ({error})"
            if width := self.widths.get(self.kind):
                width.ran_out(arms)
        if arms == 1:
            advance = self._record(error)
        else:
            advance = self._leave(self.chunk[arms // 2 :], self.chunk[: arms // 2])
        if trouble.out_of_memory:
            free_memory(self.spec.device)
        return advance

    def _record(self, error: str = "") -> Advance:
        """Write the chunk's parts."""
        ended = record_chunk(
            self.spec, self.chunk, self.training, self.epochs, self._seconds(), error
        )
        return self._leave(ended=ended)

    def _seconds(self) -> float:
        """What the chunk's arms took so far, together, in earlier tries as well."""
        return time.perf_counter() - self.began

    def _leave(self, *again: range, ended: tuple[Ended, ...] = ()) -> Advance:
        """Turn to other chunks: `again` are those of its arms that have not ended, last first."""
        self.saver.forget(self.chunk)
        self.ahead += [chunk for chunk in again if chunk]
        self.chunk, self.training, self.epochs = range(0), None, []
        self.done += len(ended)
        return self._advanced(ended)

    def _advanced(self, ended: tuple[Ended, ...] = ()) -> Advance:
        epoch = self.training.epoch if self.training else 0
        done = self.done + len(self.chunk) * epoch / self.spec.epochs
        finished = not self.chunk and not self.ahead
        if finished:
            self.watchdog.close()
        notes = tuple(self.notes.popleft() for _ in range(len(self.notes)))
        return Advance(done / len(self.spec.arms), finished, ended, notes)


def start_training(spec: TrialSpec, chunk: range, data: "Data | None" = None) -> "Training":
    """Open the features, load the losses, and set a chunk of the stack up.

    Args:
        spec: the trial.
        chunk: indices of its arms.
        data: what to train on, if it is not all of the features.
    """
    from model.surrogates import load_loss
    from model.training import Member, Training

    arms = [spec.arms[index] for index in chunk]
    losses = {name: load_loss(spec.losses[name]) for name in dict.fromkeys(a.loss for a in arms)}
    members = [
        Member(losses[arm.loss].with_parameters(arm.parameters), arm.seed, train_settings(arm))
        for arm in arms
    ]
    return Training(
        members,
        arms[0].batch_size,
        network_settings(arms[0]),
        data or read_data(spec.features),
        spec.device,
        keep_weights=spec.keep_weights,
    )


@cache
def read_data(path: Path) -> "Data":
    """The features of one corpus and language; kept for the worker's next trial."""
    return load_data(path)


def load_data(path: Path) -> "Data":
    """The features of one corpus and language, as training wants them."""
    from model.training import Data, Split

    features: Features = open_features(path)
    splits = {}
    for name in features.splits:
        split = features.split(name)
        splits[name] = Split(split.words, split.labels, split.half)
    return Data(features.vectors(), splits)


def describe(error: BaseException) -> str:
    """An exception in one line."""
    text = one_line(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
