"""The checkpoints of one trial: when they are written, and what a trial goes on from.

Writing goes on beside training. A trial waits a few seconds for it, not for a storage that does not
answer; whatever goes wrong with it costs a checkpoint, never the trial.
"""

import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from results.errors import RecordError, one_line
from sweep.arms import RESULT_REVISION, hashed
from sweep.checkpoints import Checkpoint, CheckpointError, Checkpoints, name_of
from sweep.recording import versions
from sweep.specs import TrialSpec

if TYPE_CHECKING:
    from model.checkpoint import State
    from model.training import Training

EVERY = 60.0
"""Seconds from one checkpoint of a chunk to the next, at least, and from its start to the first.
`$SOFTSWEEP_CHECKPOINT_EVERY` replaces it; 0 means every epoch."""

COST = 20
"""Times what the last checkpoint took that pass before the next: at most 5% of a trial's time."""

MOST_BYTES = 2 * 2**30
"""Size from which on a chunk's state is not written."""

PATIENCE = 5.0
"""Seconds that a trial waits for a checkpoint to be written before it trains on beside that."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Left:
    """What an earlier try left of a chunk.

    Attributes:
        state: of its training.
        epochs: its rows of `epochs`.
        epoch: after which it was made.
        seconds: that the arms had taken by then, together.
    """

    state: "State"
    epochs: list[dict[str, Any]]
    epoch: int
    seconds: float


def facts_of(spec: TrialSpec, chunk: range) -> dict[str, Any]:
    """What must be equal where a chunk is gone on with, beside its arms.

    Threads and the processor's type need not be: they may change an arm's last bits, but what they
    train on from is a state of that arm. Its precision is a setting, hence in its key.
    """
    bars = [
        [[bar.metric, bar.part, sorted(bar.least.items())] for bar in spec.bars.get(arm.key, ())]
        for arm in spec.arms[chunk.start : chunk.stop]
    ]
    return {
        "device": spec.device,
        "keep_weights": spec.keep_weights,
        "bars": hashed(bars),
        "versions": versions(),
        "revision": RESULT_REVISION,
    }


def find_left(spec: TrialSpec, chunk: range, say: Say) -> tuple[range, Left | None]:
    """What an earlier try left of the first arms of a chunk.

    It may have trained fewer of them together, since no more fitted into memory.

    Args:
        spec: the trial.
        chunk: indices of arms of its stack.
        say: told a line of what is there and of no use; that is deleted.

    Returns:
        The indices of the arms that it left, and what it left of them; all and None if nothing.
    """
    keys = _keys(spec, chunk)
    try:
        checkpoints = Checkpoints(spec.run)
        there = checkpoints.names()
        for arms in range(min(len(keys), spec.width), 0, -1):
            if (name := name_of(keys[:arms])) in there:
                part = chunk[:arms]
                try:
                    return part, _read(checkpoints, name, facts_of(spec, part))
                except CheckpointError as error:
                    say(f"{spec.words(part)}: begun anew, the checkpoint cannot be used ({error})")
                    checkpoints.delete(name)
    except RecordError as error:
        say(f"{spec.words(chunk)}: begun anew, checkpoints cannot be read ({error})")
    return chunk, None


def _keys(spec: TrialSpec, chunk: range) -> tuple[str, ...]:
    return tuple(spec.arms[index].key for index in chunk)


def _read(checkpoints: Checkpoints, name: str, facts: dict[str, Any]) -> Left:
    """Read a checkpoint.

    Raises:
        CheckpointError: it is damaged, or something else was trained.
    """
    from model.checkpoint import State, StateError, from_bytes

    checkpoint = checkpoints.read(name)
    if checkpoint is None:
        raise CheckpointError("it is gone")
    if other := [key for key, fact in facts.items() if checkpoint.facts.get(key) != fact]:
        raise CheckpointError(f"it is of other {' and '.join(other)}")
    try:
        read = from_bytes(checkpoints.tensors(checkpoint))
        state = State(read.tensors, read.facts["training"])
        return Left(state, read.facts["epochs"], checkpoint.epoch, checkpoint.seconds)
    except (StateError, KeyError) as error:
        raise CheckpointError(one_line(error)) from error


class Saver:
    """Writes the checkpoints of a trial's chunks, one after the other.

    Args:
        spec: the trial.
        say: told a line, once, when they cannot be written.
    """

    def __init__(self, spec: TrialSpec, say: Say) -> None:
        self.spec = spec
        self.every = float(os.environ.get("SOFTSWEEP_CHECKPOINT_EVERY", EVERY))
        self._say = say
        self._said = False
        self._writing: threading.Thread | None = None
        self.begin(written=False)

    def begin(self, written: bool) -> None:
        """Turn to another chunk.

        Args:
            written: whether it has a checkpoint already.
        """
        self._written = written
        self._last = time.monotonic()
        self._took = 0.0

    def offer(
        self,
        chunk: range,
        training: "Training",
        epochs: Sequence[dict[str, Any]],
        seconds: float,
    ) -> None:
        """Write a checkpoint if it is time for one.

        Args:
            chunk: what is trained.
            training: between two epochs.
            epochs: its rows of `epochs` so far.
            seconds: that its arms took so far, together.
        """
        wait = max(self.every, COST * self._took) if self.every else 0.0
        if time.monotonic() < self._last + wait:
            return
        if self._writing and self._writing.is_alive():
            self._complain("the storage takes too long")
            return
        began = time.monotonic()
        try:
            data = self._packed(training, epochs)
        except Exception as error:  # a checkpoint is never worth an arm
            self._complain(one_line(error))
        else:
            keys, facts = _keys(self.spec, chunk), facts_of(self.spec, chunk)
            checkpoint = Checkpoint(arms=keys, epoch=training.epoch, seconds=seconds, facts=facts)
            self._written = True
            self._behind(lambda: Checkpoints(self.spec.run).write(checkpoint, data))
        self._last = time.monotonic()
        self._took = self._last - began

    def _packed(self, training: "Training", epochs: Sequence[dict[str, Any]]) -> bytes:
        from model.checkpoint import State, to_bytes

        state = training.state_dict()
        if state.bytes > MOST_BYTES:
            raise ValueError(f"each would have {state.bytes / 2**30:.1f} GiB")
        return to_bytes(State(state.tensors, {"training": state.facts, "epochs": list(epochs)}))

    def forget(self, chunk: range) -> None:
        """Delete the checkpoint of a chunk: its arms are recorded, or begin anew."""
        if self._written:
            self._written = False
            name = name_of(_keys(self.spec, chunk))
            self._behind(lambda: Checkpoints(self.spec.run).delete(name))

    def _behind(self, act: Callable[[], None]) -> None:
        """Do something after what was begun before, beside training if it takes long."""
        before = self._writing

        def work() -> None:
            if before:
                before.join()
            try:
                act()
            except Exception as error:
                self._complain(one_line(error))

        self._writing = threading.Thread(target=work, name="checkpoint", daemon=True)
        self._writing.start()
        self._writing.join(PATIENCE)

    def _complain(self, reason: str) -> None:
        if not self._said:
            self._said = True
            self._say(f"{self.spec.all_words}: trained without new checkpoints ({reason})")
