"""What it takes to train what is to do: time of cores or GPUs, time on the clock, money."""

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from sweep.arms import Arm
from sweep.budget import Budget
from sweep.pace import Pace, Place
from sweep.stacks import Stack
from sweep.workers import Allotment


@dataclass(frozen=True)
class Work:
    """Arms of one language and batch size that one trial trains.

    Attributes:
        place: their language and batch size.
        arms: how many.
        epochs: of each.
    """

    place: Place
    arms: int
    epochs: int


def work_of(stacks: Iterable[Stack]) -> list[Work]:
    """The work of stacks, in their order."""
    return [Work(_place(stack[0]), len(stack), int(stack[0].train["epochs"])) for stack in stacks]


def _place(arm: Arm) -> Place:
    return arm.language, arm.batch_size


def work_at_most(budgets: Iterable[Budget]) -> list[Work]:
    """The work of a search at most, each arm a trial."""
    return [
        Work((budget.language, budget.batch_size), 1, epochs)
        for budget in budgets
        for arms, epochs in (
            (budget.tried, budget.tried_epochs),
            (budget.trained, budget.trained_epochs),
        )
        for _ in range(arms)
    ]


@dataclass(frozen=True)
class Costs:
    """The time that trials take.

    Attributes:
        device: on which they train.
        threads: of each.
        per_gpu: trials that share a GPU.
        trials: seconds of each, in the order in which they start.
        unknown: places whose pace is unknown; their trials are not among `trials`.
    """

    device: str
    threads: int
    per_gpu: int
    trials: Sequence[float]
    unknown: frozenset[Place]

    @classmethod
    def of(
        cls, work: Iterable[Work], paces: Mapping[Place, Pace], allotment: Allotment, per_gpu: int
    ) -> Self:
        """The time that work takes.

        Args:
            work: what is to be trained.
            paces: by language and batch size, all of one device and number of threads.
            allotment: how trials share such a device.
            per_gpu: trials that share a GPU.
        """
        work = list(work)
        threads = next((pace.threads for pace in paces.values()), allotment.threads)
        trials = [w.arms * paces[w.place].seconds(w.epochs) for w in work if w.place in paces]
        unknown = frozenset(w.place for w in work if w.place not in paces)
        return cls(allotment.device, threads, per_gpu, trials, unknown)

    @property
    def hours(self) -> float:
        """Hours of cores or GPUs together."""
        share = self.threads if self.device == "cpu" else 1 / self.per_gpu
        return sum(self.trials) * share / 3600

    @property
    def longest(self) -> float:
        """Seconds of the longest trial: no number of machines makes it shorter."""
        return max(self.trials, default=0.0)

    def clock(self, slots: int) -> float:
        """Seconds until all is trained by so many trials at once."""
        busy = [0.0] * slots
        for seconds in self.trials:
            heapq.heapreplace(busy, busy[0] + seconds)
        return max(busy)
