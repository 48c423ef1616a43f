"""What is seen while a sweep runs: one status line, and a line for each arm that went wrong."""

import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

from sweep.duration import duration
from sweep.specs import TrialSpec
from sweep.status import LAST, Running, Sight

if TYPE_CHECKING:
    from sweep.trial import Advance

PLAIN_EVERY = 60.0
"""Seconds between lines where the output is not a terminal."""


class _TimeLeft(ProgressColumn):
    """Time left, judged by optimiser steps done so far."""

    def render(self, task: Task) -> Text:
        return Text(task.fields.get("left", ""), style="cyan")


class Watcher:
    """Counts what trials report and shows it; a context manager around a sweep.

    Args:
        console: where to write (standard error, so that tables alone are on standard output).
        name: of the experiment.
        work: weight of every trial by name, in optimiser steps of its arms.
        arms: arms to do.
        ended: told how many arms have ended, whenever some do.
        check: called whenever a trial reports; raises what ends the sweep.
        host: where trials run that do not say it.
    """

    def __init__(
        self,
        console: Console,
        name: str,
        work: dict[str, float],
        arms: int,
        ended: Callable[[int], None] = lambda count: None,
        check: Callable[[], None] = lambda: None,
        host: str = "",
    ) -> None:
        self.console = console
        self.name = name
        self.work = work
        self.arms = arms
        self._tell_ended = ended
        self._check = check
        self._host = host
        self._ended: dict[str, str] = {}
        self._running: dict[str, Running] = {}
        self._faults = 0
        self._failures: deque[str] = deque(maxlen=LAST)
        self._done = 0.0
        self._all = sum(work.values())
        self._began = self._spoke = time.monotonic()
        self._bar = Progress(
            TextColumn("[bold]{task.description}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TextColumn("arms{task.fields[counts]}"),
            TimeElapsedColumn(),
            _TimeLeft(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task(name, total=arms, counts="", left="")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with suppress(OSError):
            self._bar.stop()

    def say(self, line: Text) -> None:
        """Write a line; a terminal that is gone does not end a sweep."""
        with suppress(OSError, SystemExit):  # which rich makes of a pipe that nobody reads
            self.console.print(line, soft_wrap=True)

    def started(self, spec: TrialSpec) -> None:
        """A trial begins, or begins again after its process died."""
        self._check()
        if not self._running and not self._done:
            self._began = time.monotonic()  # what came before says nothing about the pace
        self._running[spec.name] = Running(spec.all_words, self._host, 0.0)
        self._show()

    def advanced(self, spec: TrialSpec, advance: "Advance", host: str = "") -> None:
        """A trial went on, and perhaps ended.

        Args:
            spec: the trial.
            advance: what it reports.
            host: where it runs, if it says so.
        """
        self._check()
        self._running[spec.name] = Running(spec.all_words, host or self._host, advance.share)
        if advance.finished:
            del self._running[spec.name]
            self._done += self.work[spec.name]
        for note in advance.notes:
            self.say(Text(note))
        for end in advance.ended:
            arm = spec.arms[end.index]
            if arm.key in self._ended:  # said before its trial was started again
                continue
            self._ended[arm.key] = end.status
            if end.status in ("diverged", "failed"):
                where = arm.words
                self._failures.append(f"{where}: {end.error}")
                line = Text.assemble((end.status, "red"), f" {where}: {end.error}")
                self.say(line)
        self._show()
        if advance.ended:
            self._tell_ended(len(self._ended))

    def divided(self, spec: TrialSpec, parts: Sequence[TrialSpec]) -> None:
        """A trial is tried again in parts."""
        for part in parts:
            self.work[part.name] = self.work[spec.name] * len(part.arms) / len(spec.arms)
            self._all += self.work[part.name]

    def faulted(self) -> None:
        """A machine, or a process on it, was lost; no arm is to blame."""
        self._faults += 1

    def sight(self) -> Sight:
        """What was seen so far; another thread may ask."""
        ended = Counter(list(self._ended.values()))
        elapsed = time.monotonic() - self._began
        pace = 3600 * len(self._ended) / elapsed if self._ended and elapsed > 0 else None
        running = list(self._running.values())
        return Sight(ended, running, pace, self._left(), self._faults, list(self._failures))

    def _show(self) -> None:
        ended = Counter(self._ended.values())
        counts = f", {len(self._running)} running"
        counts += "".join(f", {ended[bad]} {bad}" for bad in ("diverged", "failed") if ended[bad])
        left = self._time_left()
        self._bar.update(self._task, completed=len(self._ended), counts=counts, left=left)
        if not self.console.is_terminal and time.monotonic() - self._spoke > PLAIN_EVERY:
            self._spoke = time.monotonic()
            done = f"{len(self._ended)}/{self.arms} arms"
            self.say(Text(f"{self.name}: {done}{counts} {left}"))

    def _time_left(self) -> str:
        """`0:35 left`, or nothing before there is anything to judge by."""
        left = self._left()
        return "" if left is None else f"{duration(left)} left"

    def _left(self) -> float | None:
        """Seconds left, judged by optimiser steps done so far."""
        under_way = list(self._running.items())
        done = self._done + sum(self.work[name] * trial.share for name, trial in under_way)
        if not done:
            return None
        return (time.monotonic() - self._began) * (self._all - done) / done
