"""Two drivers on one run, as processes: no arm is trained twice, and no part is torn."""

import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml

from results.mirror import direct, local_folder, refresh
from results.parts import cut_off_parts, read_groups
from results.records import recorded
from sweep.lease import CLAIM, read_holder
from sweep.status import read_status

Start = Callable[..., subprocess.Popen[str]]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

LEASE = 4
"""Seconds of a lease in these tests."""


@pytest.fixture
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where the run lies: in a folder, or where a test asks for it in a store."""
    in_store = getattr(request, "param", "folder") == "store"
    return (tmp_path / "store").as_uri() if in_store else str(tmp_path / "run")


@pytest.fixture
def disks() -> Iterator[ExitStack]:
    """Takes the temporaries of machines, which go after the processes that use them."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def start(
    disks: ExitStack,  # before the processes, so that it ends after them
    launch: Start,
    tiny: dict[str, Any],
    cache: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
) -> Start:
    """Starts `softsweep run` on a machine of a name: with its own temporaries and mirrors."""
    tiny["corpus"] = {"reader": "sample", "train": 400, "dev": 60, "test": 60}
    tiny["grid"] = {"loss": ["soft_macro_f1", "bce"], "batch_size": [4], "seed": list(range(3))}
    tiny["train"] = {"epochs": 4}
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(tiny))
    monkeypatch.setenv("SOFTSWEEP_LEASE", str(LEASE))
    temporaries: dict[str, str] = {}

    def run(machine: str, executor: str = "inline") -> subprocess.Popen[str]:
        if machine not in temporaries:
            temporaries[machine] = disks.enter_context(TemporaryDirectory())
        monkeypatch.setenv("TMPDIR", temporaries[machine])
        monkeypatch.setenv("SOFTSWEEP_MIRRORS", f"{temporaries[machine]}/mirrors")
        command = [sys.executable, "-P", "-m", "sweep.cli", "run", str(tmp_path / "tiny.yaml")]
        command += ["--out", place, "--cache", str(cache), "--executor", executor]
        return launch(command, tmp_path)

    return run


@pytest.fixture
def run(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The run as this process sees it."""
    monkeypatch.setenv("SOFTSWEEP_MIRRORS", str(tmp_path / "mirrors"))
    return local_folder(place)


def wait_for(what: Callable[[], bool]) -> None:
    until = time.monotonic() + 120
    while not what():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.1)


def arms_in(run: Path) -> int:
    refresh(run)
    return len(recorded(run))


def driver_of(run: Path) -> int:
    return read_holder(direct(run).read(CLAIM)).pid if run.exists() else 0


def check_once_each(run: Path) -> None:
    """Every arm was trained, and recorded once, in parts that are whole."""
    refresh(run)
    rows = Counter(key for table in read_groups(run, "arms") for key in table["arm"].to_pylist())
    assert len(rows) == 6
    assert set(rows.values()) == {1}
    assert list(recorded(run).values()) == ["ok"] * 6
    assert cut_off_parts(run) == []
    assert driver_of(run) == 0
    told = read_status(run)
    assert told
    assert (told.phase, told.recorded, told.wanted) == ("done", 6, 6)


def test_the_second_says_so_and_waits_or_leaves_and_nothing_is_trained_twice(
    start: Start, run: Path
) -> None:
    first = start("one")
    wait_for(lambda: driver_of(run) == first.pid)
    second, leaving = start("two"), start("three")
    assert leaving.stderr
    assert "is driven by" in leaving.stderr.readline()
    leaving.send_signal(signal.SIGINT)
    leaving.communicate()
    assert leaving.returncode == 130
    _, first_said = first.communicate()
    _, second_said = second.communicate()
    assert (first.returncode, second.returncode) == (0, 0), second_said
    assert "6 arms trained" in first_said
    assert "is driven by" in second_said.splitlines()[0]
    assert f"(pid {first.pid}, since" in second_said
    assert "nothing to train: all 6 arms are recorded" in second_said
    check_once_each(run)


def test_the_second_goes_on_where_the_first_was_killed(start: Start, run: Path) -> None:
    first = start("one")
    wait_for(lambda: driver_of(run) == first.pid)
    second = start("one")
    wait_for(lambda: arms_in(run) >= 1)
    first.kill()
    before = arms_in(run)
    _, said = second.communicate()
    assert second.returncode == 0, said
    assert 1 <= before < 6
    assert "is driven by" in said
    check_once_each(run)


@pytest.mark.parametrize(
    ("place", "executor"),
    [("folder", "inline"), ("store", "inline"), ("folder", "ray")],
    indirect=["place"],
)
def test_one_that_was_stopped_loses_the_run_and_ends(
    start: Start, run: Path, place: str, executor: str
) -> None:
    first = start("one", executor)
    wait_for(lambda: arms_in(run) >= 1)
    first.send_signal(signal.SIGSTOP)
    second = start("two")
    wait_for(lambda: driver_of(run) == second.pid)
    before = arms_in(run)
    wait_for(lambda: arms_in(run) > before)
    first.send_signal(signal.SIGCONT)
    _, said = first.communicate()
    assert first.returncode == 2, said
    assert said.splitlines()[-1].startswith(f"softsweep: {place}: ")
    assert f"(pid {second.pid}) drives this run now, as for 4 s nothing was heard" in said
    _, said = second.communicate()
    assert second.returncode == 0, said
    check_once_each(run)
