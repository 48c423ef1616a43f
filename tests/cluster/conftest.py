"""A laptop and three machines with a network between them, on the machine that runs the tests."""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
HERE = Path(__file__).resolve().parent
KEPT = sorted({str(ROOT), sys.prefix, sys.base_prefix})
"""What every machine sees of this one, wherever it lies: softsweep and its Python."""

HOME = Path("~root").expanduser()

TOOLS = ("unshare", "nsenter", "ip", "sshd", "ssh", "rsync", "pkill", "curl")

STORAGE_PORT = 5000
STORAGE = f"http://10.77.0.1:{STORAGE_PORT}"
"""An S3-compatible server, at the laptop's address."""


def wait_for(what: Callable[[], bool], seconds: float, why: str) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, f"waited {seconds:g} s in vain: {why}"
        time.sleep(0.2)


class Typed:
    """A command that was typed.

    What it prints goes to files, not pipes, which whatever it leaves running, as ssh does, would
    keep open.

    Attributes:
        command: the command.
        status: its exit status, once it has ended.

    Args:
        command: as it was typed.
        words: what is run.
        folder: for its output.
    """

    def __init__(self, command: str, words: Sequence[str], folder: Path) -> None:
        self.command = command
        self.status: int | None = None
        self._folder = Path(tempfile.mkdtemp(dir=folder))
        with (self._folder / "out").open("w") as out, (self._folder / "err").open("w") as err:
            self._process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=out, stderr=err
            )

    @property
    def out(self) -> str:
        """What it has printed."""
        return (self._folder / "out").read_text()

    @property
    def err(self) -> str:
        """What it has printed on standard error."""
        return (self._folder / "err").read_text()

    def wait(self, seconds: float, check: bool = True) -> "Typed":
        """Wait for its end; it is to succeed."""
        try:
            self.status = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.stop()
            pytest.fail(f"{self.command}: no end after {seconds:g} s\n{self.out}\n{self.err}")
        if check and self.status:
            pytest.fail(f"{self.command}: exit status {self.status}\n{self.out}\n{self.err}")
        return self

    def stop(self) -> None:
        """End it."""
        for process in psutil.Process(self._process.pid).children(recursive=True):
            process.kill()
        self._process.kill()
        self._process.wait()


class Lab:
    """The four machines: what is typed at the laptop, and what happens to the others.

    Args:
        disk: folder below which the laptop's own disk lies, and on it those of the others.
    """

    storage = STORAGE
    addresses: Mapping[str, str] = {"head": "10.77.0.2", "one": "10.77.0.3", "two": "10.77.0.4"}

    def __init__(self, disk: Path) -> None:
        self.typed = disk / "typed"
        self.typed.mkdir()
        self.begun: list[Typed] = []
        self.disk = disk
        space = ["unshare", "--mount", "--net", "--pid", "--uts", "--ipc"]
        space += ["--fork", "--mount-proc", "--kill-child"]
        with (disk / "laptop.log").open("w") as log:
            self.process = subprocess.Popen(
                [*space, HERE / "host.sh", disk, "laptop", *KEPT],
                stdin=subprocess.PIPE,  # the laptop ends when this closes, whatever ends us
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self.process.stdin
        assert self.process.stdout
        self.lifeline = self.process.stdin
        with self.process.stdout as said:
            assert said.readline() == "up\n"
        (self.init,) = psutil.Process(self.process.pid).children()
        for name in self.addresses:
            wait_for(partial(self.answers, name), 20, f"{name}: see {disk}/tmp/{name}.log")

    def file(self, machine: str, path: str) -> Path:
        """A file on a machine's own disk, as the tests can read it."""
        below = self.disk if machine == "laptop" else self.disk / "tmp" / machine
        return below / path.lstrip("/")

    def start(self, command: str) -> "Typed":
        """Type a command at the laptop, in the folder of the repository."""
        environment = {
            "HOME": str(HOME),
            "PATH": f"{Path(sys.executable).parent}:/usr/sbin:/usr/bin:/sbin:/bin",
            "LANG": "C.UTF-8",
            "OMP_NUM_THREADS": "1",
            "AWS_ENDPOINT_URL": STORAGE,
        }
        words = [f"{name}={value}" for name, value in environment.items()]
        enter = ["nsenter", "--all", "--target", str(self.init.pid)]
        clean = ["env", "--ignore-environment", f"--chdir={ROOT}", *words]
        typed = Typed(command, [*enter, *clean, "bash", "-c", command], self.typed)
        self.begun.append(typed)
        return typed

    def type(self, command: str, *, check: bool = True, seconds: float = 120) -> "Typed":
        """Type a command at the laptop and wait for its end; it is to succeed."""
        return self.start(command).wait(seconds, check)

    def on(self, machine: str, command: str, *, check: bool = True) -> "Typed":
        """Run a command on a machine, by ssh from the laptop."""
        ssh = "ssh -q -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null"
        typed = f"{ssh} root@{self.addresses[machine]} {shlex.quote(command)}"
        return self.type(typed, check=check, seconds=30)

    def answers(self, machine: str) -> bool:
        """Whether one can log in there."""
        return self.on(machine, "true", check=False).status == 0

    def close(self) -> None:
        """End every machine and all that runs on it."""
        self.init.kill()  # and with it, all processes of its namespace and those within
        for typed in self.begun:
            typed.wait(30, check=False)
        self.lifeline.close()
        self.process.wait(30)


def missing() -> str:
    """What this machine lacks for the test machines, if anything."""
    if sys.platform != "linux" or os.geteuid():
        return "machines in namespaces need root on Linux"
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    if lacking := [tool for tool in TOOLS if shutil.which(tool, path=path) is None]:
        return f"machines in namespaces need {', '.join(lacking)}"
    probe = ["unshare", "--mount", "--net", "--pid", "--fork", "--mount-proc"]
    probe += ["ip", "link", "add", "lan", "type", "bridge"]
    tried = subprocess.run(probe, capture_output=True, text=True, check=False)
    return f"no namespaces here: {tried.stderr}" if tried.returncode else ""


UV = """#!/bin/sh
# Stands in for uv, as there is no network: softsweep is installed already, and is found there.
echo "$@" >> ~/uv.log
if [ "$1" = venv ]; then ln -sfn {prefix} ~/softsweep; fi
"""

CREDENTIALS = "[default]\naws_access_key_id = key\naws_secret_access_key = secret\n"


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The machines, as one owns them, and an S3-compatible server with a bucket on the laptop."""
    if why := missing():
        pytest.skip(why)
    disk = tmp_path_factory.mktemp("lab")
    home = disk / HOME.relative_to("/")
    machine = home / "machine"
    uv = machine / ".local" / "bin" / "uv"
    uv.parent.mkdir(parents=True)
    uv.write_text(UV.format(prefix=sys.prefix))
    uv.chmod(0o755)
    for owner in (home, machine):
        (owner / ".aws").mkdir()
        (owner / ".aws" / "credentials").write_text(CREDENTIALS)
    lab = Lab(disk)
    try:
        lab.start(f"exec moto_server -H 0.0.0.0 -p {STORAGE_PORT} >/tmp/storage.log 2>&1")
        bucket = f"curl -sf -X PUT {STORAGE}/sweeps"
        wait_for(lambda: lab.type(bucket, check=False).status == 0, 60, "no storage")
        yield lab
    finally:
        lab.close()
