"""How a run stands, told by its driver and, of older runs, by its records."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

import sweep.status
from results.records import recorded
from sweep.driver import Outcome
from sweep.driving import driving
from sweep.errors import ExperimentError
from sweep.lease import Lease, LostLeaseError
from sweep.plan import find_features, make_job, make_plan
from sweep.progress import Watcher
from sweep.recording import Ended
from sweep.specs import trial_specs
from sweep.status import STATUS, Running, Sight, Status, read_status
from sweep.trial import Advance
from sweep.workers import Allotment, Node

RunTiny = Callable[..., Outcome]
Command = Callable[..., tuple[int, str, str]]

SIGHT = Sight(
    ended={"ok": 2, "failed": 1},
    running=[Running("BCE en b=16 seed=3", "worker-7", 0.25)],
    pace=120.04,
    left=75.0,
    faults=4,
    failures=["MSE en b=16 seed=0: IndexError: 99"],
)


@pytest.fixture
def stands(softsweep: Command) -> Callable[[Path], dict[str, Any]]:
    """The rows that `status` prints, and under `running` and `failures` those of these tables."""

    def ask(run: Path) -> dict[str, Any]:
        code, out, _ = softsweep("status", run, "--format", "json")
        assert code == 0
        tables = json.loads(out)
        tables = tables if "status" in tables else {"status": tables["rows"]}
        return {row["what"]: row["value"] for row in tables.pop("status")} | tables

    return ask


def test_a_run_under_way(stands: Callable[[Path], dict[str, Any]], tmp_path: Path) -> None:
    with driving(tmp_path, "tiny", Console(quiet=True)) as drive:
        assert stands(tmp_path)["phase"] == "features"
        drive.status.phase("search", "search: batch 1 of 3")
        drive.status.sweep(10, 4, {"ok": 4, "failed": 2}, [Node(4, 1), Node(2)], lambda: SIGHT)
        found = stands(tmp_path)
    assert found.pop("alive").startswith("yes, ")
    assert found.pop("driver").endswith(f", pid {drive.lease.holder.pid}")
    assert found.pop("since").endswith(" UTC")
    assert found == {
        "experiment": "tiny",
        "phase": "search: search: batch 1 of 3",
        "arms wanted": 10,
        "arms recorded": 6,
        "arms ok": 6,
        "arms diverged": 0,
        "arms failed": 1,  # those of before are tried again
        "arms to do": 4,
        "arms an hour": 120.0,
        "time left": "1:15",
        "machines": "2 (6 cores, 1 GPUs)",
        "faults of machines": 4,
        "running": [{"arms": "BCE en b=16 seed=3", "host": "worker-7", "done": "25%"}],
        "failures": [{"arm and error": "MSE en b=16 seed=0: IndexError: 99"}],
    }


def test_one_that_ended(stands: Callable[[Path], dict[str, Any]], run_tiny: RunTiny) -> None:
    run = run_tiny().run
    found = stands(run)
    assert found["phase"] == "done"
    assert "ended" in found
    assert "alive" not in found
    counts = [found[f"arms {what}"] for what in ("wanted", "recorded", "ok", "to do")]
    assert counts == [2, 2, 2, 0]


def test_one_whose_driver_was_stopped_or_failed(tmp_path: Path) -> None:
    (tmp_path / "experiment.yaml").touch()
    for error, ended in (
        (KeyboardInterrupt(), ("stopped", "")),
        (ExperimentError("no such\nthing"), ("failed", "no such thing")),
        (ZeroDivisionError(), ("failed", "ZeroDivisionError")),
    ):
        with pytest.raises(type(error)), driving(tmp_path, "tiny", Console(quiet=True)):
            raise error
        told = read_status(tmp_path)
        assert told
        assert (told.phase, told.note) == ended


def test_one_whose_driver_is_gone(
    stands: Callable[[Path], dict[str, Any]], run_tiny: RunTiny
) -> None:
    run = run_tiny().run
    told = read_status(run)
    assert told
    past = datetime.now(UTC) - timedelta(minutes=3, seconds=2)
    gone = told.model_copy(update={"phase": "training", "beat": past, "wanted": 7, "recorded": 1})
    (run / STATUS).write_text(gone.model_dump_json())
    found = stands(run)
    assert found["alive"].startswith("no sign of life for 3:0")
    assert "run `softsweep run` again to go on" in found["alive"]
    assert (found["arms recorded"], found["arms ok"], found["arms to do"]) == (2, 2, 5)
    assert "time left" not in found


def test_an_older_run_is_known_by_its_records(
    stands: Callable[[Path], dict[str, Any]], run_tiny: RunTiny, tmp_path: Path
) -> None:
    (tmp_path / "bad.py").write_text(
        "from model import loss\n@loss(label='Bad')\ndef bad(z, y):\n    return z[99]"
    )
    run = run_tiny("grid.loss=[bad, bce]", losses=[tmp_path / "bad.py"]).run
    for text in ("", "{", '{"phase": 3}'):
        (run / STATUS).write_text(text)
        found = stands(run)
        assert found["experiment"] == "tiny"
        assert found["arms wanted"] is None
        assert (found["arms recorded"], found["arms ok"], found["arms failed"]) == (1, 1, 1)
        (failure,) = found["failures"]
        assert failure["arm and error"].startswith("Bad en b=16 seed=0: IndexError: index 99")


def test_what_is_no_run_folder(softsweep: Command, tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        status, out, err = softsweep("status", folder)
        assert (status, out) == (2, "")
        assert err.startswith(f"softsweep: {folder}: no such run folder")
    assert list(tmp_path.iterdir()) == []


def test_it_is_written_now_and_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    status = Status(tmp_path, "tiny")
    status.begin()
    first = (tmp_path / STATUS).stat().st_mtime_ns
    status.beat()
    assert (tmp_path / STATUS).stat().st_mtime_ns == first
    monkeypatch.setattr(sweep.status, "EVERY", 0.0)
    status.begin()
    status.beat()
    assert (tmp_path / STATUS).stat().st_mtime_ns > first


def test_a_status_that_cannot_be_written_is_no_reason_to_stop(tmp_path: Path) -> None:
    (tmp_path / STATUS).mkdir()
    Status(tmp_path, "tiny").phase("training")


def test_a_watcher_tells_what_it_sees(
    tiny: dict[str, Any], run_tiny: RunTiny, cache: Path, tmp_path: Path
) -> None:
    run_tiny(out=tmp_path / "other")  # builds the features
    job = make_job(tiny, out=tmp_path / "run", cache=cache)
    specs = trial_specs(make_plan(job, find_features(job)), Allotment("cpu", 1, 1, 1))
    work = {spec.name: 10.0 for spec in specs}
    watcher = Watcher(Console(quiet=True), "tiny", work, len(specs), host="here")
    assert watcher.sight() == Sight({}, [], None, None, 0, [])
    for spec in specs:
        watcher.started(spec)
    watcher.advanced(specs[0], Advance(1.0, True, (Ended(0, "failed", "IndexError: 99"),)))
    watcher.advanced(specs[1], Advance(0.5, False), "worker-7")
    watcher.faulted()
    found = watcher.sight()
    first, second = (spec.arms[0] for spec in specs)
    assert (found.ended, found.faults) == ({"failed": 1}, 1)
    assert found.failures == [f"{first.label} en b=16 seed=0: IndexError: 99"]
    assert found.running == [Running(f"{second.label} en b=16 seed=0", "worker-7", 0.5)]
    assert found.pace
    assert found.left


def test_a_watcher_ends_a_sweep_at_the_next_report(
    run_tiny: RunTiny, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    checks = []

    def check(lease: Lease) -> None:
        checks.append(lease)
        if len(checks) == 2:  # after an epoch of the first arm
            raise LostLeaseError("taken over")

    monkeypatch.setattr(Lease, "check", check)
    with pytest.raises(LostLeaseError, match="taken over"):
        run_tiny()
    assert len(recorded(tmp_path / "run")) == 0
