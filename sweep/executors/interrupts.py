"""Interrupts that end a sweep in order: thrown into Ray's code they may be lost, or its workers."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def noticed_interrupts() -> Iterator[Callable[[], bool]]:
    """While entered, remembers an interrupt (Ctrl-C); yields what says whether there was one.

    It is raised at the end, or at once when there is a second one: the user has waited enough.
    Outside the main thread, to which Python gives signals, it does nothing.
    """
    seen = threading.Event()

    def notice(number: int, frame: FrameType | None) -> None:
        if seen.is_set():
            raise KeyboardInterrupt
        seen.set()

    if threading.current_thread() is not threading.main_thread():
        yield seen.is_set
        return
    before = signal.signal(signal.SIGINT, notice)
    try:
        yield seen.is_set
        if seen.is_set():
            raise KeyboardInterrupt
    finally:
        signal.signal(signal.SIGINT, before)
