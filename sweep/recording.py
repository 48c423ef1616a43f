"""What a trial records: a part for each chunk of its stack, whole or not at all.

A chunk's part is named after its trial and its first arm, so a trial that is started again, because
its process died, finds what the earlier try recorded.
"""

import json
import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from features import open_features
from results.errors import RecordError
from results.mirror import direct, fetch_file, let_go, publish_files, uri_of
from results.parts import part_groups, part_path, whole_file
from results.places import masked
from results.records import predictions_table, record_trial
from sweep.arms import Arm
from sweep.specs import TrialSpec

if TYPE_CHECKING:
    from model.training import Training
    from model.weights import Keeper


_KEY = re.compile(r"\w{1,64}", re.ASCII)


@dataclass(frozen=True)
class Ended:
    """What became of an arm.

    Attributes:
        index: of the arm in its stack.
        status: `ok`, `diverged`, `pruned` or `failed`.
        error: why it is not ok.
    """

    index: int
    status: str
    error: str = ""


def record_chunk(
    spec: TrialSpec,
    chunk: range,
    training: "Training | None",
    epochs: Sequence[dict[str, Any]],
    seconds: float,
    failure: str = "",
) -> tuple[Ended, ...]:
    """Record arms that were trained together.

    Args:
        spec: their trial.
        chunk: their indices in its stack.
        training: what trained them, if it came to that.
        epochs: rows of `epochs`.
        seconds: that they took together.
        failure: why they failed, if they did.

    Raises:
        RecordError: the records cannot be written.
    """
    ended, rows, blocks = [], [], []
    for place, index in enumerate(chunk):
        arm, done = spec.arms[index], training.epoch if training else 0
        if failure or training is None:
            end = Ended(index, "failed", failure)
        elif epoch := training.diverged[place]:
            done = epoch
            end = Ended(index, "diverged", f"loss or outputs ceased to be finite in epoch {done}")
        elif epoch := training.stopped[place]:
            done = epoch
            end = Ended(index, "pruned", f"lagged behind earlier tries after epoch {done}")
        else:
            end = Ended(index, "ok")
            blocks += [
                (arm.key, split, epoch, rules, logits)
                for epoch, (rules, by_split) in training.selections[place].chosen().items()
                for split, logits in by_split.items()
            ]
            if training.keepers:
                write_weights(spec, arm, training.keepers[place])
        ended.append(end)
        rows.append(_arm_row(spec, arm, end, len(chunk), done, seconds / len(chunk)))
    predictions = predictions_table(blocks) if blocks else None
    record_trial(spec.run, _part(spec, chunk[0]), rows, epochs, predictions)
    _publish(spec, chunk)
    return tuple(ended)


def _publish(spec: TrialSpec, chunk: range) -> None:
    """Put what was recorded of arms where everybody finds it, the rows with which they count last.

    Raises:
        RecordError: it cannot be written there.
    """
    if spec.store and not uri_of(spec.run):
        raise RecordError(
            f"{spec.run}: mirrors {masked(spec.store)} no more; was it deleted? run again"
        )
    name = _part(spec, chunk[0])
    weights = [weights_path(spec.run, spec.arms[index].key) for index in chunk]
    parts = [part_path(spec.run, kind, name) for kind in ("predictions", "epochs", "arms")]
    files = [path for path in (*weights, *parts) if path.exists()]
    publish_files(spec.run, files)
    let_go(spec.run, files)


def recorded_chunk(spec: TrialSpec, first: int) -> tuple[Ended, ...]:
    """What became of the arms from `first` on that an earlier try recorded together.

    Raises:
        RecordError: the part is damaged.
    """
    path = part_path(spec.run, "arms", _part(spec, first))
    published = fetch_file(spec.run, path)
    if not path.exists():
        return ()
    rows = [row for group in part_groups(path, ("status", "error")) for row in group.to_pylist()]
    if not published:  # an earlier try on this machine ended just before it
        _publish(spec, range(first, first + len(rows)))
    return tuple(
        Ended(index, row["status"], row["error"]) for index, row in enumerate(rows, start=first)
    )


def recorded_so_far(spec: TrialSpec) -> tuple[Ended, ...]:
    """What became of the first arms of a trial, of which every part is read.

    Raises:
        RecordError: a part is damaged.
    """
    ended: tuple[Ended, ...] = ()
    while len(ended) < len(spec.arms) and (chunk := recorded_chunk(spec, len(ended))):
        ended += chunk
    return ended


def record_failure(spec: TrialSpec, error: str) -> tuple[Ended, ...]:
    """Record as failed the arms that a trial left unrecorded when its process died for good.

    Returns:
        What became of all its arms.

    Raises:
        RecordError: the records cannot be written.
    """
    ended = recorded_so_far(spec)
    if rest := range(len(ended), len(spec.arms)):
        ended += record_chunk(spec, rest, None, [], 0.0, error)
    return ended


def write_weights(spec: TrialSpec, arm: Arm, keeper: "Keeper") -> None:
    """Write the weights of an arm, whole or not at all; before its row, with which it counts.

    Raises:
        RecordError: they cannot be written.
    """
    facts = {
        "arm": arm.key,
        "features": arm.features,
        "labels": open_features(spec.features).labels,
        "network": arm.network,
        "precision": arm.train["precision"],
    }
    with whole_file(weights_path(spec.run, arm.key)) as file:
        file.write(keeper.to_bytes(facts))


def weights_path(run: Path, arm: str) -> Path:
    """Where the weights of an arm lie, if they were kept.

    Raises:
        RecordError: it is no arm's key; a run folder may come from anybody.
    """
    if not _KEY.fullmatch(arm):
        raise RecordError(f"{run}: {arm!r} is no arm's key")
    return run / "weights" / f"{arm}.safetensors"


def kept_weights(run: Path) -> list[str]:
    """Keys of the arms whose weights were kept.

    Raises:
        RecordError: the folder cannot be listed.
    """
    return [Path(name).stem for name in direct(run).names("weights/")]


def _part(spec: TrialSpec, first: int) -> str:
    """The name of the part that holds the chunk which begins with this arm of the stack."""
    return f"{spec.name}-{first}"


def _arm_row(
    spec: TrialSpec, arm: Arm, end: Ended, width: int, epochs: int, seconds: float
) -> dict[str, Any]:
    """The row of `arms` that records what became of an arm."""
    return arm.columns | {
        "status": end.status,
        "error": end.error,
        "epochs": epochs,
        "seconds": seconds,
        "device": spec.device,
        "threads": spec.threads,
        "width": width,
        "host": platform.node(),
        "versions": json.dumps(versions()),
        "signature": f"{arm.signature}|version:{version('softsweep')}",
        "finished": datetime.now(UTC),
    }


@cache
def versions() -> dict[str, str]:
    """Versions that can change an arm's numbers."""
    packages = ("softsweep", "torch", "numpy", "ray")
    return {"python": platform.python_version()} | {name: version(name) for name in packages}
