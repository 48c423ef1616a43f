"""`ray up cluster-owned.yaml` for real: three machines, one of which dies half-way."""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
pytestmark = [pytest.mark.cluster, pytest.mark.timeout(400)]

FILE = "/tmp/cluster-owned.yaml"
RUN = "s3://sweeps/runs/sample"

SETTINGS = (
    "--set languages=[en] --set grid.loss=[soft_macro_f1,bce] --set grid.seed=[0,1,2,3,4,5,6,7] "
    "--set train.epochs=14"
)
"""Of the sample: sixteen arms of some seconds."""


def wait_for(what: Any, seconds: float, why: str) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, f"waited {seconds:g} s in vain: {why}"
        time.sleep(1)


def filled_in(lab: Any) -> str:
    """The committed file as its reader would change it, and each machine as one core."""
    text = (ROOT / "cluster-owned.yaml").read_text(encoding="utf-8")
    workers = [lab.addresses["one"], lab.addresses["two"]]
    storage = f"export SOFTSWEEP_CACHE=s3://sweeps/cache\n    export AWS_ENDPOINT_URL={lab.storage}"
    for pattern, value in {
        r"head_ip: \S+": f"head_ip: {lab.addresses['head']}",
        r"worker_ips: \[.*\]": f"worker_ips: {workers}",
        r"ssh_user: \S+": "ssh_user: root",
        r"ssh_private_key: \S+": "ssh_private_key: ~/.ssh/id_ed25519",
        r"git\+https://\S+@\S+\"": 'git+https://git.example.org/softsweep@v0.1.0"',
        r"export SOFTSWEEP_CACHE=\S+": storage,
    }.items():
        changed = rf"({pattern})(.*# CHANGE.*)$"
        assert len(re.findall(changed, text, re.M)) == 1, pattern
        text = re.sub(changed, rf"{value}\2", text, flags=re.M).replace("# CHANGE", "#", 1)
    assert "# CHANGE" not in text
    text = text.replace("ray start", "ray start --num-cpus=1 --object-store-memory=100000000")
    # Workers wait a minute for a head that is gone, before they end.
    return text.replace("RAY_AUTH_MODE", "RAY_gcs_rpc_server_reconnect_timeout_s=10 RAY_AUTH_MODE")


@pytest.fixture(scope="module")
def cluster(lab: Any) -> Iterator[Any]:
    """The machines after `ray up`."""
    lab.file("laptop", FILE).write_text(filled_in(lab))
    lab.type("ray get-auth-token --generate")
    lab.type(f"ray up -y {FILE}")
    wait_for(lambda: machines(lab) == 3, 120, "workers do not join")
    dashboard = lab.start(f"exec ray dashboard {FILE}")
    yield lab
    dashboard.stop()


def machines(lab: Any) -> int:
    """How many machines the cluster has."""
    said = lab.on("head", "bash -ic 'ray status'", check=False).out
    found = re.search(r"/(\d+)\.0 CPU", said)
    return int(found[1]) if found else 0


def raylets(lab: Any) -> list[str]:
    """The machines that Ray runs on."""
    return [name for name in lab.addresses if not lab.on(name, "pgrep raylet", check=False).status]


def status(lab: Any) -> dict[str, Any]:
    said = lab.type(f"softsweep status {RUN} --format json", check=False).out
    if not said:
        return {}
    tables = json.loads(said)
    return {row["what"]: row["value"] for row in tables.get("status") or tables["rows"]}


JOIN = "import ray; ray.init('auto', log_to_driver=False); print(len(ray.nodes()), 'machines')"
STRANGER = "env -u RAY_AUTH_TOKEN_PATH HOME=/tmp/stranger"


def test_a_stranger_on_the_network_is_refused(cluster: Any) -> None:
    join = f'. ~/softsweep.env; {{}} python -c "{JOIN}"'
    friend = cluster.on("one", join.format(""))
    assert friend.out == "3 machines\n"
    for mode in ("token", "disabled"):
        address = f"RAY_AUTH_MODE={mode} RAY_ADDRESS={cluster.addresses['head']}:6379"
        stranger = cluster.on("one", join.format(f"{STRANGER} {address}"), check=False)
        assert stranger.status
        assert "machines" not in stranger.out


def test_storage_that_is_not_shared_is_one_sentence(cluster: Any) -> None:
    home = "/root/unshared"
    submitted = cluster.type(
        f"softsweep submit sample --out {home}/run --cache {home}/cache {SETTINGS}", check=False
    )
    assert submitted.status == 2
    assert f"{home}/" in submitted.out
    assert "Traceback" not in submitted.out


def test_a_sweep_survives_a_machine_and_records_what_one_machine_would(cluster: Any) -> None:
    driver = cluster.start(f"softsweep submit sample --out {RUN} {SETTINGS}")
    wait_for(lambda: (status(cluster).get("arms recorded") or 0) >= 1, 150, "no arms")
    cluster.on("two", "pkill -9 raylet")
    driver.wait(200)
    assert "two was lost; its trials go on elsewhere" in driver.out
    assert "Table 2" in driver.out
    now = status(cluster)
    assert (now["arms wanted"], now["arms ok"], now["arms to do"]) == (16, 16, 0)
    assert now["phase"] == "done"
    (job,) = re.findall(r"handed in as (\w+)", driver.err)
    assert "had ended before" in cluster.type(f"softsweep submit --stop {job}").err
    assert "Table 2" in cluster.type(f"softsweep tables {RUN}").out

    alone, features = "/tmp/alone", "--cache s3://sweeps/cache"
    one = f"--executor inline --out {alone} {features} {SETTINGS} --set grid.seed=[0]"
    cluster.type(f"softsweep run sample {one}")
    query = 'softsweep query {} "{}" --format csv'
    logits = (
        "SELECT arm, split, epoch, example, logits FROM predictions JOIN arms USING (arm) "
        "WHERE seed = 0 ORDER BY ALL"
    )
    there, here = (cluster.type(query.format(run, logits)).out for run in (RUN, alone))
    assert there.count("\n") > 1000
    assert there == here
    hosts = cluster.type(query.format(RUN, "SELECT DISTINCT host FROM arms")).out
    assert {"head", "one"} <= set(hosts.split())
    wait_for(lambda: machines(cluster) == 3, 120, "the worker does not come back")


def test_what_a_sweep_costs_is_told_beforehand(cluster: Any) -> None:
    cluster.type(f"softsweep features sample {SETTINGS}")
    plan = cluster.type(f"softsweep plan sample --probe --slots 4 {SETTINGS} --set grid.seed=[9]")
    assert "USD" in plan.out


def test_ray_down_leaves_nothing(cluster: Any) -> None:
    assert "3 local.cluster.node" in cluster.type(f"ray exec {FILE} 'ray status'").out
    cluster.type(f"ray down -y {FILE}")
    wait_for(lambda: not raylets(cluster), 90, "Ray goes on running")


def test_every_command_of_the_page_has_been_typed(cluster: Any) -> None:
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    (section,) = re.findall(r"^## On a cluster$(.*?)^## ", page, re.M | re.S)
    typed = [begun.command.removeprefix("exec ") for begun in cluster.begun]
    for line in re.findall(r"^\$ (.*)$", section, re.M):
        command = re.split(r"\s+(?:#|&|>)", line)[0].replace("cluster-owned.yaml", FILE)
        command = command.replace("BUCKET", "sweeps").replace("JOB", "raysubmit_")
        if not command.startswith("pip install"):  # which the Makefile does
            assert any(one.startswith(command) for one in typed), line
