"""Sweeps on a cluster of several machines (raylets here) that are killed, drained, added."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from results import query
from results.records import recorded

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

KEEPER = """
import sys
from ray.cluster_utils import Cluster

head = {"num_cpus": 0, "include_dashboard": False, "temp_dir": sys.argv[1]}
cluster = Cluster(initialize_head=True, head_node_args=head)
nodes = {}
print(cluster.address, flush=True)
for line in sys.stdin:
    command, _, name = line.strip().partition(" ")
    if command == "add":
        node = cluster.add_node(num_cpus=1)
        nodes[node.node_id] = node
        print(node.node_id, flush=True)
    elif command == "kill":
        cluster.remove_node(nodes.pop(name), allow_graceful=False)
        print("killed", flush=True)
cluster.shutdown()
"""


class Keeper:
    """A cluster: a head without cores, and machines with one core each."""

    def __init__(self, folder: Path) -> None:
        # Beside pytest's folders, whose names are too long for a socket.
        self.scratch = Path(f"/tmp/ss{os.getpid()}-{folder.name}")
        self.token = "k" * 40
        self.environment = {
            **os.environ,
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": self.token,
            "OMP_NUM_THREADS": "1",
        }
        self.process = subprocess.Popen(
            [sys.executable, "-c", KEEPER, str(self.scratch)],
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.address = self._answer()
        self.nodes: list[str] = []

    def _answer(self) -> str:
        assert self.process.stdout
        line = self.process.stdout.readline().strip()
        assert line, "the cluster is gone"
        return line

    def _ask(self, command: str) -> str:
        assert self.process.stdin
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return self._answer()

    def add(self) -> None:
        self.nodes.append(self._ask("add"))

    def kill(self, node: str) -> None:
        """A machine loses its power."""
        self.nodes.remove(node)
        self._ask(f"kill {node}")

    def drain(self, node: str) -> None:
        """A provider announces that it takes a machine back."""
        command = "drain-node --reason DRAIN_NODE_REASON_PREEMPTION --reason-message spot"
        command += f" --deadline-remaining-seconds 60 --address {self.address} --node-id {node}"
        subprocess.run(
            [sys.executable, "-m", "ray.scripts.scripts", *command.split()],
            env=self.environment,
            check=True,
            capture_output=True,
        )

    def close(self) -> None:
        processes = psutil.Process(self.process.pid).children(recursive=True)
        self.process.kill()
        for process in processes:
            if process.is_running():
                process.kill()
        psutil.wait_procs(processes, timeout=10)
        self.process.communicate()
        shutil.rmtree(self.scratch, ignore_errors=True)


@pytest.fixture(scope="module")
def keeper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keeper]:
    keeper = Keeper(tmp_path_factory.mktemp("k"))
    yield keeper
    keeper.close()


@pytest.fixture
def cluster(keeper: Keeper) -> Keeper:
    """It has two machines."""
    while len(keeper.nodes) < 2:
        keeper.add()
    return keeper


Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(launch: Start, tiny: dict[str, Any], cache: Path, tmp_path: Path) -> Start:
    """Starts `softsweep run` on a cluster: ten arms of a second or two."""
    tiny["corpus"] = {"reader": "sample", "train": 400, "dev": 60, "test": 60}
    tiny["grid"] = {"loss": ["soft_macro_f1", "bce"], "batch_size": [4], "seed": list(range(5))}
    tiny["train"] = {"epochs": 4}
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump(tiny))

    def run(cluster: Keeper, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-P", "-m", "sweep.cli", "run", str(path)]
        command += ["--out", str(tmp_path / "run"), "--cache", str(cache)]
        command += ["--address", cluster.address, *arguments]
        return launch(command, tmp_path, cluster.environment | environment)

    return run


def wait_for(driver: subprocess.Popen[str], what: Callable[[], bool], seconds: float = 120) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert driver.poll() is None, driver.communicate()
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.1)


def arms_in(run: Path) -> int:
    return len(list(run.glob("arms/*.parquet")))


def check_whole(driver: subprocess.Popen[str], run: Path) -> str:
    """A driver ends well, and every arm is recorded once."""
    out, err = driver.communicate()
    assert driver.returncode == 0, err
    rows = query(run, "SELECT arm, status FROM arms").to_pylist()
    assert len(rows) == len({row["arm"] for row in rows}) == 10
    assert {row["status"] for row in rows} == {"ok"}
    assert arms_in(run) == 10  # nothing was trained twice
    assert "Table 2" in out
    assert "raylet" not in out + err
    return err


def test_a_machine_is_killed_amid_training_and_another_takes_over(
    cluster: Keeper, start: Start, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    driver = start(cluster)
    wait_for(driver, lambda: arms_in(run) >= 2)
    for node in list(cluster.nodes):
        cluster.kill(node)
    cluster.add()  # which alone can train the rest
    err = check_whole(driver, run)
    assert err.count("was lost; its trials go on elsewhere") >= 1
    assert err.count(" joined") == 1
    assert not (run / ".nodes").exists()


def test_a_machine_that_is_taken_back_with_notice_counts_as_no_failure(
    cluster: Keeper, start: Start, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    driver = start(cluster)
    wait_for(driver, lambda: arms_in(run) >= 2)
    taken = cluster.nodes[0]
    cluster.drain(taken)
    cluster.kill(taken)
    check_whole(driver, run)


def test_a_driver_is_killed_and_another_one_goes_on(
    cluster: Keeper, start: Start, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    driver = start(cluster)
    wait_for(driver, lambda: arms_in(run) >= 3)
    driver.kill()
    driver.communicate()
    before = len(recorded(run))
    other = start(cluster)  # as from another machine: it shares nothing but the storage
    err = check_whole(other, run)
    assert f"{before} were recorded already" in err or before < arms_in(run)


def test_a_loss_that_hangs_is_recorded_as_failed_with_the_place(
    cluster: Keeper, start: Start, tmp_path: Path
) -> None:
    (tmp_path / "hanging.py").write_text(
        "import time\nfrom model import loss\n@loss(label='Hanging')\n"
        "def hanging(z, y):\n    time.sleep(1000)"
    )
    driver = start(
        cluster,
        *("--losses", "hanging.py", "--set", "grid.loss=[bce, hanging]"),
        *("--set", "grid.seed=[0]", "--stall-after", "4"),
    )
    _, err = driver.communicate()
    assert driver.returncode == 1, err
    rows = query(tmp_path / "run", "SELECT loss, status, error FROM arms").to_pylist()
    found = {row["loss"]: (row["status"], row["error"]) for row in rows}
    assert found["bce"] == ("ok", "")
    status, error = found["hanging"]
    assert (status, error.partition(":")[0]) == ("failed", "it hung 2 times")
    assert "hanging.py:5 (hanging)" in error


def test_a_stranger_s_token_is_refused_in_a_sentence(
    cluster: Keeper, start: Start, tmp_path: Path
) -> None:
    driver = start(cluster, RAY_AUTH_TOKEN="s" * 40)
    _, err = driver.communicate()
    assert driver.returncode == 2, err
    sentence = err.splitlines()[-1]
    assert sentence.startswith(f"softsweep: --address {cluster.address}: the cluster does not take")
    assert "gcs_client" not in err


def test_another_version_is_refused_in_a_sentence(cluster: Keeper, start: Start) -> None:
    pretend = (
        "import json, sys, ray\n"
        "from ray.experimental.internal_kv import _internal_kv_get, _internal_kv_put\n"
        "ray.init(sys.argv[1], log_to_driver=False)\n"
        "space = {'namespace': 'cluster'}\n"
        "was = _internal_kv_get('CLUSTER_METADATA', **space)\n"
        "sys.stdout.write(was.decode() + '\\n')\n"
        "new = json.loads(sys.argv[2]) if len(sys.argv) > 2 else {}\n"
        "now = json.dumps(json.loads(was) | new)\n"
        "_internal_kv_put('CLUSTER_METADATA', now, overwrite=True, **space)\n"
    )

    def be(news: dict[str, str]) -> dict[str, str]:
        command = [sys.executable, "-c", pretend, cluster.address, json.dumps(news)]
        environment = cluster.environment | {"RAY_DEFAULT_PYTHON_VERSION_MATCH_LEVEL": "minor"}
        done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
        was: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
        return was

    was = be({"python_version": "3.11.99"})
    try:
        driver = start(cluster)
        _, err = driver.communicate()
    finally:
        be({"python_version": was["python_version"]})
    assert driver.returncode == 2, err
    assert "on Python 3.11.99, this machine Ray" in err.splitlines()[-1]


def test_a_cluster_is_started_anew_and_the_sweep_goes_on(
    start: Start, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    run = tmp_path / "run"
    first = Keeper(tmp_path_factory.mktemp("a"))
    first.add()
    driver = start(first)
    try:
        wait_for(driver, lambda: arms_in(run) >= 2)
    finally:
        first.close()
    _, err = driver.communicate()
    assert driver.returncode == 2, err
    assert err.splitlines()[-1].startswith("softsweep: the cluster is gone")
    second = Keeper(tmp_path_factory.mktemp("b"))
    try:
        second.add()
        check_whole(start(second), run)
    finally:
        second.close()
