"""The head of a cluster, without which nothing goes on: its loss ends the sweep in a sentence."""

import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import ray
from rich.console import Console

LOOK_EVERY = 2.0
"""Seconds between two connections to the head."""

GONE = 20.0
"""Seconds without an answer after which it is gone; after 60 Ray would end the process itself,
without a word that says what to do."""


def is_command() -> bool:
    """Whether this process is a command of softsweep's, not one of a user that imports it."""
    program = Path(sys.argv[0])
    return program.stem == "softsweep" or program.parts[-2:] == ("sweep", "cli.py")


@contextmanager
def head_watched(console: Console, end: Callable[[str], None]) -> Iterator[None]:
    """While entered, the loss of the head ends a command with exit status 2.

    Calls to Ray would block until Ray ends the process, so there is no way out but this one; what
    is recorded is whole at any time. Elsewhere, as in a notebook, it is said, and the sweep ends.

    Args:
        console: whose cursor is shown again.
        end: told why the sweep has to end.
    """
    over = threading.Event()
    host, _, port = ray.get_runtime_context().gcs_address.rpartition(":")

    def watch() -> None:
        answered = time.monotonic()
        while not over.wait(LOOK_EVERY):
            try:
                socket.create_connection((host, int(port)), LOOK_EVERY).close()
                answered = time.monotonic()
            except OSError:
                if time.monotonic() > answered + GONE and not over.is_set():
                    why = (
                        f"the cluster is gone: its head {host}:{port} does not answer; what is "
                        "recorded is kept, start the cluster and run again"
                    )
                    console.show_cursor()
                    sys.stderr.write(f"softsweep: {why}\n")
                    sys.stderr.flush()
                    if is_command():
                        os._exit(2)
                    end(why)
                    return

    threading.Thread(target=watch, name="head", daemon=True).start()
    try:
        yield
    finally:
        over.set()
