"""One trial: train one stack of arms, epoch by epoch, and record it.

Executors differ only in where a trial runs; what it does, and its thread setting, is here, so that
every executor records the same numbers.
"""

import json
import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from features import Features, open_features
from model.catalogue import LossSource
from results.parts import part_path
from results.records import predictions_table, record_trial, recorded
from sweep.arms import Arm, network_settings, train_settings

if TYPE_CHECKING:
    from model.training import Data, Training

THREADS = 1
"""Threads of a trial's arithmetic; more of them change the last bits, fewer trials run beside."""


@dataclass(frozen=True)
class TrialSpec:
    """What a worker needs to know: names and settings, a few kilobytes.

    Attributes:
        name: of the part that will be written; no other trial has it.
        run: run folder.
        features: folder of the feature cache entry.
        arms: the stack.
        losses: the losses of its arms, by name, with their source text.
        device: `cpu` or `cuda`.
    """

    name: str
    run: Path
    features: Path
    arms: tuple[Arm, ...]
    losses: Mapping[str, LossSource]
    device: str

    @property
    def epochs(self) -> int:
        """Epochs that the stack trains."""
        return int(self.arms[0].train["epochs"])


@dataclass(frozen=True)
class Advance:
    """What one call of `Trial.advance` did."""

    epoch: int
    finished: bool
    statuses: tuple[str, ...] = ()
    error: str = ""


class Trial:
    """A trial under way.

    An error of the arm (its loss raises, its outputs cease to be finite) becomes its recorded
    status; only errors of the records themselves (no space left) are raised.
    """

    def __init__(self, spec: TrialSpec) -> None:
        self.spec = spec
        self.training: Training | None = None
        self.epochs: list[dict[str, Any]] = []
        self.began = time.perf_counter()

    def advance(self) -> Advance:
        """Train one epoch; record the arms after the last one.

        Raises:
            RecordError: the records cannot be written.
        """
        if self.training is None and (earlier := _recorded_before(self.spec)):
            return earlier
        try:
            if self.training is None:
                self.training = start_training(self.spec)
            for arm, rows in zip(self.spec.arms, self.training.run_epoch(), strict=True):
                self.epochs.extend({"arm": arm.key, **row} for row in rows)
        except Exception as error:
            return self._record(["failed"] * len(self.spec.arms), describe(error))
        if not self.training.finished:
            return Advance(self.training.epoch, finished=False)
        diverged = self.training.diverged
        return self._record(["diverged" if epoch else "ok" for epoch in diverged])

    def _record(self, statuses: Sequence[str], error: str = "") -> Advance:
        """Write the trial's parts."""
        training, seconds = self.training, time.perf_counter() - self.began
        done = training.epoch if training else 0
        rows, blocks = [], []
        for index, (arm, status) in enumerate(zip(self.spec.arms, statuses, strict=True)):
            reason, epochs = error, done
            if status == "diverged" and training:
                epochs = training.diverged[index]
                reason = f"loss or outputs ceased to be finite in epoch {epochs}"
            rows.append(
                arm_row(self.spec, arm, status, reason, epochs, seconds / len(self.spec.arms))
            )
            if status == "ok" and training:
                chosen = training.selections[index].chosen()
                blocks += [
                    (arm.key, split, epoch, rules, logits)
                    for epoch, (rules, by_split) in chosen.items()
                    for split, logits in by_split.items()
                ]
        predictions = predictions_table(blocks) if blocks else None
        record_trial(self.spec.run, self.spec.name, rows, self.epochs, predictions)
        return Advance(done, finished=True, statuses=tuple(statuses), error=error or reason)


def start_training(spec: TrialSpec) -> "Training":
    """Open the features, load the losses, and set the stack up."""
    import torch

    from model.surrogates import load_loss
    from model.training import Member, Training

    torch.set_num_threads(THREADS)
    members = [
        Member(load_loss(spec.losses[arm.loss]), arm.seed, train_settings(arm)) for arm in spec.arms
    ]
    return Training(
        members,
        spec.arms[0].batch_size,
        network_settings(spec.arms[0]),
        read_data(spec.features),
        spec.device,
    )


@cache
def read_data(path: Path) -> "Data":
    """The features of one corpus and language; kept for the worker's next trial."""
    from model.training import Data, Split

    features: Features = open_features(path)
    splits = {}
    for name in features.splits:
        split = features.split(name)
        splits[name] = Split(split.words, split.labels, split.half)
    return Data(features.vectors(), splits)


def arm_row(
    spec: TrialSpec, arm: Arm, status: str, error: str, epochs: int, seconds: float
) -> dict[str, Any]:
    """The row of `arms` that records what became of an arm."""
    return {
        "arm": arm.key,
        "cell": arm.cell,
        "corpus": arm.corpus,
        "language": arm.language,
        "loss": arm.loss,
        "label": arm.label,
        "own_metric": arm.own_metric,
        "batch_size": arm.batch_size,
        "seed": arm.seed,
        "status": status,
        "error": error,
        "epochs": epochs,
        "seconds": seconds,
        "device": spec.device,
        "threads": THREADS,
        "width": len(spec.arms),
        "host": platform.node(),
        "features": arm.features,
        "loss_sha256": arm.loss_sha256,
        "versions": json.dumps(versions()),
        "settings": json.dumps(arm.settings, sort_keys=True),
        "signature": f"{arm.signature}|version:{version('softsweep')}",
        "finished": datetime.now(UTC),
    }


def record_failure(spec: TrialSpec, error: str) -> Advance:
    """Record every arm of a trial that ended without a word (its process died) as failed.

    Raises:
        RecordError: the records cannot be written.
    """
    if earlier := _recorded_before(spec):
        return earlier
    rows = [arm_row(spec, arm, "failed", error, 0, 0.0) for arm in spec.arms]
    record_trial(spec.run, spec.name, rows, [], None)
    return Advance(0, finished=True, statuses=("failed",) * len(rows), error=error)


def _recorded_before(spec: TrialSpec) -> Advance | None:
    """What an earlier try recorded that died before it could say so."""
    if not part_path(spec.run, "arms", spec.name).exists():
        return None
    have = recorded(spec.run)
    return Advance(spec.epochs, finished=True, statuses=tuple(have[a.key] for a in spec.arms))


@cache
def versions() -> dict[str, str]:
    """Versions that can change an arm's numbers."""
    packages = ("softsweep", "torch", "numpy", "ray")
    return {"python": platform.python_version()} | {name: version(name) for name in packages}


def describe(error: BaseException) -> str:
    """An exception in one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
