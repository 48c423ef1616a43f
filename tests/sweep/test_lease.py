"""The claim to a run: one driver has it, others wait, and it goes on when its driver is gone."""

import io
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from rich.console import Console

import sweep.lease
import sweep.status
from results.errors import RecordError
from results.mirror import Direct, direct, local_folder
from sweep.driving import driving
from sweep.lease import CLAIM, Holder, Lease, LostLeaseError, read_holder, was_killed

SHORT = 0.6
"""Seconds of a lease in these tests."""


@pytest.fixture(params=["folder", "store"])
def run(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run folder, and the mirror of one that lies in a store."""
    monkeypatch.setattr(sweep.lease, "SETTLE", 0.05)
    if request.param == "folder":
        (tmp_path / "run").mkdir()
        return tmp_path / "run"
    monkeypatch.setenv("SOFTSWEEP_MIRRORS", str(tmp_path / "mirrors"))
    return local_folder((tmp_path / "store").as_uri())


def elsewhere(beat: int = 0) -> bytes:
    """A claim of another host."""
    claim = {"token": "0" * 32, "host": "elsewhere", "pid": 1, "since": "", "beat": beat}
    return json.dumps(claim).encode()


@contextmanager
def taken(run: Path) -> Iterator[Lease]:
    lease = Lease(run, duration=SHORT)
    assert lease.take() is None
    try:
        yield lease
    finally:
        lease.release()


def wait_for(what: Callable[[], bool]) -> None:
    until = time.monotonic() + 20
    while not what():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.01)


def test_one_has_it_and_then_the_next_and_nothing_is_left(run: Path) -> None:
    second = Lease(run, duration=SHORT)
    with taken(run) as first:
        holder = second.take()
        assert holder
        assert (holder.token, holder.pid) == (first.holder.token, first.holder.pid)
        assert not was_killed(holder)
    assert second.take() is None
    second.release()
    assert direct(run).names(".driver") == []


def test_it_is_kept_for_longer_than_it_lasts(run: Path) -> None:
    waiting = Lease(run, duration=SHORT)
    with taken(run) as lease:
        wait_for(lambda: waiting.take() is not None and lease.holder.beat > 8)
        lease.check()


def test_a_driver_of_this_machine_that_was_killed_is_followed_at_once(run: Path) -> None:
    code = "import os, sys; from pathlib import Path; from sweep.lease import Lease\n"
    code += "Lease(Path(sys.argv[1])).take(); os._exit(9)"
    subprocess.run([sys.executable, "-c", code, str(run)], check=False)
    left = read_holder(direct(run).read(CLAIM))
    assert left.token
    assert was_killed(left)
    with taken(run):
        assert not was_killed(left)  # what it left is gone


def test_one_elsewhere_is_followed_when_nothing_is_heard_of_it(run: Path) -> None:
    direct(run).write(CLAIM, elsewhere())
    lease = Lease(run, duration=SHORT)
    began = time.monotonic()
    wait_for(lambda: lease.take() is None)
    assert time.monotonic() - began >= SHORT
    lease.release()


def test_one_elsewhere_that_beats_is_not_followed(run: Path) -> None:
    lease = Lease(run, duration=SHORT)
    for beat in range(8):
        direct(run).write(CLAIM, elsewhere(beat))
        holder = lease.take()
        assert holder
        assert holder.host == "elsewhere"
        time.sleep(SHORT / 5)


def test_time_in_which_nothing_could_be_read_does_not_count(run: Path) -> None:
    direct(run).write(CLAIM, elsewhere())
    lease = Lease(run, duration=SHORT)
    for _ in range(3):
        assert lease.take()
        time.sleep(SHORT)  # its driver may have been cut off from the storage, too


def drive_while(run: Path, others: Callable[[], None]) -> None:
    with driving(run, "tiny", Console(quiet=True)) as drive:
        direct(run).delete(".status.json")
        until = time.monotonic() + 20
        while time.monotonic() < until:
            others()
            time.sleep(0.05)
            drive.lease.check()


@pytest.mark.parametrize("claim", [elsewhere(), None, b"{"])
def test_a_driver_whose_run_was_taken_over_ends_with_a_sentence(
    run: Path, monkeypatch: pytest.MonkeyPatch, claim: bytes | None
) -> None:
    monkeypatch.setattr(sweep.lease, "LEASE", SHORT)
    monkeypatch.setattr(sweep.status, "EVERY", 1e9)

    def take_over() -> None:
        files = direct(run)
        files.write(CLAIM, claim) if claim is not None else files.delete(CLAIM)

    with pytest.raises(LostLeaseError, match="this run now, as for") as caught:
        drive_while(run, take_over)
    assert ("elsewhere (pid 1) drives" in str(caught.value)) == (claim == elsewhere())
    assert direct(run).read(CLAIM) == claim  # it is not ours to end
    assert direct(run).read(".status.json") is None  # nor ours to tell of


def test_a_storage_that_fails_for_a_while_is_no_loss(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fails = threading.Event()
    read = Direct.read

    def failing(self: Direct, name: str) -> bytes | None:
        if fails.is_set():
            raise RecordError("the storage fails")
        return read(self, name)

    monkeypatch.setattr(Direct, "read", failing)
    with taken(tmp_path) as lease:
        fails.set()
        time.sleep(2 * SHORT)
        fails.clear()
        beat = lease.holder.beat
        wait_for(lambda: lease.holder.beat > beat)
        lease.check()


def test_two_of_one_process_take_turns(run: Path) -> None:
    turns: list[str] = []

    def turn(name: str) -> None:
        with driving(run, name, Console(quiet=True)):
            turns.append(f"{name} begins")
            time.sleep(0.2)
            turns.append(f"{name} ends")

    threads = [threading.Thread(target=turn, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(turns[:2]) in (["a begins", "a ends"], ["b begins", "b ends"])
    assert len(turns) == 4


def test_who_waits_says_for_whom(tmp_path: Path) -> None:
    out = io.StringIO()

    def second() -> None:
        with driving(tmp_path, "tiny", Console(file=out, width=400)):
            pass

    with driving(tmp_path, "tiny", Console(quiet=True)) as drive:
        drive.status.counted(5, {"ok": 2, "failed": 1})
        thread = threading.Thread(target=second)
        thread.start()
        wait_for(lambda: "goes on" in out.getvalue())
        holder = drive.lease.holder
    thread.join()
    (line,) = out.getvalue().splitlines()
    assert line.startswith(f"{tmp_path} is driven by {holder.host} (pid {holder.pid}, since ")
    assert line.endswith(", 2 of 5 arms recorded): this one waits and goes on when that one ends")


def test_a_run_that_comes_to_nothing_leaves_no_folder(tmp_path: Path) -> None:
    with (
        pytest.raises(RecordError, match="wrong"),
        driving(tmp_path / "run", "tiny", Console(quiet=True)),
    ):
        raise RecordError("wrong")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("token", ["../../etc/passwd", "", "0" * 31])
def test_a_claim_names_no_paths(token: str) -> None:
    import socket

    assert not was_killed(Holder(token, socket.gethostname(), 1))
