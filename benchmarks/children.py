"""Measurements in a process of their own: their memory is theirs alone, their chatter unseen."""

import os
import resource
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path
from typing import ParamSpec, TypeVar

Given = ParamSpec("Given")
Result = TypeVar("Result")


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
