"""What is said where no cluster can be joined; no cluster is needed."""

import socket
from pathlib import Path

import pytest

from sweep.devices import cluster_device
from sweep.errors import ExperimentError
from sweep.executors import ray  # noqa: F401  (it says how before it imports ray)
from sweep.executors.cluster import _fits, _summed, gpus_to_come
from sweep.executors.connection import join, start
from sweep.workers import Node, Workers, allot


@pytest.fixture
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_AUTH_TOKEN", "t" * 40)


@pytest.mark.usefixtures("token")
def test_nobody_there() -> None:
    with socket.socket() as bound:  # bound, but it does not listen
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        with pytest.raises(ExperimentError, match=f"no Ray cluster answers at 127.0.0.1:{port}"):
            join(f"127.0.0.1:{port}", "--address")


@pytest.mark.usefixtures("token")
def test_no_such_machine() -> None:
    with pytest.raises(ExperimentError, match=r"there is no machine called nobody\.invalid"):
        join("nobody.invalid", "--address")


def test_without_a_token_it_is_said_where_it_comes_from(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.delenv("RAY_AUTH_TOKEN", raising=False)
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "token"))
    with pytest.raises(ExperimentError, match=r"no token of the cluster: copy ~/.ray/auth_token"):
        join("auto", "--address auto")


CONFIG = """
head_node_type: head
available_node_types:
  head: {resources: {CPU: 0}}
  worker: {resources: {CPU: 8, GPU: 1}, max_workers: 4}
"""


@pytest.mark.parametrize(
    ("config", "found"),
    [
        (CONFIG, True),
        (CONFIG.replace("GPU: 1", "GPU: 0"), False),
        (CONFIG.replace("{CPU: 8, GPU: 1}", "{}"), None),
        (CONFIG.replace("{CPU: 8, GPU: 1}", ""), None),
        ("head_node_type: head\navailable_node_types: {head: , worker: }", None),
        ("available_node_types:", None),
        ("provider: {type: local}", None),
        ("{", False),
        (None, False),
    ],
)
def test_what_a_cluster_will_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, config: str | None, found: bool | None
) -> None:
    path = tmp_path / "config.yaml"
    monkeypatch.setattr("sweep.executors.cluster.LAUNCHED", path)
    if config is not None:
        path.write_text(config)
    assert gpus_to_come() is found


HAS_ONE, HAS_GPU = {"cpu": 1, "gpu": 0}, {"cpu": 8, "gpu": 1}


def test_machines_that_have_the_same_are_listed_once() -> None:
    assert _summed([HAS_ONE, HAS_GPU, HAS_ONE, {"cpu": 0, "gpu": 0}]) == (
        "2 machines with 1 core; 1 machine with 8 cores and 1 GPU"
    )
    assert _summed([]) == "none with cores"


def test_what_a_machine_has() -> None:
    assert _fits({"cpu": 1, "gpu": 0.5}, HAS_GPU)
    assert not _fits({"cpu": 1, "gpu": 0.5}, HAS_ONE)


def test_ray_that_does_not_start_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.delenv("RAY_AUTH_TOKEN", raising=False)
    monkeypatch.delenv("RAY_AUTH_TOKEN_PATH", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "file"))
    with pytest.raises(ExperimentError, match=r"^Ray does not start on this machine \("):
        start()


def test_the_device_of_a_cluster() -> None:
    assert cluster_device("auto", there=True, to_come=False) == "cuda"
    assert cluster_device("auto", there=False, to_come=True) == "cuda"
    assert cluster_device("auto", there=False, to_come=None) == "cpu"
    assert cluster_device("cuda", there=False, to_come=None) == "cuda"
    with pytest.raises(ExperimentError, match="--device cuda: no machine of the cluster has a GPU"):
        cluster_device("cuda", there=False, to_come=False)


def test_slots_to_come_are_reckoned_with() -> None:
    assert allot(Workers(slots=8), "cuda", [], 10).slots == 8
    assert allot(Workers(slots=8), "cpu", [Node(2)], 10).slots == 8
    assert allot(Workers("inline", slots=8), "cpu", [Node(2)], 10).slots == 1
    with pytest.raises(ExperimentError, match="--slots 0: expected at least 1"):
        Workers(slots=0)
