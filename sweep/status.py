"""How a run stands, for people elsewhere: the hidden file `.status.json`, written by its driver."""

import os
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import AwareDatetime, BaseModel, ValidationError

from results.errors import RecordError
from results.mirror import direct
from sweep.workers import Node

STATUS = ".status.json"

EVERY = 10.0
"""Seconds between two writings; a new phase is written at once."""

PATIENCE = 5.0
"""Seconds for which a writing that fails is tried again: the next one is not far."""

LAST = 5
"""Arms that went wrong of which the errors are told: the last ones."""

ENDED = ("done", "stopped", "failed")
"""The phases in which no driver is at work any more."""


@dataclass(frozen=True)
class Running:
    """A trial under way.

    Attributes:
        arms: which, in words.
        host: where; empty where that is not known.
        share: of it that is done, from 0 to 1.
    """

    arms: str
    host: str
    share: float


@dataclass(frozen=True)
class Sight:
    """What is seen of a sweep.

    Attributes:
        ended: arms by their status.
        running: the trials under way.
        pace: arms an hour; None before one has ended.
        left: seconds, judged by optimiser steps; None before there is anything to judge by.
        faults: of machines, for which trials were started again and no arm is to blame.
        failures: the last arms that went wrong, with their errors.
    """

    ended: Mapping[str, int]
    running: Sequence[Running]
    pace: float | None
    left: float | None
    faults: int
    failures: Sequence[str]


class Told(BaseModel):
    """What a driver tells of its run.

    Attributes:
        experiment: its name.
        host: where the driver runs.
        pid: its process.
        started: when it began.
        beat: when it told this, by its clock.
        phase: what it does, in a word or two; one of `ENDED` at the end.
        note: a sentence on that: what is searched, or why it failed.
        wanted: arms wanted; in a search, those of a batch. None before that is known.
        recorded: of them, those that are recorded and not tried again.
        ended: of them, those that are recorded by their status, as far as that is known.
        nodes: the machines.
        running, pace, left, faults, failures: see `Sight`.
    """

    experiment: str
    host: str
    pid: int
    started: AwareDatetime
    beat: AwareDatetime
    phase: str
    note: str = ""
    wanted: int | None = None
    recorded: int = 0
    ended: dict[str, int] = {}
    nodes: list[Node] = []
    running: list[Running] = []
    pace: float | None = None
    left: float | None = None
    faults: int = 0
    failures: list[str] = []


class Status:
    """Tells how a run stands.

    Whatever goes wrong with that, the run goes on: its records are what counts.

    Args:
        run: the run folder, or the mirror of one.
        experiment: its name.
    """

    def __init__(self, run: Path, experiment: str) -> None:
        now = datetime.now(UTC)
        self._file = direct(run, PATIENCE)
        self._told = Told(
            experiment=experiment,
            host=socket.gethostname(),
            pid=os.getpid(),
            started=now,
            beat=now,
            phase="features",
        )
        self._before: Mapping[str, int] = {}
        self._settled = 0
        self._sight: Callable[[], Sight] | None = None
        self._writing = threading.Lock()
        self._due = 0.0

    def begin(self) -> None:
        """Say that the driver begins."""
        self._write(started=datetime.now(UTC))

    def phase(self, phase: str, note: str = "") -> None:
        """Say what the driver does now.

        Args:
            phase: as in `Told`.
            note: as there.
        """
        self._write(phase=phase, note=note)

    def counted(self, wanted: int, standing: Mapping[str, int]) -> None:
        """Say how far the run is while nothing is trained.

        Args:
            wanted: arms wanted.
            standing: of them, those that are recorded, by their status.
        """
        seen = self._seen() | {"wanted": wanted, "running": [], "left": None}
        self._before, self._settled, self._sight = standing, _settled(standing), None
        self._write(**seen)

    def sweep(
        self,
        wanted: int,
        settled: int,
        standing: Mapping[str, int],
        nodes: Sequence[Node],
        sight: Callable[[], Sight],
    ) -> None:
        """Say what is trained now.

        Args:
            wanted: arms wanted.
            settled: of them, those that were recorded before and are not trained.
            standing: those that were recorded before by their status, as far as that is known.
            nodes: the machines.
            sight: what is seen of it.
        """
        self._before, self._settled, self._sight = standing, settled, sight
        self._write(wanted=wanted, nodes=list(nodes))

    def beat(self) -> None:
        """Write it, if it is time to; another thread may call this."""
        if time.monotonic() >= self._due:
            self._write()

    def forget(self) -> None:
        """Remove it, of a run that came to nothing."""
        with suppress(RecordError):
            self._file.delete(STATUS)

    def _write(self, **news: Any) -> None:
        with self._writing, suppress(RecordError):
            self._due = time.monotonic() + EVERY
            self._told = self._told.model_copy(
                update=news | self._seen() | {"beat": datetime.now(UTC)}
            )
            self._file.write(STATUS, self._told.model_dump_json().encode())

    def _seen(self) -> dict[str, Any]:
        """What is known of arms and trials."""
        if self._sight is None:
            return {"recorded": self._settled, "ended": dict(self._before)}
        sight = self._sight()
        ended = Counter({s: n for s, n in self._before.items() if s != "failed"})  # tried again
        ended.update(sight.ended)
        seen = {field: getattr(sight, field) for field in sight.__dataclass_fields__}
        return seen | {"recorded": self._settled + _settled(sight.ended), "ended": dict(ended)}


def _settled(counts: Mapping[str, int]) -> int:
    """Arms of these statuses that are not tried again."""
    return sum(count for status, count in counts.items() if status != "failed")


def read_status(run: Path) -> Told | None:
    """What the driver of a run told last; None where none did, or it cannot be understood.

    Raises:
        RecordError: the storage does not answer.
    """
    try:
        return Told.model_validate_json(direct(run).read(STATUS) or b"")
    except ValidationError:
        return None
