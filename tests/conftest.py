"""What all tests share."""

import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

KEYS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


# Tests that a shell starts in the background are deaf to Ctrl-C, and so is what they start.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def undrawn(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave figures undrawn in tests that are not marked `figures`: they take most of a tiny run.

    Only within this process: commands that tests run in processes of their own draw them.
    """
    if "results.aggregation" in sys.modules and not request.node.get_closest_marker("figures"):
        monkeypatch.setattr("results.aggregation.all_figures", lambda findings: [])


@pytest.fixture(scope="session")
def object_store() -> Iterator[int]:
    """An S3-compatible server of this machine with a bucket `bucket`; yields its port."""
    import boto3

    port = free_port()
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    until = time.monotonic() + 60
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        assert server.poll() is None, "the server ended"
        assert time.monotonic() < until, "the server does not answer"
        time.sleep(0.05)
    boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{port}",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        region_name="us-east-1",
    ).create_bucket(Bucket="bucket")
    yield port
    server.terminate()
    server.wait()


@pytest.fixture
def s3(object_store: int, monkeypatch: pytest.MonkeyPatch) -> str:
    """What to put behind a URI of `s3://bucket/`; credentials are in the environment."""
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    return f"?endpoint_override=127.0.0.1:{object_store}&scheme=http"


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


class Forwarder:
    """Passes connections on to a server of this machine, and refuses them while it is told to.

    Args:
        target: port of the server.
    """

    def __init__(self, target: int) -> None:
        self.target = target
        self.port = free_port()
        self._open: list[socket.socket] = []
        self._listener: socket.socket | None = None
        self.pass_on()

    def pass_on(self) -> None:
        """Take connections, from now on."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._serve, args=(self._listener,), daemon=True).start()

    def refuse(self) -> None:
        """Cut all connections and take no more."""
        if self._listener:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        for end in self._open:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        self._open.clear()

    def _serve(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
                server = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                return
            self._open += [client, server]
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=_pump, args=(source, sink), daemon=True).start()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while block := source.recv(1 << 16):
            sink.sendall(block)
        sink.shutdown(socket.SHUT_WR)


@pytest.fixture
def forwarder(object_store: int, s3: str) -> Iterator[Forwarder]:
    """Stands before the server of `object_store`; what it is asked for goes through it."""
    before = Forwarder(object_store)
    yield before
    before.refuse()
