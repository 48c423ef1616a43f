"""How fast arms train: by what is recorded, or by a probe. No torch here: planning reads it."""

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

Place = tuple[str, int]
"""A language and a batch size: arms of one place take about the same time."""

COLUMNS = ("language", "batch_size", "seconds", "epochs", "device", "threads")
"""What is asked of recorded arms."""


@dataclass(frozen=True)
class Pace:
    """What an arm takes of a trial that trains on a device.

    A stack's seconds are divided among its arms.

    Attributes:
        device: `cpu`, `cuda` or `mps`.
        threads: of the trial.
        epoch: seconds of an epoch, evaluation included.
        start: seconds before the first.
    """

    device: str
    threads: int
    epoch: float
    start: float = 0.0

    def seconds(self, epochs: int) -> float:
        """Of an arm that trains so many epochs."""
        return self.start + self.epoch * epochs


def recorded_pace(arms: pa.Table, device: str = "auto") -> dict[Place, Pace]:
    """What the recorded arms took, by language and batch size.

    Arms that were trained on several devices, or with several numbers of threads, are not mixed:
    those count of which most epochs are recorded.

    Args:
        arms: rows of `arms` that count, with `COLUMNS` and `status`.
        device: on which they trained; `auto` for any.
    """
    found: dict[tuple[str, int], dict[Place, tuple[float, int]]] = {}
    for arm in arms.select([*COLUMNS, "status"]).to_pylist():
        if arm["status"] != "ok" or not arm["epochs"] or device not in ("auto", arm["device"]):
            continue
        totals = found.setdefault((arm["device"], arm["threads"]), {})
        place = (arm["language"], arm["batch_size"])
        seconds, epochs = totals.get(place, (0.0, 0))
        totals[place] = (seconds + arm["seconds"], epochs + arm["epochs"])
    if not found:
        return {}
    (on, threads), totals = max(found.items(), key=lambda item: _epochs(item[1]))
    return {place: Pace(on, threads, took / epochs) for place, (took, epochs) in totals.items()}


def _epochs(totals: Mapping[Place, tuple[float, int]]) -> int:
    return sum(epochs for _, epochs in totals.values())
