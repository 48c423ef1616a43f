"""The watcher of a spot node, `python -m sweep.spot`: a small process beside Ray's own.

Amazon tells a spot machine two minutes ahead that it will be taken away; nothing in Ray listens.
This does, and tells Ray in the one way by which the loss counts as nobody's fault: the node is
drained as preempted, and its raylet is killed after the deadline given, yet before the machine's
own shutdown ends it with a SIGTERM, which Ray would count as a failure of what ran there.

It ends when the node's raylet does.
"""

import argparse
import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

METADATA = "http://169.254.169.254"
"""Where a machine of EC2 asks about itself (IMDSv2)."""

TOKEN_SECONDS = 21600
"""How long a token of the metadata service holds: the longest there is."""

PATIENCE = 2.0
"""Seconds that the metadata service, on the same host, has for an answer."""

EVERY = 5.0
"""Seconds between two looks, as Amazon recommends."""

MARGIN = 20.0
"""Seconds before the machine's end by which Ray is to have let go of the node."""

log = logging.getLogger("sweep.spot")


@dataclass(frozen=True)
class Raylet:
    """Ray's process on a node.

    Attributes:
        pid: of the process.
        node: Ray's name of the node.
        cluster: address of the cluster's head.
    """

    pid: int
    node: str
    cluster: str

    @property
    def running(self) -> bool:
        """Whether the process is there, and no other under its number."""
        return _raylet(self.pid) == self


def raylets() -> Iterator[Raylet]:
    """The raylets of this machine."""
    for folder in Path("/proc").glob("[0-9]*"):
        found = _raylet(int(folder.name))
        if found:
            yield found


def _raylet(pid: int) -> Raylet | None:
    try:
        program, *arguments = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    except (OSError, UnicodeDecodeError):  # it has ended
        return None
    if Path(program).name != "raylet":
        return None
    options = dict(argument.split("=", 1) for argument in arguments if "=" in argument)
    return Raylet(pid, options["--node_id"], options["--gcs-address"])


@dataclass(frozen=True)
class Notice:
    """What Amazon is about to do.

    Attributes:
        action: `terminate`, `stop` or `hibernate`.
        when: the machine's end.
    """

    action: str
    when: datetime


class Metadata:
    """The metadata service of this machine.

    Args:
        url: of the service.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.token = ""

    def notice(self) -> Notice | None:
        """The notice, if one has been given.

        Raises:
            OSError, ValueError: the service does not answer, or with something else.
        """
        try:
            said = self._ask("GET", "meta-data/spot/instance-action", self._with_token())
        except HTTPError as answer:
            if answer.code == HTTPStatus.NOT_FOUND:  # no notice
                return None
            if answer.code == HTTPStatus.UNAUTHORIZED:  # the token is too old
                self.token = ""
            raise
        try:
            notice = json.loads(said)
            return Notice(notice["action"], datetime.fromisoformat(notice["time"]))
        except (KeyError, TypeError) as missing:
            raise ValueError(f"a notice that is none: {said!r}") from missing

    def _with_token(self) -> dict[str, str]:
        if not self.token:
            lasting = {"X-aws-ec2-metadata-token-ttl-seconds": str(TOKEN_SECONDS)}
            self.token = self._ask("PUT", "api/token", lasting)
        return {"X-aws-ec2-metadata-token": self.token}

    def _ask(self, method: str, what: str, headers: dict[str, str]) -> str:
        request = Request(f"{self.url}/latest/{what}", headers=headers, method=method)
        with urlopen(request, timeout=PATIENCE) as answer:
            return str(answer.read(), "utf-8")


def wait_for_notice(raylet: Raylet, metadata: Metadata, every: float) -> Notice | None:
    """Look until a notice is given, or the raylet has ended: `None`.

    A metadata service that does not answer is asked again; each new reason is logged once.
    """
    trouble = ""
    while raylet.running:
        try:
            notice = metadata.notice()
        except (OSError, ValueError) as error:
            if str(error) != trouble:
                trouble = str(error)
                log.info("metadata service %s: %s; asked again", metadata.url, trouble)
        else:
            trouble = ""
            if notice:
                return notice
        time.sleep(every)
    return None


def leave(raylet: Raylet, notice: Notice) -> None:
    """Drain the node, and end its raylet between the deadline of that and the machine's end."""
    seconds = _ahead(notice)
    while raylet.running and not drain(raylet, notice, seconds):
        time.sleep(1)
        seconds = _ahead(notice)
    time.sleep(seconds + 1)  # Ray forgives what dies after the deadline, not before
    if raylet.running:
        with suppress(ProcessLookupError):
            os.kill(raylet.pid, signal.SIGKILL)
        log.info("raylet %d killed", raylet.pid)


def _ahead(notice: Notice) -> int:
    """Seconds after which Ray is to have let go of the node."""
    return max(0, int((notice.when - datetime.now(UTC)).total_seconds() - MARGIN))


def drain(raylet: Raylet, notice: Notice, seconds: int) -> bool:
    """Tell the cluster that the node goes in so many seconds; whether it has heard."""
    command = [sys.executable, "-m", "ray.scripts.scripts", "drain-node"]
    command += ["--address", raylet.cluster, "--node-id", raylet.node]
    command += ["--reason", "DRAIN_NODE_REASON_PREEMPTION"]
    command += ["--reason-message", f"spot: {notice.action} at {notice.when:%H:%M:%S} UTC"]
    command += ["--deadline-remaining-seconds", str(seconds)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        log.info("not drained: %s", (done.stderr.strip() or "no reason given").splitlines()[-1])
    else:
        log.info("node %s drained as preempted, %d s ahead", raylet.node, seconds)
    return done.returncode == 0


def main() -> None:
    """Watch over one raylet until it ends."""
    options = argparse.ArgumentParser(description="Drain this spot node when its notice comes.")
    options.add_argument("--metadata", default=METADATA, help="URL of the metadata service")
    options.add_argument("--every", type=float, default=EVERY, help="seconds between two looks")
    options.add_argument("--raylet", type=int, help="process number; by default this machine's own")
    given = options.parse_args()
    logging.basicConfig(
        format="%(asctime)s %(message)s", level=logging.INFO, stream=sys.stdout, force=True
    )
    found = [raylet for raylet in raylets() if given.raylet in (None, raylet.pid)]
    if len(found) != 1:
        sys.exit(f"softsweep: {len(found)} raylets here to watch over; --raylet PID names one")
    (raylet,) = found
    log.info("watching over node %s, raylet %d", raylet.node, raylet.pid)
    notice = wait_for_notice(raylet, Metadata(given.metadata), given.every)
    if notice:
        log.info("notice: %s at %s", notice.action, notice.when.isoformat())
        leave(raylet, notice)
    log.info("the raylet has ended")


if __name__ == "__main__":
    main()
