"""How busy trial slots are: the share of wall-clock time in which they train.

The `sample` experiment at its full size is swept by `softsweep run` on Ray, as a user does, on

* one host: the Ray that the command starts, a slot a core;
* two hosts: two raylets of a core each, processes of their own on this machine, `--address`;
* with `--address` given to the benchmark, that cluster instead, whatever it has.

What trained when is in the recorded arms: `seconds` each, and when it `finished`. Of s slots,

    busy = sum of seconds / (s * (last end - first start))

The same from the moment the command is typed takes in what comes before the first trial: imports,
Ray's start. Tables, which the command makes at the end, are apart. Seconds of a worker's first arm
include the import of torch there.
"""

import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.children import fresh
from benchmarks.measure import Row

CORES = 2
LIMIT = 0.9
"""Share of the time in which slots of one host are to train."""

TITLE = f"Busy trial slots: share of the wall-clock time in which they train (limit {LIMIT})"

SEEDS = {True: 1, False: 4}
"""Seeds of the experiment, by `quick`: ten arms each."""


@dataclass(frozen=True)
class Spent:
    """When the arms of a sweep were trained, in seconds since the command was typed.

    Attributes:
        trained: begin and end of each arm.
        ended: when the command ended.
    """

    trained: Sequence[tuple[float, float]]
    ended: float

    def busy(self, slots: int, since: float | None = None) -> float:
        """Share of the slots' time in which arms were trained, from the first arm's start or so."""
        first = min(begin for begin, _ in self.trained) if since is None else since
        last = max(end for _, end in self.trained)
        return sum(end - begin for begin, end in self.trained) / (slots * (last - first))

    def idle(self, slots: int) -> float:
        """Seconds of a slot's time beside each arm's training."""
        return (1 / self.busy(slots) - 1) * sum(b - a for a, b in self.trained) / len(self.trained)


def rows(quick: bool, address: str | None = None) -> Iterator[Row]:
    """Shares of one host, and of two or of the cluster at an address."""
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder) / "cache"
        command("features", cache)
        if address is None:
            run = Path(folder) / "one"
            yield from _rows("one host", CORES, sweep(run, cache, SEEDS[quick]), LIMIT)
            with two_nodes() as address:
                run = Path(folder) / "two"
                yield from _rows("two hosts", CORES, sweep(run, cache, SEEDS[quick], address), None)
        else:
            slots = fresh(cores_of, address)
            spent = sweep(Path(folder) / "there", cache, SEEDS[quick], address)
            yield from _rows(f"cluster of {slots} cores", slots, spent, None)


def _rows(where: str, slots: int, spent: Spent, limit: float | None) -> Iterator[Row]:
    case = f"{where}, {len(spent.trained)} arms"
    share = spent.busy(slots)
    ratio = share / limit if limit else None
    note = "peer: the limit; ratio above 1 keeps it" if limit else "no limit: hosts share the cores"
    yield Row(f"{case}, first start to last end", share, limit, "", ratio, note)
    yield Row(f"{case}, command typed to last end", spent.busy(slots, 0.0), None, "", None)
    first, last = min(a for a, _ in spent.trained), max(b for _, b in spent.trained)
    yield Row(f"{case}, until the first starts", first, None, "s", None)
    yield Row(f"{case}, idle beside each arm", spent.idle(slots), None, "s", None)
    yield Row(f"{case}, tables and the end", spent.ended - last, None, "s", None)


def command(name: str, cache: Path, *options: object) -> None:
    """One of softsweep's commands, in a process of its own."""
    line = [sys.executable, "-m", "sweep.cli", name, "sample", "--cache", str(cache)]
    done = subprocess.run([*line, *map(str, options)], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr)


def sweep(run: Path, cache: Path, seeds: int, address: str | None = None) -> Spent:
    """Run the experiment, and see when its arms were trained."""
    from results import open_run

    options = ["--out", run, "--device", "cpu", "--set", f"grid.seed={list(range(seeds))}"]
    options += ["--address", address] if address else []
    began = time.time()
    command("run", cache, *options)
    ended = time.time() - began
    arms = open_run(run).arms
    assert set(arms["status"]) == {"ok"}
    ends = [moment.timestamp() - began for moment in arms["finished"]]
    return Spent([(end - s, end) for end, s in zip(ends, arms["seconds"], strict=True)], ended)


@contextmanager
def two_nodes() -> Iterator[str]:
    """Two raylets of a core each, with a token that nobody else has; the address of the first."""
    with tempfile.TemporaryDirectory(prefix="slots-", dir="/tmp") as folder:
        os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
        script = (
            "import sys\nfrom ray.cluster_utils import Cluster\n"
            "cluster = Cluster()\n"
            f"cluster.add_node(num_cpus=1, include_dashboard=False, temp_dir={folder!r})\n"
            "cluster.add_node(num_cpus=1)\ncluster.wait_for_nodes()\n"
            "print(cluster.address, flush=True)\nsys.stdin.read()\ncluster.shutdown()\n"
        )
        line = [sys.executable, "-c", script]
        pipe, nowhere = subprocess.PIPE, subprocess.DEVNULL
        held = subprocess.Popen(line, stdin=pipe, stdout=pipe, stderr=nowhere, text=True)
        assert held.stdin is not None
        assert held.stdout is not None
        try:
            while ":" not in (address := held.stdout.readline().strip()):
                if held.poll() is not None:
                    raise RuntimeError("no cluster started")
            yield address
        finally:
            held.stdin.close()
            held.wait()
            del os.environ["RAY_AUTH_MODE"], os.environ["RAY_AUTH_TOKEN"]


def cores_of(address: str) -> int:
    """Cores of a cluster."""
    import ray

    ray.init(address, log_to_driver=False)
    return int(ray.cluster_resources()["CPU"])  # type: ignore[no-untyped-call]
