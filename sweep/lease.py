"""One driver a run folder: a claim that is kept by a beat, and taken over when the beat stops.

The hidden file `.driver.json` says who drives, and counts its beats. Whoever waits judges it by
watching on its own clock whether it changes, so clocks are never compared; a driver of this machine
that was killed is known at once, for the kernel then lets go of a file that it held locked. A
driver reads the claim before each beat, and ends when it finds another's: it was stopped, or cut
off, for so long that somebody took over.

That is what `filelock.SoftFileLease` does, except that it takes over by exchanging two names. NFS
refuses that, so the claim of a host that crashed would stay for ever; and object stores have none.
"""

import _thread
import json
import os
import re
import secrets
import socket
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from results.errors import RecordError
from results.locks import locked
from results.mirror import direct, place_of, uri_of
from sweep.errors import ExperimentError

CLAIM = ".driver.json"

LEASE = float(os.environ.get("SOFTSWEEP_LEASE", "30"))
"""Seconds without a beat after which others take a run over; the same for all its drivers."""

BEATS = 6
"""Beats in that time."""

SETTLE = 2.0
"""Seconds after which a claim in an object store is read back: of several written at once, one
stays. In a folder a lock sees to that."""


@dataclass(frozen=True)
class Holder:
    """Who drives a run.

    Attributes:
        token: of its claim.
        host: its machine.
        pid: its process.
        since: when it began, by its own clock, as ISO 8601 in UTC.
        beat: how often it has said that it is alive.
    """

    token: str = ""
    host: str = "an unknown host"
    pid: int = 0
    since: str = ""
    beat: int = 0


class LostLeaseError(ExperimentError):
    """Another driver took the run over."""


class Lease:
    """The claim to drive one run folder; `take` it, then `release` it.

    Attributes:
        holder: this driver.
        held: whether the claim was taken; it may be lost since.
        lost: why the claim is lost, once it is.

    Args:
        run: the run folder, or the mirror of one.
        each_beat: called after every beat, from another thread.
        duration: seconds without a beat after which others take over; `LEASE` by default.
    """

    def __init__(
        self,
        run: Path,
        each_beat: Callable[[], None] = lambda: None,
        duration: float | None = None,
    ) -> None:
        self.run = run
        self.holder = Holder(secrets.token_hex(16), socket.gethostname(), os.getpid())
        self.held = False
        self.lost = ""
        self.duration = duration or LEASE
        self._each_beat = each_beat
        self._claim = direct(run)
        self._alive = _Alive(self.holder.token)
        self._seen: bytes | None = None
        self._seen_since = self._looked = 0.0
        self._interrupts = threading.current_thread() is threading.main_thread()
        self._ending = threading.Event()
        self._beating = threading.Thread(target=self._beat, name="softsweep-lease", daemon=True)

    def take(self) -> Holder | None:
        """Try once to get the claim; whoever has it is to be asked again soon.

        Returns:
            Who has it; None if it is ours now.

        Raises:
            RecordError: the folder cannot be read or written.
        """
        seen = self._claim.read(CLAIM)
        if (seen is None or self._is_over(seen)) and self._take_from(seen):
            self._claim = direct(self.run, patience=self.duration / BEATS)  # the next try is near
            self.held = True
            self._beating.start()
            return None
        return read_holder(seen)

    def check(self) -> None:
        """See that the claim is still ours.

        Raises:
            LostLeaseError: it is not.
        """
        if self.lost:
            raise LostLeaseError(self.lost)

    def release(self) -> None:
        """End the claim, if it is ours, and leave nothing behind."""
        self._ending.set()
        if self.held:
            self._beating.join()
            with suppress(RecordError):  # others see it end, as nothing beats any more
                if self._read().token == self.holder.token:
                    self._claim.delete(CLAIM)
            self.held = False
        self._alive.end()

    def _is_over(self, seen: bytes) -> bool:
        """Whether a claim's driver is gone, as far as anybody can know.

        While nothing could be read its driver could perhaps not write, so that time does not count.
        """
        now = time.monotonic()
        if seen != self._seen or now - self._looked > self.duration / 2:
            self._seen, self._seen_since = seen, now
        self._looked = now
        return now - self._seen_since >= self.duration or was_killed(read_holder(seen))

    def _take_from(self, seen: bytes | None) -> bool:
        """Replace the claim that was seen by ours, unless somebody was faster."""
        with locked(self.run):
            if self._claim.read(CLAIM) != seen:
                return False
            self._alive.begin()
            self.holder = replace(
                self.holder, since=datetime.now(UTC).isoformat(timespec="seconds")
            )
            self._write()
            if uri_of(self.run):
                time.sleep(SETTLE)
            won = self._read().token == self.holder.token
        if won and seen:
            _forget(read_holder(seen))
        return won

    def _beat(self) -> None:
        """Beat until the end, or until the claim is another's."""
        while not self._ending.wait(self.duration / BEATS):
            with suppress(RecordError):  # the storage fails: for all, so nobody takes over
                if (found := self._read()).token != self.holder.token:
                    self._lose(found)
                    return
                self.holder = replace(self.holder, beat=self.holder.beat + 1)
                self._write()
            with suppress(Exception):  # whatever goes wrong with it, the claim has to be kept
                self._each_beat()

    def _lose(self, to: Holder) -> None:
        """Say so, and stop what is under way."""
        who = f"{to.host} (pid {to.pid}) drives" if to.token else "another driver drove"
        self.lost = (
            f"{place_of(self.run)}: {who} this run now, as for {self.duration:.0f} s nothing was "
            "heard of this one (stopped, or cut off?); what is recorded is kept"
        )
        if self._interrupts and not self._ending.is_set():
            _thread.interrupt_main()

    def _read(self) -> Holder:
        return read_holder(self._claim.read(CLAIM))

    def _write(self) -> None:
        self._claim.write(CLAIM, json.dumps(asdict(self.holder)).encode())


class _Alive:
    """A locked file on this machine's own disk: the kernel lets go of it when its process ends."""

    def __init__(self, token: str) -> None:
        from filelock import FileLock

        try:
            self._path = Path(tempfile.gettempdir()) / f"softsweep-{token}.lock"
        except OSError as error:
            raise RecordError(
                f"no folder for temporary files can be written ({error.strerror}): make room, "
                "or name another one with TMPDIR"
            ) from error
        self._lock = FileLock(self._path)

    def begin(self) -> None:
        """Lock it, if it is not."""
        if not self._lock.is_locked:
            with suppress(OSError):  # without it others wait until the claim is over
                self._lock.acquire(timeout=0)

    def end(self) -> None:
        """Remove it."""
        with suppress(OSError):  # it only takes up room
            self._path.unlink(missing_ok=True)
        self._lock.release()

    def was_left(self) -> bool:
        """Whether the process that locked it is gone."""
        if not self._path.exists():
            return False
        try:
            self._lock.acquire(timeout=0)
        except OSError:  # it is alive, or another user's
            return False
        self._lock.release()
        return True


def was_killed(holder: Holder) -> bool:
    """Whether a driver ran on this machine, and runs no more."""
    here = holder.host == socket.gethostname() and re.fullmatch("[0-9a-f]{32}", holder.token)
    return bool(here) and _Alive(holder.token).was_left()


def _forget(holder: Holder) -> None:
    """Remove what a driver that was killed left on this machine."""
    if was_killed(holder):
        _Alive(holder.token).end()


def read_holder(claim: bytes | None) -> Holder:
    """Who wrote a claim; nobody known where there is none, or it is not as we write them."""
    try:
        said = json.loads(claim or b"")
        beat, pid = int(said["beat"]), int(said["pid"])
        return Holder(str(said["token"]), str(said["host"]), pid, str(said["since"]), beat)
    except (ValueError, KeyError, TypeError):
        return Holder()
