"""Cores and GPUs are shared out so that none idles, and alike wherever and whenever one runs."""

import sys
from pathlib import Path

import pytest

from sweep import workers as rules
from sweep.devices import local_device
from sweep.errors import ExperimentError
from sweep.workers import (
    CPU_WIDTH,
    GPU_WIDTH,
    MOST_THREADS,
    STALL_AFTER,
    Allotment,
    Node,
    Workers,
    allot,
    full_address,
    local_cores,
)

SIXTEEN = [Node(16)]


@pytest.mark.parametrize(("wanted", "threads"), [(100, 1), (16, 1), (8, 2), (5, 3), (1, 8)])
def test_few_arms_get_several_threads_and_no_core_is_asked_for_twice(
    wanted: int, threads: int
) -> None:
    found = allot(Workers(), "cpu", SIXTEEN, wanted)
    assert found == Allotment("cpu", CPU_WIDTH, threads, 16 // threads, STALL_AFTER)
    assert threads <= MOST_THREADS


def test_inline_trains_one_trial_at_a_time_with_the_threads_of_ray() -> None:
    inline = allot(Workers("inline"), "cpu", SIXTEEN, 5)
    assert inline == Allotment("cpu", CPU_WIDTH, 3, 1)


def test_the_smallest_machine_decides_the_threads_and_every_machine_has_its_slots() -> None:
    found = allot(Workers(), "cpu", [Node(16), Node(6)], 3)
    assert (found.threads, found.slots) == (2, 8 + 3)


def test_gpus_are_slots_and_share_the_cores_of_their_machine() -> None:
    nodes = [Node(16, 2), Node(64, 4), Node(2)]
    found = allot(Workers(trials_per_gpu=2), "cuda", nodes, 1000)
    assert found == Allotment("cuda", GPU_WIDTH, 4, 12, STALL_AFTER)


def test_what_the_user_asks_for_holds() -> None:
    found = allot(Workers(width=7, threads=5), "cpu", SIXTEEN, 1000)
    assert found == Allotment("cpu", 7, 5, 3, STALL_AFTER)
    assert allot(Workers(threads=32), "cpu", SIXTEEN, 1000).slots == 1


@pytest.mark.parametrize("nodes", [[], [Node(4)]])
def test_a_cluster_that_has_no_gpu_yet_has_a_slot(nodes: list[Node]) -> None:
    assert allot(Workers(), "cuda", nodes, 10) == Allotment("cuda", GPU_WIDTH, 1, 1, STALL_AFTER)


def test_a_container_s_quota_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    quota = tmp_path / "cpu.max"
    monkeypatch.setattr(rules, "CPU_QUOTA", quota)
    all_cores = local_cores()
    assert all_cores >= 1
    quota.write_text("max 100000\n")
    assert local_cores() == all_cores
    quota.write_text("100000 100000\n")
    assert local_cores() == 1
    quota.write_text("50000 100000\n")
    assert local_cores() == 1


def test_a_device_that_is_not_there_is_named() -> None:
    assert local_device("cpu") == "cpu"
    assert local_device("auto") in ("cpu", "cuda")
    if sys.platform == "darwin":
        pytest.skip("this may be a machine with MPS")
    with pytest.raises(ExperimentError, match="--device mps: no MPS device is usable here"):
        local_device("mps")


@pytest.mark.parametrize(
    ("asked", "address"),
    [("auto", "auto"), ("head", "head:6379"), ("10.0.0.1:7000", "10.0.0.1:7000")],
)
def test_addresses(asked: str, address: str) -> None:
    assert full_address(asked, "--address") == address


@pytest.mark.parametrize("asked", ["", ":6379", "head:port", "head:0", "::1"])
def test_what_is_no_address(asked: str) -> None:
    with pytest.raises(ExperimentError, match=r"^--address: expected auto, HOST or HOST:PORT$"):
        full_address(asked, "--address")


@pytest.mark.parametrize("asked", ["ray://head:10001", "http://head:8265"])
def test_connections_that_a_sweep_would_not_outlive(asked: str) -> None:
    with pytest.raises(ExperimentError, match=r"^--address X: .* use softsweep submit$"):
        full_address(asked, "--address X")


def test_workers_at_what_is_no_address_are_refused_before_anything_is_done() -> None:
    with pytest.raises(ExperimentError, match=r"^--address head:0: expected auto, HOST or"):
        Workers(address="head:0")
