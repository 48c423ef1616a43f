"""The watcher of a spot node, against a stand-in for Amazon's metadata service."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from results.records import recorded
from sweep import spot
from sweep.spot import Metadata, Notice, Raylet

TOKEN = "X-aws-ec2-metadata-token"


class StandIn(ThreadingHTTPServer):
    """A metadata service as Amazon's: a token first, and 404 until there is a notice."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.notice: object = None
        self.token = "first"
        self.broken = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def take_away_in(self, seconds: float) -> None:
        when = datetime.now(UTC) + timedelta(seconds=seconds)
        self.notice = {"action": "terminate", "time": f"{when:%Y-%m-%dT%H:%M:%SZ}"}


class _Answers(BaseHTTPRequestHandler):
    server: StandIn

    def do_PUT(self) -> None:
        wanted = self.headers.get(f"{TOKEN}-ttl-seconds") and self.path == "/latest/api/token"
        self._answer(200 if wanted else 400, self.server.token)

    def do_GET(self) -> None:
        if self.server.broken:
            self._answer(500, "")
        elif self.headers.get(TOKEN) != self.server.token:
            self._answer(401, "")
        elif self.path != "/latest/meta-data/spot/instance-action" or self.server.notice is None:
            self._answer(404, "")
        else:
            self._answer(200, json.dumps(self.server.notice))

    def _answer(self, status: int, text: str) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture
def service() -> Iterator[StandIn]:
    with StandIn() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_notice_is_read_with_a_token_that_is_renewed(service: StandIn) -> None:
    metadata = Metadata(service.url)
    assert metadata.notice() is None
    service.notice = {"action": "stop", "time": "2026-11-23T08:22:00Z"}
    service.token = "second"
    with pytest.raises(OSError, match="401"):
        metadata.notice()
    assert metadata.notice() == Notice("stop", datetime(2026, 11, 23, 8, 22, tzinfo=UTC))


@pytest.mark.parametrize("notice", [{"action": "stop"}, ["stop"], {"action": 1, "time": "soon"}])
def test_a_notice_that_is_none_is_told_apart(service: StandIn, notice: object) -> None:
    service.notice = notice
    with pytest.raises(ValueError, match=r"none|isoformat"):
        Metadata(service.url).notice()


def test_a_service_that_fails_is_asked_again(
    service: StandIn, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(Raylet, "running", True)
    caplog.set_level("INFO")
    service.broken = True
    looks = iter(range(4))

    def sleep(seconds: float) -> None:
        if next(looks) == 2:
            service.broken = False
            service.take_away_in(120)

    monkeypatch.setattr("sweep.spot.time.sleep", sleep)
    notice = spot.wait_for_notice(Raylet(1, "node", "head"), Metadata(service.url), 5)
    assert notice is not None
    assert notice.action == "terminate"
    assert sum("500" in line for line in caplog.messages) == 1


def test_it_ends_when_there_is_no_raylet(service: StandIn) -> None:
    gone = Raylet(2**22 + 1, "node", "head")
    assert not gone.running
    assert spot.wait_for_notice(gone, Metadata(service.url), 5) is None


def test_it_is_small() -> None:
    loaded = (
        "import sys, sweep.spot; print([m for m in ('torch', 'ray', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", loaded], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def wait_for(what: Callable[[], bool], seconds: float = 150) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.2)


class Machines:
    """A head and nodes of one core each, every one of them with processes of its own."""

    def __init__(self, folder: Path) -> None:
        self.environment = os.environ | {"RAY_AUTH_MODE": "token", "HOME": str(folder)}
        self.environment["RAY_AUTH_TOKEN_PATH"] = str(folder / "token")
        (folder / "token").write_text("a token of the tests")
        common = [sys.executable, "-m", "ray.scripts.scripts", "start", "--num-cpus=1"]
        self.common = [*common, "--object-store-memory=80000000", "--include-log-monitor=false"]
        self.folder = folder
        self.address = ""

    def start(self, *options: str) -> Raylet:
        before = {raylet.node for raylet in spot.raylets()}
        subprocess.run(
            [*self.common, *options],
            env=self.environment,
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        (raylet,) = (
            raylet
            for raylet in spot.raylets()
            if raylet.node not in before
            and f"{self.folder}" in str(psutil.Process(raylet.pid).environ())
        )
        return raylet


@pytest.fixture
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    import tempfile

    with tempfile.TemporaryDirectory(dir="/tmp", prefix="s-", ignore_cleanup_errors=True) as folder:
        yield Machines(Path(folder))
        ours = [
            process
            for process in psutil.process_iter()
            if process.pid != os.getpid() and _home_of(process) == folder
        ]
        for process in ours:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(ours, 10)


def _home_of(process: psutil.Process) -> str:
    with suppress(psutil.Error):
        return str(process.environ().get("HOME"))
    return ""


DEATHS = (
    "import ray; ray.init({!r}); print([n['DeathReason'] for n in ray.nodes() if not n['Alive']])"
)
PREEMPTED = 3
"""Ray's number of the reason for which it blames nobody."""


def deaths(machines: Machines) -> list[int]:
    """Why nodes that are gone are gone, by what the cluster knows."""
    command = [sys.executable, "-c", DEATHS.format(machines.address)]
    done = subprocess.run(
        command, env=machines.environment, capture_output=True, text=True, check=True
    )
    reasons: list[int] = json.loads(done.stdout)
    return reasons


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.parametrize("loss", ["notice", "shutdown"])
def test_a_sweep_goes_on_elsewhere_when_a_spot_node_is_taken(
    machines: Machines, service: StandIn, tiny: dict[str, Any], tmp_path: Path, loss: str
) -> None:
    tiny["corpus"] = {"reader": "sample", "train": 400, "dev": 60, "test": 60}
    tiny["grid"] = {"loss": ["soft_macro_f1", "bce"], "batch_size": [4], "seed": [0, 1, 2]}
    tiny["train"] = {"epochs": 12}
    experiment = tmp_path / "tiny.yaml"
    experiment.write_text(yaml.safe_dump(tiny))
    head = machines.start(
        "--head", "--port=0", "--include-dashboard=false", f"--temp-dir={machines.folder}/ray"
    )
    machines.address = head.cluster
    node = machines.start(f"--address={head.cluster}")
    log = (tmp_path / "log").open("w+")
    options = ["--metadata", service.url, "--every", "0.5", "--raylet", str(node.pid)]
    watcher = subprocess.Popen(
        [sys.executable, "-m", "sweep.spot", *options],
        env=machines.environment,
        stdout=log,
        stderr=log,
    )
    places = ["--address", head.cluster, "--out", str(tmp_path / "run")]
    places += ["--cache", str(tmp_path / "cache")]
    driver = subprocess.Popen(
        [sys.executable, "-P", "-m", "sweep.cli", "run", str(experiment), *places],
        env=machines.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for(lambda: bool(list((tmp_path / "run" / "arms").glob("*.parquet"))))
    if loss == "notice":
        service.take_away_in(spot.MARGIN + 6)
    else:  # what the system does to a node of which nobody took notice
        os.kill(node.pid, signal.SIGTERM)
    assert watcher.wait(60) == 0
    log.seek(0)
    said = log.read()
    log.close()
    assert ("drained as preempted" in said) == (loss == "notice"), said
    assert not node.running
    _, err = driver.communicate(timeout=120)
    assert driver.returncode == 0, err
    assert sorted(recorded(tmp_path / "run").values()) == ["ok"] * 6
    assert "failed" not in err
    wait_for(lambda: bool(deaths(machines)))  # the cluster takes its time to notice
    (reason,) = deaths(machines)
    assert (reason == PREEMPTED) == (loss == "notice")
