"""A sweep handed to a real head, from a laptop whose connection comes and goes."""

import io
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import psutil
import pytest
import yaml
from rich.console import Console

from results import query
from sweep.driver import run_experiment
from sweep.submitting import EXPERIMENT
from sweep.wheel import archive, wheel_files
from sweep.workers import Workers

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

LOSS = """
from model import ratio, soft_metric


@soft_metric(label="Sm-F2", source="eq. 10 with beta = 2")
def soft_micro_f2(o, y):
    tp = (o * y).sum()
    return ratio(5 * tp, 4 * y.sum() + o.sum(), empty=0.0)
"""

SENT = "0.1.0+laptop"
"""Version of the laptop's softsweep: another than the head has installed."""

LOGITS = "SELECT split, epoch, example, logits FROM predictions ORDER BY ALL"


class Tunnel:
    """A TCP forwarder to the dashboard, which can be cut and mended."""

    def __init__(self, port: int) -> None:
        self.to = port
        self.open: list[socket.socket] = []
        self.port = free_port()
        self.mend()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def mend(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def cut(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        for end in [self.listener, *self.open]:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        self.open.clear()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.create_connection(("127.0.0.1", self.to))
                self.open += [near, far]
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=pump, args=(source, sink), daemon=True).start()


def pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Head:
    """A cluster of one machine with token authentication; `home` holds its token."""

    home: Path
    temporary: Path
    dashboard: int


@pytest.fixture(scope="module")
def head() -> Iterator[Head]:
    folder = Path(tempfile.mkdtemp(prefix="s", dir="/tmp"))  # sockets allow paths of 107 bytes
    token = folder / ".ray" / "auth_token"
    token.parent.mkdir()
    token.write_text(secrets.token_hex(32))
    started = Head(folder, folder / "r", free_port())
    options = {
        "--port": free_port(),
        "--dashboard-port": started.dashboard,
        "--dashboard-host": "127.0.0.1",
        "--dashboard-agent-listen-port": free_port(),
        "--temp-dir": started.temporary,
        "--num-cpus": 1,
    }
    start = [sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block"]
    start += ["--disable-usage-stats", *(f"{name}={value}" for name, value in options.items())]
    log = folder / "start.log"
    with log.open("w") as file:
        process = psutil.Popen(start, env=environment(folder), stdout=file, stderr=file)
    try:
        wait_for(lambda: "--block" in log.read_text())
        yield started
    finally:
        for one in [process, *process.children(recursive=True)]:
            with suppress(psutil.NoSuchProcess):
                one.kill()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def tunnel(head: Head) -> Iterator[Tunnel]:
    through = Tunnel(head.dashboard)
    yield through
    through.cut()


def environment(home: Path, **more: str) -> dict[str, str]:
    """That of a user with a home of their own."""
    theirs = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    path = f"{Path(sys.executable).parent}:{theirs['PATH']}"
    return theirs | {"HOME": str(home), "PATH": path, "RAY_AUTH_MODE": "token", **more}


def wait_for(what: Callable[[], bool], seconds: float = 120) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def laptop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A softsweep of another version than the head's, and a working directory full of traps."""
    folder = tmp_path_factory.mktemp("laptop")
    for name, content in wheel_files().items():
        path = folder / "installed" / name.replace("softsweep-0.1.0", f"softsweep-{SENT}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.replace(b"Version: 0.1.0\n", f"Version: {SENT}\n".encode()))
    work = folder / "work"
    (work / ".git").mkdir(parents=True)
    (work / ".gitignore").write_text("results/\nmodel/\n")
    (work / "model.py").write_text("raise SystemExit('not softsweep')\n")
    (work / "secret.csv").write_text("a\n")
    (work / "my_loss.py").write_text(LOSS)
    return folder


@pytest.fixture
def experiment(tiny: dict[str, Any], laptop: Path) -> Path:
    tiny["grid"]["loss"] = ["soft_micro_f2", "bce"]
    path = laptop / "work" / "tiny.yaml"
    path.write_text(yaml.safe_dump(tiny))
    return path


class Laptop:
    """A `softsweep submit` that runs; what it prints is in `log`."""

    def __init__(self, folder: Path, home: Path, url: str, *arguments: object) -> None:
        self.log = Path(tempfile.mkstemp(dir=folder)[1])
        command = [sys.executable, "-P", "-m", "sweep.cli", "submit", *map(str, arguments)]
        told = environment(home, PYTHONPATH=str(folder / "installed"), RAY_ADDRESS="ray://nobody:1")
        with self.log.open("w") as file:
            self.process = subprocess.Popen(
                [*command, "--dashboard", url],
                env=told,
                cwd=folder / "work",
                stdout=file,
                stderr=file,
            )

    def said(self) -> str:
        return self.log.read_text()

    def ended(self) -> tuple[int, str]:
        return self.process.wait(120), self.said()

    def job(self) -> str:
        wait_for(lambda: "handed in as " in self.said())
        return self.said().split("handed in as ")[1].split(";")[0]


def test_a_sweep_goes_on_while_the_connection_is_lost(
    head: Head, tunnel: Tunnel, laptop: Path, experiment: Path, tmp_path: Path
) -> None:
    out = tmp_path / "shared" / "my run"
    own = laptop / "work" / "my_loss.py"
    submitted = Laptop(laptop, head.home, tunnel.url, experiment, "--losses", own, "--out", out)
    wait_for(lambda: "\nen: sample; n = " in submitted.said())
    tunnel.cut()
    wait_for(lambda: "the connection is lost, the job goes on" in submitted.said())
    wait_for(lambda: any(out.glob("arms/*.parquet")))  # nobody is listening
    assert submitted.process.poll() is None
    tunnel.mend()
    status, said = submitted.ended()
    assert status == 0, said
    assert said.count("connected again\n") == said.count("the connection is lost") == 1
    assert said.count("\nen: sample; n = ") == said.count("2 arms trained; tables and") == 1

    inline = run_experiment(
        experiment,
        losses=[own],
        cache=tmp_path / "shared" / "cache",
        out=tmp_path / "inline",
        workers=Workers("inline"),
        console=Console(quiet=True),
    ).run
    shutil.rmtree(out / "tables")  # this softsweep would call them another's
    assert len(query(inline, LOGITS)) > 0
    assert query(out, LOGITS).equals(query(inline, LOGITS))
    arms = "SELECT DISTINCT versions->>'softsweep' AS sent FROM arms"
    assert query(out, arms).to_pylist() == [{"sent": SENT}]

    (package,) = head.temporary.glob("session_2*/runtime_resources/working_dir_files/_ray_pkg_*/")
    there = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    (loss,) = (name for name in there if name.startswith("losses/my_loss-"))
    with ZipFile(io.BytesIO(archive(wheel_files()))) as sent:
        code = {name.replace("softsweep-0.1.0", f"softsweep-{SENT}") for name in sent.namelist()}
    assert there == code | {EXPERIMENT, loss}


def test_a_job_is_left_followed_and_stopped(
    head: Head, laptop: Path, experiment: Path, tmp_path: Path
) -> None:
    url = f"http://127.0.0.1:{head.dashboard}"
    own = laptop / "work" / "my_loss.py"
    endless = ("--set", "train.epochs=100000", "--cache", tmp_path / "cache")
    first = Laptop(
        laptop, head.home, url, experiment, "--losses", own, "--out", tmp_path / "run", *endless
    )
    job = first.job()
    wait_for(lambda: "Running entrypoint for job" in first.said())
    first.process.send_signal(signal.SIGINT)
    status, said = first.ended()
    assert status == 0
    for hint in (f"submit --follow {job}", f"submit --stop {job}", f"status {tmp_path}/run"):
        assert hint in said

    again = Laptop(laptop, head.home, url, "--follow", job)
    wait_for(lambda: "\nen: sample; n = " in again.said())
    stopped = Laptop(laptop, head.home, url, "--stop", job)
    assert stopped.ended() == (0, f"{job} is being stopped\n")
    status, said = again.ended()
    assert status == 130
    assert "what is recorded is kept" in said


def test_without_the_clusters_token_nobody_is_let_in(
    head: Head, laptop: Path, tmp_path: Path
) -> None:
    url = f"http://127.0.0.1:{head.dashboard}"
    (tmp_path / "other" / ".ray").mkdir(parents=True)
    (tmp_path / "other" / ".ray" / "auth_token").write_text(secrets.token_hex(32))
    strangers = [
        (
            tmp_path / "other",
            "this machine's token is not the cluster's: copy ~/.ray/auth_token of its head",
        ),
        (tmp_path, "this machine has no token of the cluster: copy ~/.ray/auth_token of its head"),
    ]
    asked = [(Laptop(laptop, home, url, "--follow", "x"), why) for home, why in strangers]
    for stranger, why in asked:
        status, said = stranger.ended()
        assert (status, said.count("\n")) == (2, 1)
        assert why in said


class Other(BaseHTTPRequestHandler):
    """A dashboard of another Ray, which knows of no job."""

    def do_GET(self) -> None:
        known = self.path == "/api/version"
        self.send_response(200 if known else 404)
        self.end_headers()
        self.wfile.write(b'{"ray_version": "2.50.0"}' if known else b"not found")

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


def test_another_ray_or_none_is_said(laptop: Path, tmp_path: Path) -> None:
    (tmp_path / ".ray").mkdir()
    (tmp_path / ".ray" / "auth_token").write_text(secrets.token_hex(32))
    with ThreadingHTTPServer(("127.0.0.1", 0), Other) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        there = Laptop(laptop, tmp_path, f"127.0.0.1:{server.server_port}", "--follow", "j")
        none = Laptop(laptop, tmp_path, f"127.0.0.1:{free_port()}", "--follow", "j")
        status, said = there.ended()
        assert status == 2
        assert said.startswith("the cluster runs Ray 2.50.0, this machine ")
        assert "softsweep: the cluster knows no job j; " in said
        status, said = none.ended()
        assert (status, said.count("\n")) == (2, 1)
        assert ": no Ray dashboard answers; `ray dashboard cluster.yaml` makes" in said
        server.shutdown()
