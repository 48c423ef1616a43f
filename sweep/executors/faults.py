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
"""Times that a trial is started again after its process died on a machine that lives on, and after
none came up for it there."""

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
            or self._too_many(trial, Blame.PROCESS)
        ):
            return Verdict.GIVE_UP
        return Verdict.WAIT if self._too_many(trial, Blame.PROCESS, None) else Verdict.AGAIN

    def innocent(self, trial: str) -> bool:
        """Whether nothing but machines was ever to blame."""
        return not self._own(trial)

    def unstarted(self, trial: str) -> str:
        """Why no process comes up for a trial on machines that live on; empty if it is not that."""
        words = [f.words for f in self._of[trial] if f.blame is Blame.PROCESS and not f.begun]
        return words[-1] if len(words) > RETRIES else ""

    def account(self, trial: str) -> str:
        """Why a trial is given up, in a line."""
        own, machines = self._own(trial), self._count(trial, Blame.MACHINE)
        if not own:
            return f"{machines} tries were lost with their machines: {self._of[trial][-1].words}"
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
        return f"{what}: {own[-1].words}{more}"

    def _own(self, trial: str) -> list[Fault]:
        """The tries that may have failed by what was trained."""
        faults = self._of[trial]
        return [fault for fault in faults if fault.begun and fault.blame is not Blame.MACHINE]

    def _count(self, trial: str, blame: Blame | None) -> int:
        return sum(fault.blame is blame for fault in self._of[trial])

    def _too_many(self, trial: str, *blames: Blame | None) -> bool:
        """Whether processes died, or did not come up, more often than is forgiven."""
        begun = [fault.begun for fault in self._of[trial] if fault.blame in blames]
        return max(begun.count(True), begun.count(False)) > RETRIES

    def _judge(self, trial: str) -> None:
        """Find out what can be found out now; machines are asked only when it matters."""
        for fault in self._of[trial]:
            if fault.blame is None and self._lost(fault.node):
                fault.blame = Blame.MACHINE
        if not self._too_many(trial, Blame.PROCESS, None):
            return
        for fault in self._of[trial]:
            if fault.blame is None and self._clock() - fault.at >= SETTLING:
                alone = not fault.node or self._answers(fault.node)
                fault.blame = Blame.PROCESS if alone else Blame.MACHINE
