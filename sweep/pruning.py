"""The median rule: a try that lags behind the earlier tries of its study is stopped.

A bar says, for each epoch, what the best epoch so far must have reached. It is drawn from records
alone, so the same try is stopped at the same epoch whatever trained it; where its arm went on
nevertheless (another study wanted more of it), it is judged as if it had been stopped there.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from statistics import median

LEAST_TRIES = 4
"""Earlier tries from which on their median is a bar."""

FIRST_EPOCH = 2
"""Epoch after the warm-up from which on a try can be stopped."""

Scores = Sequence[float]
"""A metric on a part of dev after each epoch, from the first."""


@dataclass(frozen=True)
class Bar:
    """What stops a try.

    Attributes:
        metric: that judges.
        part: of dev that judges: `dev`, `dev/a` or `dev/b`.
        least: by epoch, what the best epoch so far must have reached; none for some epochs.
    """

    metric: str
    part: str
    least: Mapping[int, float]

    def stops(self, scores: Scores, warmup: int) -> int | None:
        """Epoch at which a try is stopped, if it is.

        Args:
            scores: its scores so far.
            warmup: epochs of its warm-up.
        """
        for epoch, best in best_so_far(scores, warmup).items():
            if epoch >= warmup + FIRST_EPOCH and best < self.least.get(epoch, -1.0):
                return epoch
        return None


def best_so_far(scores: Scores, warmup: int) -> dict[int, float]:
    """The best score after the warm-up, by epoch."""
    return dict(enumerate(accumulate(scores[warmup:], max), start=warmup + 1))


def draw_bar(metric: str, part: str, epochs: int, earlier: Iterable[Mapping[int, float]]) -> Bar:
    """The medians of the earlier tries.

    Args:
        metric: that judges.
        part: of dev that judges.
        epochs: of a try; after the last there is nothing to stop.
        earlier: for each of the earlier tries its `best_so_far`, up to where it was judged; one
            that was stopped counts on with what it had reached.
    """
    curves = [curve for curve in earlier if curve]
    least = {}
    for epoch in range(1, epochs):
        reached = [curve[min(epoch, max(curve))] for curve in curves if epoch >= min(curve)]
        if len(reached) >= LEAST_TRIES:
            least[epoch] = median(reached)
    return Bar(metric, part, least)
