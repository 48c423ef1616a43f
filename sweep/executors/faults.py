"""Who is to blame for a try of a trial that failed: the arm, or the machine it was on.

A process that dies may have been killed by its arm or gone down with its machine, and a cluster
takes a while to notice that a machine is gone. So trials are started again at once, and judgement
is passed only when it matters: before an arm is given up.
"""

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

RETRIES = 2
"""Times that a trial is started again after its process died on a machine that lives on."""

HANG_RETRIES = 1
"""Times that a trial is started again after it hung, which takes long to notice."""

MACHINE_RETRIES = 10
"""Times that a trial is started again after its machine was lost."""

SETTLING = 6.0
"""Seconds after which it can be told whether a process died alone: one that an operating system
ends as it shuts down is gone before its machine is."""


class Blame(Enum):
    """What made a try fail."""

    MACHINE = "machine"
    PROCESS = "process"
    HANG = "hang"


class Verdict(Enum):
    """What is to become of a trial of which tries failed."""

    AGAIN = "again"
    WAIT = "wait"
    GIVE_UP = "give up"


@dataclass
class Fault:
    """A try that failed.

    Attributes:
        words: why, in a line.
        node: id of the machine that it was on; empty where that is not known.
        blame: what made it fail; None while that is not known.
        begun: whether a process came up for it; no arm is to blame for one that does not.
        at: when, in seconds of the clock.
    """

    words: str
    node: str = ""
    blame: Blame | None = None
    begun: bool = True
    at: float = 0.0


class Faults:
    """The tries of trials that failed.

    Args:
        lost: says whether a machine is known to be lost.
        answers: says whether a machine answers; asked only of those that are not known to be lost.
        clock: what time it is, in seconds.
    """

    def __init__(
        self,
        lost: Callable[[str], bool],
        answers: Callable[[str], bool],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lost = lost
        self._answers = answers
        self._clock = clock
        self._of: defaultdict[str, list[Fault]] = defaultdict(list)

    def add(self, trial: str, fault: Fault) -> None:
        """A try failed.

        Args:
            trial: name of the trial.
            fault: what is known of it; `at` is filled in.
        """
        fault.at = self._clock()
        self._of[trial].append(fault)

    def verdict(self, trial: str) -> Verdict:
        """What is to become of a trial."""
        self._judge(trial)
        if (
            self._count(trial, Blame.MACHINE) > MACHINE_RETRIES
            or self._count(trial, Blame.HANG) > HANG_RETRIES
            or self._count(trial, Blame.PROCESS) > RETRIES
        ):
            return Verdict.GIVE_UP
        doubtful = self._count(trial, None)
        if doubtful and self._count(trial, Blame.PROCESS) + doubtful > RETRIES:
            return Verdict.WAIT
        return Verdict.AGAIN

    def innocent(self, trial: str) -> bool:
        """Whether nothing but its machines was ever to blame."""
        return {fault.blame for fault in self._of[trial]} == {Blame.MACHINE}

    def begun(self, trial: str) -> bool:
        """Whether a process ever came up for a trial where its machine lived on."""
        return any(fault.begun for fault in self._of[trial] if fault.blame is not Blame.MACHINE)

    def last(self, trial: str) -> str:
        """Why its last try failed where its machine lived on, in a line."""
        return [f.words for f in self._of[trial] if f.blame is not Blame.MACHINE][-1]

    def account(self, trial: str) -> str:
        """Why a trial is given up, in a line."""
        faults, machines = self._of[trial], self._count(trial, Blame.MACHINE)
        if self.innocent(trial):
            return f"{machines} tries were lost with their machines: {faults[-1].words}"
        own = [fault for fault in faults if fault.blame is not Blame.MACHINE]
        hung = self._count(trial, Blame.HANG)
        what = (
            f"it hung {hung} times"
            if hung > HANG_RETRIES
            else f"its process failed {len(own)} times"
        )
        tries = "1 more try was lost with its machine"
        if machines > 1:
            tries = f"{machines} more tries were lost with their machines"
        more = f" ({tries})" if machines else ""
        return f"{what}: {self.last(trial)}{more}"

    def _count(self, trial: str, blame: Blame | None) -> int:
        return sum(fault.blame is blame for fault in self._of[trial])

    def _judge(self, trial: str) -> None:
        """Find out what can be found out now; machines are asked only when it matters."""
        for fault in self._of[trial]:
            if fault.blame is None and self._lost(fault.node):
                fault.blame = Blame.MACHINE
        doubtful = [fault for fault in self._of[trial] if fault.blame is None]
        if self._count(trial, Blame.PROCESS) + len(doubtful) <= RETRIES:
            return
        for fault in doubtful:
            if self._clock() - fault.at >= SETTLING:
                alone = not fault.node or self._answers(fault.node)
                fault.blame = Blame.PROCESS if alone else Blame.MACHINE
