"""The machines of a cluster: which there are, which came and went, which are waited for."""

import socket
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import ray
import yaml

from sweep.workers import Node

LOOK_EVERY = 2.0
"""Seconds between two looks at the list of machines."""

WAITING = 10.0
"""Seconds without a running trial after which it is said that no machine has what one asks for."""

WAITING_STILL = 60.0
"""Seconds after which that is said again, and without a running trial after which it is said that
machines are in use: until then processes may be starting."""

ANSWER = 2.0
"""Seconds in which a machine that lives accepts a connection."""

IDLE = 4
"""Ray's number for a machine that was given back because it had nothing to do."""

LAUNCHED = Path("~/ray_bootstrap_config.yaml")
"""What `ray up` leaves on the head of a cluster that starts machines by itself."""


class Cluster:
    """The machines of the cluster that this process has joined.

    Args:
        resources: what a trial asks for.
        shared: whether others may be using them.
    """

    def __init__(self, resources: Mapping[str, float], shared: bool) -> None:
        self.resources = resources
        self.shared = shared
        self._told_at = 0.0
        self._nodes: dict[str, dict[str, Any]] = {}
        self._alive: set[str] = set()
        self._silent: set[str] = set()
        self._idle_since = time.monotonic()
        self._spoke = 0.0
        self._look()
        self._told = self._alive

    def news(self, busy: bool) -> Iterator[str]:
        """Lines on machines that came and went, and on what is waited for.

        Args:
            busy: whether any trial runs.
        """
        now = time.monotonic()
        if now < self._told_at + LOOK_EVERY:
            return
        self._told_at = now
        self._look()
        before, self._told = self._told, self._alive
        for node in sorted(self._alive - before):
            if self._nodes[node]["Resources"].get("CPU"):
                yield f"{self._name(node)} joined"
        for node in sorted(before - self._alive):
            if self._nodes[node].get("DeathReason") != IDLE:
                yield f"{self._name(node)} was lost; its trials go on elsewhere"
        if busy:
            self._idle_since, self._spoke = now, 0.0
        elif now > self._spoke + WAITING_STILL and (line := self._wanting(now - self._idle_since)):
            self._spoke = now
            yield line

    def lost(self, node: str) -> bool:
        """Whether the cluster knows that a machine is gone."""
        if node in self._alive:
            self._look()
        return node in self._nodes and node not in self._alive

    def answers(self, node: str) -> bool:
        """Whether a machine accepts connections: it is gone long before the cluster knows it."""
        if self.lost(node) or node not in self._nodes:
            return False
        at = self._nodes[node]["NodeManagerAddress"], self._nodes[node]["NodeManagerPort"]
        with suppress(OSError), socket.create_connection(at, ANSWER):
            return True
        return False

    def look_for(self, node: str) -> None:
        """Count a machine as lost from now on if it does not answer."""
        if node in self._alive and not self.answers(node):
            self._silent.add(node)
            self._alive.discard(node)

    def host(self, address: str) -> str:
        """The name of the machine at an address; empty where none is known."""
        names = (
            node["NodeManagerHostname"]
            for node in self._nodes.values()
            if node["NodeManagerAddress"] == address
        )
        return next(names, "")

    def _look(self) -> None:
        self._nodes = {node["NodeID"]: node for node in ray.nodes()}  # type: ignore[no-untyped-call]
        alive = {name for name, node in self._nodes.items() if node["Alive"]}
        self._alive = alive - self._silent

    def _name(self, node: str) -> str:
        """The name of a machine, with some of its id where several have that name."""
        host = self._nodes[node]["NodeManagerHostname"]
        same = [other for other in self._nodes.values() if other["NodeManagerHostname"] == host]
        return host if len(same) == 1 else f"{host} ({node[:8]})"

    def _wanting(self, idle: float) -> str:
        """What has been waited for so long, in a line; nothing where there is no need for one."""
        has = [_countable(self._nodes[node]["Resources"]) for node in self._alive]
        asked, machines = _listed(self.resources), _summed(has)
        if not any(_fits(self.resources, one) for one in has):
            said = f"waiting for a machine with {asked}; the cluster has {machines}"
            return said if idle > WAITING else ""
        if self.shared and idle > WAITING_STILL:
            return (
                f"waiting for a machine with {asked} free; the cluster has {machines}: all in use, "
                "perhaps by another job"
            )
        return ""


def _countable(resources: Mapping[str, float]) -> dict[str, float]:
    return {"cpu": resources.get("CPU", 0), "gpu": resources.get("GPU", 0)}


def _fits(asked: Mapping[str, float], has: Mapping[str, float]) -> bool:
    return all(has[kind] >= amount for kind, amount in asked.items())


def _summed(machines: Iterable[Mapping[str, float]]) -> str:
    """Machines in words, those that have the same together; those without cores have nothing."""
    kinds = Counter(_listed(has) for has in machines if has["cpu"])
    said = (f"{n} machine{'s' * (n > 1)} with {kind}" for kind, n in sorted(kinds.items()))
    return "; ".join(said) or "none with cores"


def _listed(resources: Mapping[str, float]) -> str:
    cores, gpus = resources.get("cpu", 0), resources.get("gpu", 0)
    said = f"{cores:g} core{'s' * (cores != 1)}"
    return f"{said} and {gpus:g} GPU{'s' * (gpus > 1)}" if gpus else said


def machines() -> list[Node]:
    """What the living machines of the cluster have for trials; those without cores have nothing."""
    alive: list[dict[str, float]] = [
        node["Resources"]
        for node in ray.nodes()  # type: ignore[no-untyped-call]
        if node["Alive"]
    ]
    nodes = [Node(int(has.get("CPU", 0)), int(has.get("GPU", 0))) for has in alive]
    return [node for node in nodes if node.cores]


def gpus_to_come() -> bool | None:
    """Whether the cluster starts machines with GPUs when asked; None where that is not known.

    Ray tells nobody, but `ray up` leaves its file on the head, where drivers run.
    """
    try:
        config = yaml.safe_load(LAUNCHED.expanduser().read_text())
    except (OSError, yaml.YAMLError):
        return False
    kinds = (config.get("available_node_types") or {}) if isinstance(config, dict) else {}
    others = [kind or {} for name, kind in kinds.items() if name != config.get("head_node_type")]
    if any(
        (kind.get("resources") or {}).get("GPU") and kind.get("max_workers", 1) for kind in others
    ):
        return True
    # Of machines that one owns, nobody has said what they have.
    unknown = not others or any(not kind.get("resources") for kind in others)
    return None if unknown else False
