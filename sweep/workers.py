"""Where arms are trained, and how cores, GPUs and stacks are shared out among trials.

No torch here: planning shares out this machine without it.
"""

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sweep.errors import ExperimentError

EXECUTORS = ("ray", "inline")
DEVICES = ("auto", "cpu", "cuda", "mps")

GPU_WIDTH = 64
"""Most arms of a stack on a GPU: one arm's steps leave it waiting for launches; where memory is
short, trials narrow their stacks by themselves."""

CPU_WIDTH = 1
"""Most arms of a stack on a CPU: one arm keeps a core busy, a stack saves 2 to 15% (measured), and
alone an arm's last bits do not depend on how many others were to do."""

MOST_THREADS = 8
"""Threads of a trial by default, at most: an arm's products are too small to feed more."""

STALL_AFTER = 300.0
"""Seconds without a step after which a trial counts as hung by default."""

PORT = 6379
"""Where the head of a cluster listens, unless it was told otherwise."""

CPU_QUOTA = Path("/sys/fs/cgroup/cpu.max")
"""Where Linux says how much of its processors a container may use."""


@dataclass(frozen=True)
class Workers:
    """Where and on what arms are trained.

    Attributes:
        executor: `ray` or `inline`.
        address: of a running Ray cluster; a local one is started otherwise.
        device: `cpu`, `cuda`, `mps`, or `auto` (a CUDA GPU where there is one, else the CPU).
        trials_per_gpu: trials that share a GPU.
        width: most arms of a stack; `GPU_WIDTH` or `CPU_WIDTH` by default.
        threads: of each trial; by default as many as leave no core idle, see `allot`.
        stall_after: seconds without a step after which a trial on Ray counts as hung and its
            process is ended; 0 for never.
        slots: trials at once to reckon with, where a cluster will have more than it has.

    Raises:
        ExperimentError: there is no such executor or device, the address is none, or a number is
            too low.
    """

    executor: str = "ray"
    address: str | None = None
    device: str = "auto"
    trials_per_gpu: int = 1
    width: int | None = None
    threads: int | None = None
    stall_after: float = STALL_AFTER
    slots: int | None = None

    def __post_init__(self) -> None:
        _one_of("--executor", self.executor, EXECUTORS)
        _one_of("--device", self.device, DEVICES)
        if self.address is not None:
            full_address(self.address, f"--address {self.address}")
        _at_least_1("--trials-per-gpu", self.trials_per_gpu)
        _at_least_1("--width", self.width)
        _at_least_1("--threads", self.threads)
        _at_least_1("--slots", self.slots)
        if not 0 <= self.stall_after < float("inf"):
            raise ExperimentError(f"--stall-after {self.stall_after:g}: expected 0 or more seconds")


def _one_of(option: str, value: str, allowed: Iterable[str]) -> None:
    if value not in allowed:
        raise ExperimentError(f"{option} {value}: expected one of {', '.join(allowed)}")


def _at_least_1(option: str, value: int | None) -> None:
    if value is not None and value < 1:
        raise ExperimentError(f"{option} {value}: expected at least 1")


def full_address(asked: str, option: str) -> str:
    """The address of a cluster as Ray wants it: `auto` or `HOST:PORT`.

    Args:
        asked: `auto`, `HOST` or `HOST:PORT`.
        option: how it was given, for messages.

    Raises:
        ExperimentError: it is none of these.
    """
    if "://" in asked:
        raise ExperimentError(
            f"{option}: expected auto, HOST or HOST:PORT; a sweep would not outlive a connection "
            "of another kind: give --address auto on a machine of the cluster, or use softsweep "
            "submit"
        )
    if asked == "auto":
        return asked
    host, _, port = asked.partition(":")
    if not host or (port and not (port.isdecimal() and 0 < int(port) < 65536)):
        raise ExperimentError(f"{option}: expected auto, HOST or HOST:PORT")
    return f"{host}:{port or PORT}"


@dataclass(frozen=True)
class Node:
    """What one machine has for trials."""

    cores: int
    gpus: int = 0


@dataclass(frozen=True)
class Allotment:
    """How trials are run.

    Attributes:
        device: on which they train.
        width: most arms of a stack.
        threads: of each trial.
        slots: trials that run at once.
        stall_after: seconds without a step after which a trial counts as hung; 0 for never.
    """

    device: str
    width: int
    threads: int
    slots: int
    stall_after: float = 0.0


def allot(workers: Workers, device: str, nodes: Sequence[Node], wanted: int) -> Allotment:
    """Share cores and GPUs out so that none idles and none is asked for twice.

    The number of threads can change an arm's last bits, so it depends on the machines and the arms
    *wanted*, not on those that are still to do nor on the executor: a resumed run keeps it.

    Args:
        workers: what the user asked for.
        device: `cpu`, `cuda` or `mps`.
        nodes: the machines; the smallest decides the threads of all.
        wanted: arms that the experiment wants.
    """
    if device == "cpu":
        threads = workers.threads or _threads(nodes, lambda node: wanted)
        slots = sum(node.cores // threads for node in nodes)
    else:
        nodes = [node for node in nodes if node.gpus]
        share = workers.trials_per_gpu
        threads = workers.threads or _threads(nodes, lambda node: node.gpus * share)
        slots = sum(node.gpus * share for node in nodes)
    width = workers.width or (CPU_WIDTH if device == "cpu" else GPU_WIDTH)
    # A cluster that starts its machines when asked has none yet, and inline is one trial at a time.
    inline = workers.executor == "inline"
    slots = 1 if inline else workers.slots or max(slots, 1)
    # To end a hung trial is to end its process, which inline is the user's own.
    return Allotment(device, width, threads, slots, 0.0 if inline else workers.stall_after)


def _threads(nodes: Sequence[Node], trials: Callable[[Node], int]) -> int:
    """Threads of a trial where so many share each of these machines."""
    fair = (node.cores // max(trials(node), 1) for node in nodes)
    return min(max(min(fair, default=1), 1), MOST_THREADS)


def local_cores() -> int:
    """Cores that this process may use; a container's quota counts."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    try:
        quota, period = CPU_QUOTA.read_text().split()
        cores = min(cores or 1, int(quota) // int(period))
    except (OSError, ValueError):  # not Linux, or "max": no quota
        pass
    return max(cores or 1, 1)
