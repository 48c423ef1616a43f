"""An interrupt ends a sweep even where a library swallows it."""

import os
import signal
import threading

import pytest

from sweep.executors.interrupts import noticed_interrupts


def swallowed() -> None:
    try:
        os.kill(os.getpid(), signal.SIGINT)
        threading.Event().wait(5)
    except KeyboardInterrupt:
        return
    raise AssertionError("no interrupt came")


def interrupted_within() -> None:
    with noticed_interrupts() as check:
        check()
        swallowed()
        check()
        raise AssertionError("it was forgotten")


def test_a_swallowed_interrupt_is_raised_again() -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        interrupted_within()
    assert signal.getsignal(signal.SIGINT) is before


def test_one_swallowed_at_the_very_end_counts() -> None:
    with pytest.raises(KeyboardInterrupt), noticed_interrupts():
        swallowed()


def test_without_an_interrupt_nothing_happens() -> None:
    with noticed_interrupts() as check:
        check()


def test_other_threads_have_none_to_notice() -> None:
    done = []

    def run() -> None:
        with noticed_interrupts() as check:
            check()
            done.append(True)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert done
