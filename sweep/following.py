"""A job's log as it grows, from afar: each line once, over connections that come and go."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import TYPE_CHECKING, cast

from results.errors import one_line
from sweep.errors import INTERRUPTED, ExperimentError
from sweep.jobs import AGAIN, details

if TYPE_CHECKING:
    from ray.dashboard.modules.job.pydantic_models import JobDetails
    from ray.job_submission import JobSubmissionClient

SILENCE = 60.0
"""Seconds without a line after which a connection is made anew: it may be dead and not say so."""

PAUSE = 0.5
"""Seconds before the first attempt to connect again; each further pause is twice as long."""

LONGEST_PAUSE = 30.0
"""Seconds between two attempts, at most."""

KNOWN = (0, 1, 2)
"""Exit statuses of `softsweep run`."""


class _Log:
    """Passes on what is new of a log that every connection tells from its beginning."""

    def __init__(self, write: Callable[[str], object], say: Callable[[str], None]) -> None:
        self.write = write
        self.say = say
        self.passed_on = 0
        self.heard = 0
        self.failures = 0

    def begin(self) -> None:
        """Expect the log from its beginning."""
        self.heard = 0

    def hear(self, text: str) -> None:
        """Take the next part of what a connection tells."""
        if self.failures:
            self.failures = 0
            self.say("connected again")
        known = max(self.passed_on - self.heard, 0)
        self.heard += len(text)
        if new := text[known:]:
            self.write(new)
            self.passed_on = self.heard

    def lost(self) -> None:
        """Wait before the next attempt."""
        if not self.failures:
            self.say("the connection is lost, the job goes on; trying to reach it again")
        time.sleep(min(PAUSE * 2**self.failures, LONGEST_PAUSE))
        self.failures += 1


def follow(
    client: "JobSubmissionClient",
    job: str,
    write: Callable[[str], object],
    say: Callable[[str], None],
) -> "JobDetails":
    """Pass a job's log on until the job has ended; lost connections are made anew, for ever.

    Args:
        client: reaches the dashboard.
        job: name of the job.
        write: takes the log, each part of it once.
        say: told of lost connections.

    Returns:
        How the job ended.

    Raises:
        ExperimentError: the cluster knows no such job (any more), or refuses the token.
    """
    from aiohttp import ClientError

    log = _Log(write, say)
    while True:
        try:
            details(client, job)  # is there such a job?
            if asyncio.run(_hear(client, job, log)):
                found = details(client, job)
                if found.status.is_terminal():
                    return found
        except (ClientError, OSError, RuntimeError):
            log.lost()


async def _hear(client: "JobSubmissionClient", job: str, log: _Log) -> bool:
    """Hear the log over one connection.

    Returns:
        Whether it was told to its end.
    """
    log.begin()
    told = cast("AsyncGenerator[str]", client.tail_job_logs(job))
    async with aclosing(told) as parts:
        while True:
            try:
                log.hear(await asyncio.wait_for(anext(parts), SILENCE))
            except StopAsyncIteration:
                return True
            except TimeoutError:
                return False


def exit_status(job: str, ended: "JobDetails") -> int:
    """The exit status of a job that has ended: its own, or that of an interrupt if it was stopped.

    Raises:
        ExperimentError: it came to another end.
    """
    status = ended.driver_exit_code
    if status in KNOWN:
        return int(status)
    if ended.status == "STOPPED":
        return INTERRUPTED
    why = f"its process ended with status {status}" if status else ended.message or "unexplained"
    raise ExperimentError(f"the job {job} failed: {one_line(why)}; {AGAIN}")
