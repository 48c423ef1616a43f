"""What every benchmark prints: a case, our figure, the peer's, and their ratio."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One measured case.

    `peer` and `ratio` are None where there is only a limit to keep, `ours` where nothing could be
    measured, and the note then says why.
    """

    case: str
    ours: float | None
    peer: float | None
    unit: str
    ratio: float | None
    note: str = ""


def against(case: str, ours: float, peer: float, unit: str, note: str = "") -> Row:
    """A case with a peer measured in the same run; ratio is how many times cheaper ours is."""
    return Row(case, ours, peer, unit, peer / ours, note)


def alternate(
    ours: Callable[[], object], peer: Callable[[], object], runs: int
) -> tuple[float, float]:
    """Median seconds of two calls made in turn, after one of each that is not counted.

    In turn, because these machines' speed drifts.
    """
    times: tuple[list[float], list[float]] = ([], [])
    for run in range(runs + 1):
        for call, into in zip((ours, peer), times, strict=True):
            took = seconds(call)
            if run:
                into.append(took)
    return statistics.median(times[0]), statistics.median(times[1])


def seconds(call: Callable[[], object]) -> float:
    """Seconds of one call."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began
