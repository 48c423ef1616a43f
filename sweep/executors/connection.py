"""Joining a cluster, or starting one on this machine; whatever goes wrong is one sentence."""

import logging
import os
import re
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import ray

from results.errors import one_line
from sweep.errors import ExperimentError
from sweep.workers import full_address, local_cores

REACH = 5.0
"""Seconds in which a head that is there accepts a connection."""

TOKEN = Path("~/.ray/auth_token")
"""Where Ray looks for a token that no variable names."""

_VERSIONS = re.compile(r"Ray: (\S+)\s+Python: (\S+)")


_FAILURES = (OSError, ValueError, RuntimeError, ray.exceptions.RayError)
"""What Ray raises where it cannot start or join; a disk may be full, or a folder not writable."""


def start() -> None:
    """Start Ray on this machine.

    Raises:
        ExperimentError: it does not start, and why.
    """
    try:
        # Ray counts cores in its own way; trials are to have the threads of the inline executor.
        _join("local", num_cpus=local_cores(), include_dashboard=False)
    except _FAILURES as error:
        raise ExperimentError(
            f"Ray does not start on this machine ({one_line(error)}); --executor inline goes "
            "without it"
        ) from error


def join(asked: str, option: str) -> None:
    """Join a cluster.

    Args:
        asked: `auto`, `HOST` or `HOST:PORT`.
        option: how it was given, for messages.

    Raises:
        ExperimentError: it cannot be joined, and why.
    """
    address = full_address(asked, option)
    if os.environ.get("RAY_AUTH_MODE") == "token" and not _has_token():
        raise ExperimentError(
            f"{option}: this machine has no token of the cluster: copy {TOKEN} of its head here "
            "(or set RAY_AUTH_MODE=disabled, if that cluster goes without)"
        )
    if address != "auto":
        _reach(address, option)
    try:
        with _hushed() as said:
            try:
                _join(address)
            except _FAILURES as error:
                why = _why(error, said())
            else:
                return
    except OSError as error:  # no room for what is hushed
        why = one_line(error)
    raise ExperimentError(f"{option}: {why}")


def _join(address: str, **options: Any) -> None:
    ray.init(address, log_to_driver=False, logging_level=logging.ERROR, **options)


def _has_token() -> bool:
    if os.environ.get("RAY_AUTH_TOKEN"):
        return True
    path = Path(os.environ.get("RAY_AUTH_TOKEN_PATH") or TOKEN.expanduser())
    with suppress(OSError):
        return bool(path.read_text().strip())
    return False


def _reach(address: str, option: str) -> None:
    """Ray itself would try for minutes."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), REACH).close()
    except socket.gaierror:
        raise ExperimentError(f"{option}: there is no machine called {host}") from None
    except OSError as error:
        why = error.strerror or "no answer"
        raise ExperimentError(
            f"{option}: no Ray cluster answers at {address} ({why}); start one there with ray "
            "start --head or ray up"
        ) from None


def _why(error: Exception, said: str) -> str:
    """Why a cluster cannot be joined, by Ray's exception and by what it wrote to standard error."""
    if "AuthToken" in said or isinstance(error, ray.exceptions.AuthenticationError):
        return (
            f"the cluster does not take this machine's token: copy {TOKEN} of its head here, "
            "start softsweep with RAY_AUTH_MODE=token, and leave RAY_AUTH_TOKEN unset or equal"
        )
    if len(versions := _VERSIONS.findall(str(error))) == 2:
        (ray_there, python_there), (ray_here, python_here) = versions
        return (
            f"the cluster runs Ray {ray_there} on Python {python_there}, this machine Ray "
            f"{ray_here} on Python {python_here}: install the same on all machines"
        )
    if "raylet" in str(error).lower():
        return (
            "this machine is not part of the cluster: run on one that is, use softsweep submit, "
            f"or join it with ray start ({one_line(error)[:200]})"
        )
    if "any running Ray" in str(error):
        return "no Ray cluster runs on this machine; start one with ray start --head or ray up"
    return f"the cluster cannot be joined ({one_line(error)})"


@contextmanager
def _hushed() -> Iterator[Callable[[], str]]:
    """While entered, what Ray's compiled code writes to standard error is only kept to be read."""
    with tempfile.TemporaryFile() as kept:
        before = os.dup(2)
        os.dup2(kept.fileno(), 2)

        def said() -> str:
            kept.seek(0)
            return kept.read().decode(errors="replace")

        try:
            yield said
        finally:
            os.dup2(before, 2)
            os.close(before)
