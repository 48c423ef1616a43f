"""A run driven by one driver at a time: whoever comes second says so and waits."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.text import Text

from results.errors import one_line
from results.mirror import place_of
from sweep.experiment import RESOLVED
from sweep.lease import Holder, Lease, LostLeaseError
from sweep.printing import say
from sweep.status import Status, read_status

ASK_EVERY = 1.0
"""Seconds between two looks at a claim that another driver holds."""


@dataclass(frozen=True)
class Drive:
    """A run that is ours to drive.

    Attributes:
        lease: the claim to it.
        status: what is told of it.
    """

    lease: Lease
    status: Status


@contextmanager
def driving(run: Path, experiment: str, console: Console) -> Iterator[Drive]:
    """Drive a run while entered, having waited for whoever drives it.

    Args:
        run: the run folder, or the mirror of one; made where missing, and removed again where
            nothing comes of it.
        experiment: name of the experiment.
        console: where it is said that another driver is at work.

    Raises:
        LostLeaseError: somebody took the run over.
        RecordError: the folder cannot be read or written.
    """
    new = not run.exists()
    status = Status(run, experiment)
    lease = Lease(run, status.beat)
    try:
        _wait(lease, console)
        status.begin()
        yield Drive(lease, status)
        status.phase("done")
    except BaseException as error:
        if lease.lost:
            raise LostLeaseError(lease.lost) from error
        if lease.held:
            status.phase(*_ended_by(error))
        raise
    finally:
        if lease.held and not (run / RESOLVED).exists():
            status.forget()
        lease.release()
        if new:
            _remove_if_empty(run)


def _wait(lease: Lease, console: Console) -> None:
    """Take the run, now or when its driver has ended."""
    if not (holder := lease.take()):
        return
    say(console, f"{_held(lease.run, holder)}: this one waits and goes on when that one ends")
    with console.status("") if console.is_terminal else nullcontext() as line:
        while holder := lease.take():
            if line:
                line.update(Text(f"waiting: {_held(lease.run, holder)}"))
            time.sleep(ASK_EVERY)


def _held(run: Path, holder: Holder) -> str:
    """Who drives a run, and how far it is."""
    told = read_status(run)
    done = f", {told.recorded} of {told.wanted} arms recorded" if told and told.wanted else ""
    since = _local_time(holder.since)
    return f"{place_of(run)} is driven by {holder.host} (pid {holder.pid}, since {since}{done})"


def _local_time(iso: str) -> str:
    """A time of day here, as people say it."""
    try:
        return f"{datetime.fromisoformat(iso).astimezone():%H:%M}"
    except ValueError:
        return "an unknown time"


def _ended_by(error: BaseException) -> tuple[str, str]:
    """The phase in which an error leaves a run, and what is said of it."""
    if isinstance(error, KeyboardInterrupt):
        return "stopped", ""
    return "failed", one_line(error) or type(error).__name__


def _remove_if_empty(run: Path) -> None:
    """Remove a run folder in which nothing was recorded."""
    if run.is_dir() and {path.name for path in run.iterdir()} <= {".lock"}:
        (run / ".lock").unlink(missing_ok=True)
        run.rmdir()
