"""An interrupt ends a sweep in order; a second one at once."""

import os
import signal
import threading

import pytest

from sweep.executors.interrupts import noticed_interrupts


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def interrupted_once() -> None:
    with noticed_interrupts() as interrupted:
        assert not interrupted()
        interrupt()
        assert interrupted()


def interrupted_twice() -> None:
    with noticed_interrupts():
        interrupt()
        interrupt()
        raise AssertionError("it was ignored")


def test_an_interrupt_is_raised_at_the_end() -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        interrupted_once()
    assert signal.getsignal(signal.SIGINT) is before


def test_the_second_one_is_raised_at_once() -> None:
    with pytest.raises(KeyboardInterrupt):
        interrupted_twice()


def test_without_an_interrupt_nothing_happens() -> None:
    with noticed_interrupts() as interrupted:
        assert not interrupted()


def test_other_threads_have_none_to_notice() -> None:
    done = []

    def run() -> None:
        with noticed_interrupts() as interrupted:
            done.append(not interrupted())

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert done == [True]
