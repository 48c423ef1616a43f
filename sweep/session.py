"""The workers of a run: connected to when there is first something to train, kept to its end."""

import socket
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console

from results.errors import RecordError
from results.mirror import publish, refresh
from results.parts import OF_TRIALS
from results.records import recorded
from sweep.arms import Arm
from sweep.driving import Drive
from sweep.executors import Executor
from sweep.plan import Plan
from sweep.pruning import Bar
from sweep.specs import NO_BARS, trial_specs
from sweep.workers import Workers, allot

LISTED = 90.0
"""Seconds in which a machine sees what another one has written: NFS may take 60."""


class Session:
    """Trains one sweep after another on the same workers; a context manager around them.

    Attributes:
        trained: keys of the arms that were trained.

    Args:
        plan: whose features and losses they are trained on.
        workers: where and on what arms are trained.
        console: where progress is shown.
        drive: the claim to the run, and what is told of it.
    """

    def __init__(self, plan: Plan, workers: Workers, console: Console, drive: Drive) -> None:
        self.plan = plan
        self.trained: set[str] = set()
        self.workers = workers
        self.console = console
        self.drive = drive
        self._connections = ExitStack()
        self._executor: Executor | None = None

    def __enter__(self) -> Self:
        self._connections.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._connections.__exit__(kind, error, traceback)

    def train(
        self,
        wanted: Sequence[Arm],
        todo: Sequence[Arm],
        bars: Mapping[str, Sequence[Bar]] = NO_BARS,
    ) -> None:
        """Train and record arms.

        Args:
            wanted: those wanted together, recorded or not: they decide how cores are shared out.
            todo: of them, those to train.
            bars: what stops arms early, by their keys.

        Raises:
            ExperimentError: there are no such workers.
            RecordError: the records cannot be written; what was recorded stays.
        """
        if not todo:
            return
        from sweep.livepage import LivePage
        from sweep.progress import Watcher

        if self._executor is None:
            self._executor = self._connections.enter_context(_executor(self.workers))
        executor = self._executor
        plan = replace(self.plan, wanted=wanted, todo=todo)
        allotment = allot(self.workers, executor.device, executor.nodes, len(wanted))
        publish(plan.job.run)  # what a search asks for, before it is tried
        specs = trial_specs(plan, allotment, bars)
        texts = {name: len(entry.split("train").ids) for name, entry in plan.features.items()}
        work = {
            spec.name: len(spec.arms) * spec.epochs * texts[spec.arms[0].language]
            / spec.arms[0].batch_size
            for spec in specs
        }  # fmt: skip
        page = LivePage(plan.job.run, len(wanted), len(wanted) - len(todo), self.console)
        name = plan.job.experiment.name
        here = socket.gethostname() if self.workers.executor == "inline" else ""
        check = self.drive.lease.check
        watcher = Watcher(self.console, name, work, len(todo), page.show, check, here)
        standing = self.plan.standing if wanted is self.plan.wanted else {}
        self.drive.status.sweep(
            len(wanted), len(wanted) - len(todo), standing, executor.nodes, watcher.sight
        )
        with page, watcher:
            executor.run(specs, watcher)
        _see_recorded(plan.job.run, todo)
        self.trained |= {arm.key for arm in todo}


def _see_recorded(run: Path, arms: Sequence[Arm]) -> None:
    """Wait until what workers recorded can be read here.

    Clients of NFS go on listing a folder as it was a minute ago, unless they change it themselves.

    Raises:
        RecordError: it cannot be read though they said that it is recorded.
    """
    refresh(run)
    until = time.monotonic() + LISTED
    while unseen := {arm.key for arm in arms} - recorded(run).keys():
        if time.monotonic() > until:
            raise RecordError(
                f"{run}: what workers recorded cannot be read here (arms: {len(unseen)}): see "
                "that they and this machine have the same storage there, and run again to go on"
            )
        for kind in OF_TRIALS:
            with suppress(OSError), tempfile.NamedTemporaryFile(prefix=".", dir=run / kind):
                time.sleep(1)
        refresh(run)


def _executor(workers: Workers) -> AbstractContextManager[Executor]:
    """What trains on these workers; connected to them while it is entered."""
    if workers.executor == "inline":
        from sweep.executors.inline import Inline

        return nullcontext(Inline(workers))
    from sweep.executors.ray import on_ray

    return on_ray(workers)
