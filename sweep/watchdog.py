"""The end of a trial that hangs: its process leaves a note of where, and ends.

A trial hangs when it has made no step for longer than it ever may, judged by its own pace. Only a
process that trains nothing else may be ended so: a worker of Ray. Two watch it, because code that
holds Python's lock stops every thread of Python: a thread, which writes the note, and later the
timer of `faulthandler`, which needs no lock and appends what it knows to the note's first line.
"""

import faulthandler
import json
import math
import os
import re
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from results.errors import RecordError
from results.mirror import direct
from sweep.checkpoints import FOLDER
from sweep.specs import TrialSpec

PACES = 100
"""A trial whose slowest step took so long may take so many times that for a step."""

GRACE = 15.0
"""Seconds from the thread's time to the timer's, in which the note must have been written."""

RENEW = 1.0
"""Seconds after which a step sets the timer anew; doing so costs what a thread's start does."""

FRAMES = 3
"""Innermost frames that a note names."""

_TIMED_OUT = "Timeout ("
_FRAME = re.compile(r'  File "(.*)", line (\d+) in (.*)')


class Watchdog:
    """Ends this process when the trial that it trains makes no step any more.

    Args:
        spec: the trial; it is not watched where its `stall_after` is 0.
    """

    def __init__(self, spec: TrialSpec) -> None:
        self.spec = spec
        self._where = ""
        self._slowest = 0.0
        self._last = self._set = 0.0
        self._begun = False
        self._thread = 0
        self._note: BinaryIO | None = None

    @property
    def limit(self) -> float:
        """Seconds that a step may take."""
        return max(self.spec.stall_after, PACES * self._slowest)

    def beat(self) -> None:
        """A step was made."""
        now = time.monotonic()
        if self._begun:  # what comes before the first step says nothing about the pace
            self._slowest = max(self._slowest, now - self._last)
        self._last, self._begun = now, True
        if self._note and now > self._set + RENEW:
            self._set_timer(now)

    @contextmanager
    def watching(self, where: str) -> Iterator[None]:
        """While entered, steps are expected of this thread.

        Args:
            where: what it does, in words.
        """
        if not self.spec.stall_after:
            yield
            return
        self._where, self._thread = where, threading.get_ident()
        self._open_note()
        self._last, self._begun = time.monotonic(), False
        self._set_timer(self._last)
        over = threading.Event()
        threading.Thread(target=self._watch, args=(over,), name="watchdog", daemon=True).start()
        try:
            yield
        finally:
            over.set()
            faulthandler.cancel_dump_traceback_later()

    def close(self) -> None:
        """The trial is over, and did not hang."""
        if self._note:
            self._note.close()
            self._note = None
            with suppress(OSError):
                _note_path(self.spec).unlink(missing_ok=True)

    def _open_note(self) -> None:
        """Begin the note with what the timer does not know; a note of an earlier try goes."""
        if self._note is None:
            with suppress(RecordError):
                direct(self.spec.run).delete(_note_name(self.spec))
            try:
                path = _note_path(self.spec)
                path.parent.mkdir(parents=True, exist_ok=True)
                self._note = path.open("ab", buffering=0)
            except OSError:  # a full disk, say: the process is ended all the same
                self._note = Path(os.devnull).open("ab", buffering=0)  # noqa: SIM115
        begin = {"thread": f"0x{self._thread:016x}", "where": self._where}
        with suppress(OSError):
            self._note.truncate(0)
            self._note.write(json.dumps(begin).encode() + b"\n")

    def _set_timer(self, now: float) -> None:
        assert self._note
        self._set = now
        after = math.ceil(self.limit + GRACE)
        faulthandler.dump_traceback_later(after, exit=True, file=self._note)

    def _watch(self, over: threading.Event) -> None:
        while not over.wait(max(self._last + self.limit - time.monotonic(), 0.01)):
            if (idle := time.monotonic() - self._last) >= self.limit:
                said = _said(f"{idle:.0f} s", self._where, self._frames())
                said += f"; its slowest step took {self._slowest:.3g} s" if self._slowest else ""
                with suppress(Exception):  # the process must end
                    direct(self.spec.run, GRACE).write(_note_name(self.spec), said.encode())
                os._exit(1)

    def _frames(self) -> list[str]:
        """Where the trial hangs, innermost first: in a user's loss, if it is there."""
        stack = traceback.extract_stack(sys._current_frames().get(self._thread))
        users = {loss.file for loss in self.spec.losses.values() if not loss.built_in}
        own = [frame for frame in stack if frame.filename in users]
        return [_frame(f.filename, f.lineno, f.name) for f in (own or stack)[::-1]]


def hang_note(spec: TrialSpec) -> str:
    """Why the last try of a trial ended, in a line; nothing if it did not hang.

    The note goes: the next try may end before it begins one of its own.

    Raises:
        RecordError: the storage does not answer.
    """
    files, name = direct(spec.run), _note_name(spec)
    if (found := files.read(name)) is None:
        return ""
    files.delete(name)
    text = found.decode(errors="replace")
    first, _, dump = text.partition("\n")
    if not first.startswith("{"):
        return text
    return _read_dump(first, dump) if _TIMED_OUT in dump else ""


def _read_dump(first: str, dump: str) -> str:
    """What the timer left, in a line."""
    begin = json.loads(first)
    after = dump.partition(_TIMED_OUT)[2].partition(")")[0]
    stack = dump.partition(f"Thread {begin['thread']}")[2].partition("\n\n")[0]
    frames = [_frame(*found.groups()) for found in _FRAME.finditer(stack)]
    return _said(after, begin["where"], frames) + "; it held Python's lock"


def _said(idle: str, where: str, frames: list[str]) -> str:
    at = " from ".join(frames[:FRAMES]) or "an unknown place"
    return f"no step for {idle} in {where}, at {at}"


def _frame(file: str, line: object, function: str) -> str:
    return f"{Path(file).name}:{line} ({function})"


def _note_name(spec: TrialSpec) -> str:
    return f"{FOLDER}/{spec.name}.hung"


def _note_path(spec: TrialSpec) -> Path:
    return spec.run / _note_name(spec)
