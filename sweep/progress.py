"""What is seen while a sweep runs: one status line, and a line for each arm that went wrong."""

import time
from types import TracebackType
from typing import Self

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

from sweep.trial import Advance, TrialSpec

PLAIN_EVERY = 60.0
"""Seconds between lines where the output is not a terminal."""


def duration(seconds: float) -> str:
    """Seconds as `m:ss` or `h:mm:ss`."""
    hours, rest = divmod(round(seconds), 3600)
    minutes, seconds = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


class _TimeLeft(ProgressColumn):
    """Time left, judged by optimiser steps done so far."""

    def render(self, task: Task) -> Text:
        return Text(task.fields.get("left", ""), style="cyan")


class Watcher:
    """Counts what trials report and shows it; a context manager around a sweep.

    Attributes:
        ok: arms recorded as ok.
        diverged: arms recorded as diverged.
        failed: arms recorded as failed.

    Args:
        console: where to write (standard error, so that tables alone are on standard output).
        name: of the experiment.
        work: weight of every trial by name, in optimiser steps.
        arms: arms to do.
    """

    def __init__(self, console: Console, name: str, work: dict[str, float], arms: int) -> None:
        self.console = console
        self.name = name
        self.work = work
        self.arms = arms
        self.ok = self.diverged = self.failed = 0
        self._running: dict[str, float] = {}
        self._done = 0.0
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
        self._bar.stop()

    def started(self, spec: TrialSpec) -> None:
        """A trial begins, or begins again after its process died."""
        if not self._running and not self._done:
            self._began = time.monotonic()  # what came before says nothing about the pace
        self._running[spec.name] = 0.0
        self._show()

    def advanced(self, spec: TrialSpec, advance: Advance) -> None:
        """A trial did an epoch, or ended."""
        self._running[spec.name] = advance.epoch / spec.epochs
        if advance.finished:
            del self._running[spec.name]
            self._done += self.work[spec.name]
            for arm, status in zip(spec.arms, advance.statuses, strict=True):
                setattr(self, status, getattr(self, status) + 1)
                if status != "ok":
                    where = f"{arm.label} {arm.language} b={arm.batch_size} seed={arm.seed}"
                    line = Text.assemble((status, "red"), f" {where}: {advance.error}")
                    self.console.print(line, soft_wrap=True)
        self._show()

    def _show(self) -> None:
        counts = f", {len(self._running)} running"
        if self.diverged:
            counts += f", {self.diverged} diverged"
        if self.failed:
            counts += f", {self.failed} failed"
        recorded = self.ok + self.diverged + self.failed
        left = self._time_left()
        self._bar.update(self._task, completed=recorded, counts=counts, left=left)
        if not self.console.is_terminal and time.monotonic() - self._spoke > PLAIN_EVERY:
            self._spoke = time.monotonic()
            self.console.print(Text(f"{self.name}: {recorded}/{self.arms} arms{counts} {left}"))

    def _time_left(self) -> str:
        """`0:35 left`, or nothing before there is anything to judge by."""
        under_way = sum(self.work[name] * share for name, share in self._running.items())
        share = (self._done + under_way) / sum(self.work.values())
        elapsed = time.monotonic() - self._began
        return f"{duration(elapsed * (1 - share) / share)} left" if share > 0 else ""
