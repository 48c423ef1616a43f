"""The page `tables/report.html` while a run goes on: written seldom, and never in the run's way."""

import time
import warnings
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console

from results.mirror import publish_files, refresh
from sweep.printing import say

EVERY = 30.0
"""Least seconds between two pages."""

PATIENCE = 5.0
"""Seconds that a page waits for a store that fails."""

SHARE = 0.02
"""Most of the time that writing pages may take: the dearer a page is, the later the next."""


class LivePage:
    """Writes the page of a sweep under way; a context manager around it.

    Whatever goes wrong with a page, the run goes on: its records are what counts.

    Args:
        run: the run folder.
        wanted: arms that the sweep wants.
        recorded: of them, those that were recorded before.
        console: where it is said, once, where the page is.
    """

    def __init__(self, run: Path, wanted: int, recorded: int, console: Console) -> None:
        self.run = run
        self.wanted = wanted
        self.recorded = recorded
        self._ended = 0
        self._say = partial(say, console)
        self._said = False
        self._due = time.monotonic() + EVERY

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Of a sweep that was stopped the page says so, and no longer loads itself again."""
        if kind is not None and self._said:
            self._write(going=False)

    def show(self, ended: int) -> None:
        """Write the page, if it is time to.

        Args:
            ended: arms of this sweep that have ended.
        """
        self._ended = ended
        if time.monotonic() < self._due:
            return
        began = time.monotonic()
        self._write(going=True)
        now = time.monotonic()
        self._due = now + max(EVERY, (now - began) / SHARE)

    def _write(self, going: bool) -> None:
        from results.findings import Findings
        from results.report import Progress, write_report
        from results.run import Run

        progress = Progress(self.recorded + self._ended, self.wanted, going)
        try:
            with warnings.catch_warnings(action="ignore"):  # said when the tables are made
                refresh(self.run, PATIENCE)
                page = write_report(Findings(Run(self.run)), progress)
            publish_files(self.run, [page], PATIENCE)
            said = f"watch it fill: {page}"
        except Exception as error:  # a page is not worth a run
            said = f"the page of this run could not be written ({error}); the run goes on"
        if not self._said:
            self._say(said)
        self._said = True
