"""A worker's first act: prove that it reads and writes the run, sees the features, runs our code.

Machines may join at any time, and one that has a folder of its own at the path of the shared one
would train arms which nobody finds.
"""

import hashlib
import os
import secrets
import socket
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from features import InputError, open_features
from results.errors import RecordError
from results.mirror import direct, place_of
from sweep.home import at_home
from sweep.packages import HOME, NAMES
from sweep.recording import versions
from sweep.specs import TrialSpec

FOLDER = ".nodes"
"""Where in a run folder challenges and answers lie while it is worked on."""

PATIENCE = 5.0
"""Seconds that a shared disk may take to show what another machine wrote."""


@dataclass(frozen=True)
class Challenge:
    """What a worker has to find, and what it has to be like.

    Attributes:
        name: of the file in the run.
        secret: that the file holds.
        host: the driver's machine.
        place: the run folder as people know it.
        code: digest of softsweep's files.
        versions: of Python and packages.
    """

    name: str
    secret: str
    host: str
    place: str
    code: str
    versions: Mapping[str, str]


def challenge(run: Path) -> Challenge:
    """Lay down what workers have to find; what an earlier driver left goes.

    Raises:
        RecordError: the run folder cannot be written.
    """
    withdraw(run)
    name, secret = f"{FOLDER}/{secrets.token_hex(8)}", secrets.token_hex(16)
    direct(run).write(name, secret.encode())
    return Challenge(name, secret, socket.gethostname(), place_of(run), code_digest(), versions())


def withdraw(run: Path) -> None:
    """Remove challenges and answers.

    Raises:
        RecordError: they cannot be removed.
    """
    files = direct(run)
    for name in files.names(f"{FOLDER}/"):
        files.delete(name)
    with suppress(OSError):
        (run / FOLDER).rmdir()


def prove(challenge: Challenge, specs: Iterable[TrialSpec]) -> tuple[str, ...]:
    """Take the challenge up.

    Args:
        challenge: the driver's.
        specs: the trials to come.

    Returns:
        Lines that warn of other versions than the driver's.

    Raises:
        RecordError: this machine must not train; one sentence that names it and says what to do.
    """
    host = socket.gethostname()
    specs = list(specs)
    notes: tuple[str, ...] = ()
    if host != challenge.host:
        notes = _compare(challenge, host)
    _find(challenge, at_home(specs[0]).run, host)
    for folder in dict.fromkeys(spec.features for spec in specs if not spec.cache_store):
        try:
            open_features(folder)
        except InputError as error:
            raise RecordError(
                f"{host} does not find the features at {folder} ({error}): put the cache on "
                "storage that all machines share (--cache on a shared folder, or s3://...)"
            ) from None
    return notes


def _find(challenge: Challenge, run: Path, host: str) -> None:
    """Read the challenge through this machine's storage and write an answer there."""
    files = direct(run)
    until = time.monotonic() + PATIENCE
    while files.read(challenge.name) != challenge.secret.encode():
        if time.monotonic() > until:
            raise RecordError(
                f"{host} does not see the run folder {challenge.place} of {challenge.host}: put it "
                "on storage that all machines share (--out on a shared folder, or s3://...)"
            )
        time.sleep(0.5)
    try:
        files.write(f"{challenge.name}-{host}-{os.getpid()}", b"")
    except RecordError as error:
        raise RecordError(
            f"{host} cannot write to the run folder {challenge.place} of {challenge.host} "
            f"({error}): let all machines write there"
        ) from None


def _compare(challenge: Challenge, host: str) -> tuple[str, ...]:
    """Refuse other code of softsweep; name other versions."""
    here, there = versions(), challenge.versions
    if code_digest() != challenge.code:
        raise RecordError(
            f"{host} has another softsweep ({here['softsweep']}, code {code_digest()}) than "
            f"{challenge.host} ({there['softsweep']}, code {challenge.code}): install the same on "
            "all machines"
        )
    unlike = [name for name in here if here[name] != there.get(name)]
    if not unlike:
        return ()
    said = ", ".join(f"{name} {here[name]} ({there.get(name)})" for name in unlike)
    return (f"{host} has other versions than {challenge.host} (in brackets): {said}",)


@cache
def code_digest() -> str:
    """A few digits that differ where softsweep's code does."""
    digest = hashlib.sha256()
    for name in NAMES:
        for path in sorted((HOME / name).rglob("*.py")):
            digest.update(path.relative_to(HOME).as_posix().encode() + b"\0")
            digest.update(path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]
