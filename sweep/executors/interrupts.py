"""Interrupts that nobody swallows: Ray's compiled code may take one without passing it on."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def noticed_interrupts() -> Iterator[Callable[[], None]]:
    """While entered, remembers an interrupt (Ctrl-C); yields what raises it again if there was one.

    Outside the main thread, to which Python gives signals, it does nothing.
    """
    seen = threading.Event()

    def notice(number: int, frame: FrameType | None) -> None:
        seen.set()
        raise KeyboardInterrupt

    def check() -> None:
        if seen.is_set():
            raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield check
        return
    before = signal.signal(signal.SIGINT, notice)
    try:
        yield check
        check()
    finally:
        signal.signal(signal.SIGINT, before)
