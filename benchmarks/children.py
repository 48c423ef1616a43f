"""Measurements in a process of their own: their memory is theirs alone, their chatter unseen."""

import os
import resource
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from multiprocessing.queues import Queue
    from multiprocessing.synchronize import Barrier

Given = ParamSpec("Given")
Result = TypeVar("Result")

PATIENCE = 300
"""Seconds after which processes that wait for each other give up."""


def fresh(call: Callable[Given, Result], *given: Given.args, **named: Given.kwargs) -> Result:
    """What a call returns in a new process, which inherits nothing but the environment."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(call, *given, **named).result()


def silence() -> None:
    """Drop what this process and those it starts print, so that it does not spoil a table."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
        os.dup2(nowhere, stream.fileno())


def memory() -> tuple[float, float]:
    """Resident MiB of this process: now, and at its peak since `forget_peak`.

    Linux says both in one file. Its `getrusage` would not do: the peak it reports of a new process
    includes that of the one which started it.
    """
    status = Path("/proc/self/status")
    if not status.exists():  # elsewhere only the peak is to be had, in bytes
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        return peak, peak
    lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
    now, peak = (int(lines[key].split()[0]) / 1024 for key in ("VmRSS", "VmHWM"))
    return now, peak


def forget_peak() -> None:
    """Let the peak begin again from what is resident now, where the system can do that."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def shares(
    number: int, hold: Callable[[Path], object], given: Path, file: Path
) -> list[tuple[float, float]]:
    """What each of several new processes has of the machine's memory while all of them run.

    Pages that processes share are divided among them, so that shares add up to what is taken.
    Linux only.

    Args:
        number: of processes.
        hold: called in each; what it returns is held until all have been measured.
        given: to it.
        file: that it maps.

    Returns:
        Of each process MiB of the mapped file, and of everything.
    """
    context = get_context("spawn")
    found: Queue[tuple[float, float]] = context.Queue()
    barrier = context.Barrier(number)
    workers = [
        context.Process(target=_hold, args=(hold, given, file, barrier, found))
        for _ in range(number)
    ]
    for worker in workers:
        worker.start()
    measured = [found.get(timeout=PATIENCE) for _ in workers]
    for worker in workers:
        worker.join()
    return measured


def _hold(
    hold: Callable[[Path], object],
    given: Path,
    file: Path,
    barrier: "Barrier",
    found: "Queue[tuple[float, float]]",
) -> None:
    held = hold(given)
    barrier.wait(PATIENCE)
    everything, mapped, here = 0, 0, False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        name, _, rest = line.partition(" ")
        if not name.endswith(":"):  # a mapping begins: its addresses, flags, ..., and file
            here = line.endswith(f" {file}")
        elif name == "Pss:":
            size = int(rest.split()[0])
            everything += size
            mapped += size * here
    found.put((mapped / 1024, everything / 1024))
    barrier.wait(PATIENCE)
    del held
