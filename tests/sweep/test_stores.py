"""Runs, feature caches and data in an object store give what they give on a disk."""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from rich.console import Console

from features.content import damage
from results import RecordError, open_run, query
from results.errors import RecordWarning
from results.mirror import local_folder
from results.records import recorded
from results.stores import Store
from sweep import driver
from sweep.cachestore import entry_at_home
from sweep.driver import Outcome
from sweep.errors import ExperimentError
from sweep.home import at_home
from sweep.plan import find_features, make_job, make_plan
from sweep.recording import recorded_chunk
from sweep.specs import TrialSpec, trial_specs
from sweep.trial import Trial
from sweep.workers import Allotment, Workers

RunTiny = Callable[..., Outcome]
Command = Callable[..., tuple[int, str, str]]

LOGITS = "SELECT arm, split, epoch, example, logits FROM predictions ORDER BY ALL"
ONE_EACH = Workers("inline", width=1)


@pytest.fixture(autouse=True)
def _mirrors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine's mirrors; claims to a run are settled at once, for here nobody competes."""
    monkeypatch.setenv("SOFTSWEEP_MIRRORS", str(tmp_path / "mirrors"))
    monkeypatch.setattr("sweep.lease.SETTLE", 0.05)
    monkeypatch.setattr("sweep.lease.LEASE", 3.0)


@pytest.fixture
def another_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Go on as on a machine that has no mirrors yet."""

    def move() -> None:
        monkeypatch.setenv("SOFTSWEEP_MIRRORS", str(tmp_path / uuid.uuid4().hex))

    return move


@pytest.fixture
def place(s3: str) -> Callable[[str], str]:
    """A URI in the bucket that no other test uses."""
    folder = uuid.uuid4().hex[:8]
    return lambda name: f"s3://bucket/{folder}/{name}{s3}"


@pytest.fixture
def file_place(tmp_path: Path) -> Callable[[str], str]:
    """The URI of a folder that stands for a store."""
    return lambda name: f"file://{tmp_path}/store/{name}"


@pytest.fixture
def tiny_file(tiny: dict[str, Any], tmp_path: Path) -> Path:
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump(tiny))
    return path


def kinds_of(names: set[str]) -> list[str]:
    """Names without those that trials make up."""
    return sorted(re.sub(r"^(arms|epochs|predictions)/.*", r"\1", name) for name in names)


def test_a_sweep_in_a_store_is_the_sweep_on_a_disk(
    run_tiny: RunTiny, place: Callable[[str], str], another_machine: Callable[[], None]
) -> None:
    here = run_tiny(keep_weights=True).run
    run, cache = place("run"), place("cache")
    there = run_tiny(out=run, cache=cache, keep_weights=True)
    assert (there.wanted, there.tried, there.failed) == (2, 2, 0)
    another_machine()
    rows = query(run, LOGITS)
    assert len(rows) > 0
    assert rows.equals(query(here, LOGITS))
    on_disk = {p.relative_to(here).as_posix() for p in here.rglob("*") if p.is_file()}
    shown = {name for name in on_disk if not name.startswith(".")}
    in_store = {name for name in Store(run).list() if not name.startswith(".")}
    assert kinds_of(in_store) == kinds_of(shown)
    another_machine()  # neither run nor features are there
    again = run_tiny(out=run, cache=cache, keep_weights=True)
    assert (again.wanted, again.tried, again.weightless) == (2, 0, 0)


def test_every_command_takes_the_uri_of_a_run(
    run_tiny: RunTiny,
    softsweep: Command,
    tiny_file: Path,
    place: Callable[[str], str],
    another_machine: Callable[[], None],
    tmp_path: Path,
) -> None:
    run, cache = place("run"), place("cache")
    run_tiny(out=run, cache=cache, keep_weights=True)
    another_machine()
    status, out, _ = softsweep("query", run, "SELECT count(*) AS arms FROM arms", "--format", "csv")
    assert (status, out) == (0, "arms\n2\n")
    another_machine()
    assert softsweep("leaderboard", run, "--metric", "acc")[0] == 0
    another_machine()
    status, out, err = softsweep("plan", tiny_file, "--out", run)
    assert status == 0, err
    assert f"2 arms wanted, 2 recorded, 0 to do; run folder {run}" in out
    another_machine()
    status, out, err = softsweep("plan", run)
    assert status == 0, err
    assert f"0 to do; run folder {run}" in out
    another_machine()
    status, out, err = softsweep("tables", run)
    assert status == 0, err
    assert f"tables and report.html are in {run}/tables" in err
    assert str(tmp_path) not in out + err
    merged = place("merged")
    assert softsweep("tables", run, run, "--out", merged)[0] == 0
    assert len(Store(merged).list("weights")) == 2
    another_machine()
    assert query(merged, LOGITS).equals(query(run, LOGITS))
    assert not (local_folder(run) / "weights").exists()
    (tmp_path / "new.txt").write_text("what a joy\n")
    status, _, err = softsweep("predict", run, "bce", tmp_path / "new.txt", "--cache", cache)
    assert status == 0, err
    assert len(list((local_folder(run) / "weights").iterdir())) == 1
    predictions = tmp_path / "other.csv"
    examples = open_run(run).examples.query("split == 'test'")
    labels = open_run(run).facts["sample", "en"]["label_names"]
    lines = [f"{one},{','.join('0.5' for _ in labels)}" for one in examples["id"]]
    predictions.write_text("\n".join([f"id,{','.join(labels)}", *lines]))
    status, _, err = softsweep("import", run, predictions, "--name", "other")
    assert status == 0, err
    another_machine()
    assert len(recorded(local_folder(run))) == 3


def test_many_parts_are_merged_in_the_store(
    run_tiny: RunTiny,
    file_place: Callable[[str], str],
    another_machine: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(driver, "MERGE_FROM", 3)
    grid, run = "grid.seed=[0, 1]", file_place("run")
    run_tiny(grid, out=run, workers=ONE_EACH)
    parts = [name for name in Store(run).list() if name.startswith(("arms/", "epochs/"))]
    assert [re.sub("-.*", "", name) for name in sorted(parts)] == ["arms/merged", "epochs/merged"]
    another_machine()
    assert len(recorded(local_folder(run))) == 4
    assert run_tiny(grid, out=run).tried == 0


def test_data_may_lie_in_a_store(tiny: dict[str, Any], softsweep: Command, tmp_path: Path) -> None:
    folder = tmp_path / "store" / "data"
    folder.mkdir(parents=True)
    for split, texts in (("train", 40), ("dev", 20)):
        rows = [f"{split}{i},word{i % 7} text,{i % 2},{i % 3 // 2}" for i in range(texts)]
        (folder / f"{split}.csv").write_text("\n".join(["id,text,joy,fear", *rows]))
    tiny |= {
        "corpus": {"reader": "table", "labels": ["joy", "fear"]}
        | {split: f"{split}.csv" for split in ("train", "dev")},
        "vectors": {**tiny["vectors"], "text": "corpus", "min_count": 1},
        "lexicons": [],
    }
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump(tiny))
    data, cache = f"file://{folder}", f"file://{tmp_path}/store/cache"
    status, _, err = softsweep("features", path, "--data", data, "--cache", cache)
    assert status == 0, err
    assert {Path(name).name for name in Store(cache).list()} == {
        "manifest.json", "words.arrow", "examples.parquet", "vectors.arrow"
    }  # fmt: skip


def first_trial(tiny: dict[str, Any], run: str, cache: str) -> TrialSpec:
    """The first trial of the tiny experiment, whose features are built and shared."""
    job = make_job(tiny, out=run, cache=cache)
    console = Console(quiet=True)
    plan = make_plan(job, driver.build_features(job, console))
    driver._prepare(plan)
    return trial_specs(plan, Allotment("cpu", 1, 1, 1))[0]


def train(spec: TrialSpec) -> None:
    """Train and record a trial."""
    trial = Trial(spec, {})
    while not trial.advance().finished:
        pass


def test_a_worker_trains_on_its_own_copies_and_records_in_the_store(
    tiny: dict[str, Any], file_place: Callable[[str], str], another_machine: Callable[[], None]
) -> None:
    run, cache = file_place("run"), file_place("cache")
    spec = first_trial(tiny, run, cache)
    assert (spec.store, spec.cache_store) == (run, cache)
    drivers = spec.run
    another_machine()
    home = at_home(spec)
    assert home.run != spec.run
    assert home.features.parent != spec.features.parent
    assert (home.features / "words.arrow").read_bytes() == (
        spec.features / "words.arrow"
    ).read_bytes()
    train(home)
    assert recorded(drivers) == {}
    assert recorded_chunk(spec, 0) == recorded_chunk(home, 0) != ()
    another_machine()
    assert recorded(local_folder(run)) == {spec.arms[0].key: "ok"}
    assert at_home(replace(spec, store="", cache_store="")).run == spec.run


def test_what_was_recorded_here_but_not_put_counts_and_is_put_by_the_next_try(
    tiny: dict[str, Any],
    file_place: Callable[[str], str],
    monkeypatch: pytest.MonkeyPatch,
    another_machine: Callable[[], None],
) -> None:
    run = file_place("run")
    spec = first_trial(tiny, run, file_place("cache"))

    def fail(*arguments: object) -> None:
        raise RecordError("the store is away")

    monkeypatch.setattr("sweep.recording.publish_files", fail)
    with pytest.raises(RecordError, match="away"):
        train(spec)
    monkeypatch.undo()
    monkeypatch.setenv("SOFTSWEEP_MIRRORS", str(spec.run.parent))
    assert not any(name.startswith("arms/") for name in Store(run).list())
    ended = recorded_chunk(spec, 0)
    assert [end.status for end in ended] == ["ok"]
    another_machine()
    assert list(recorded(local_folder(run)).values()) == ["ok"]


def test_of_two_builders_the_first_is_everybodys(
    tiny: dict[str, Any], file_place: Callable[[str], str], another_machine: Callable[[], None]
) -> None:
    cache = file_place("cache")
    job = make_job(tiny, out=file_place("run"), cache=cache)
    console = Console(quiet=True)
    first = driver.build_features(job, console)["en"]
    # Another machine built the same at the same time, and other vectors came out.
    another_machine()
    shutil.rmtree(Path(cache.removeprefix("file://")))
    tiny["vectors"] = [{**tiny["vectors"], "seed": 5}]
    other = driver.build_features(make_job(tiny, out=file_place("run"), cache=cache), console)["en"]
    assert other.sha256 != first.sha256
    manifest = json.loads((other.path / "manifest.json").read_text())
    assert manifest["sha256"] == other.sha256
    with pytest.raises(ExperimentError, match=r"no features .* run again to have them built"):
        entry_at_home(cache, other.path.name, first.sha256)
    assert entry_at_home(cache, other.path.name, other.sha256) == other.path


def test_many_processes_of_a_machine_fetch_features_in_place_of_others(
    tiny: dict[str, Any], file_place: Callable[[str], str], another_machine: Callable[[], None]
) -> None:
    cache = file_place("cache")
    job = make_job(tiny, out=file_place("run"), cache=cache)
    entry = driver.build_features(job, Console(quiet=True))["en"]
    another_machine()
    copy = entry_at_home(cache, entry.path.name, entry.sha256)
    for _ in range(5):
        (copy / "manifest.json").write_text("{}")
        at_once = threading.Barrier(8)

        def fetch(number: int, at_once: threading.Barrier = at_once) -> Path:
            at_once.wait()
            return entry_at_home(cache, entry.path.name, entry.sha256)

        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(fetch, range(8))) == {copy}
    assert damage(copy) == ""
    assert [path.name for path in copy.parent.glob(f".{copy.name}*")] == []


def test_a_run_whose_mirror_lost_its_mark_is_not_recorded_in_silence(
    tiny: dict[str, Any], file_place: Callable[[str], str]
) -> None:
    spec = first_trial(tiny, file_place("run"), file_place("cache"))
    (spec.run / ".store").unlink()
    with pytest.raises(RecordError, match=r"mirrors file://\S*/run no more"):
        train(spec)


def test_features_that_are_damaged_in_the_store_are_refused(
    tiny: dict[str, Any], file_place: Callable[[str], str], another_machine: Callable[[], None]
) -> None:
    cache = file_place("cache")
    job = make_job(tiny, out=file_place("run"), cache=cache)
    entry = driver.build_features(job, Console(quiet=True))["en"]
    (words,) = Path(cache.removeprefix("file://")).glob(f"{entry.key}/*/words.arrow")
    words.write_bytes(words.read_bytes()[:-1] + b"?")
    another_machine()
    with pytest.raises(RecordError, match=r"words\.arrow is not as it was written; delete"):
        entry_at_home(cache, entry.path.name, entry.sha256)
    assert find_features(replace(job, cache=job.cache))


def test_a_copy_that_is_damaged_here_is_fetched_anew(
    run_tiny: RunTiny, file_place: Callable[[str], str]
) -> None:
    run = file_place("run")
    mirror = run_tiny(out=run).run
    part = next((mirror / "predictions").iterdir())
    data = bytearray(part.read_bytes())
    data[len(data) // 2] ^= 255
    part.write_bytes(data)
    assert run_tiny(out=run).tried == 0
    assert not list(mirror.rglob("*.broken"))
    assert {name for name in Store(run).list() if "broken" in name} == set()


def test_a_missing_bucket_is_one_sentence(softsweep: Command, s3: str, tiny_file: Path) -> None:
    run = f"s3://nowhere/run{s3}"
    for arguments in (("run", tiny_file, "--out", run), ("query", run, "SELECT 1")):
        status, _, err = softsweep(*arguments)
        assert status == 2
        assert re.fullmatch(r"softsweep: s3://nowhere/run\S*: .*no such bucket: make it.*\n", err)


def test_cache_commands_look_after_folders(
    softsweep: Command, file_place: Callable[[str], str]
) -> None:
    status, _, err = softsweep("cache", "list", "--cache", file_place("cache"))
    assert status == 2
    assert "lies in a store; use that store's own tools" in err


@pytest.mark.slow
def test_a_store_that_fails_for_a_while_costs_nothing(
    run_tiny: RunTiny,
    forwarder: Any,
    another_machine: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    options = f"?endpoint_override=127.0.0.1:{forwarder.port}&scheme=http"
    run = f"s3://bucket/{uuid.uuid4().hex}/run{options}"
    begun = threading.Event()
    put = Store.put

    def watched(self: Store, name: str, path: Path) -> None:
        if name.startswith("predictions/") and not begun.is_set():
            begun.set()
            forwarder.refuse()
            threading.Timer(8.0, forwarder.pass_on).start()
        put(self, name, path)

    monkeypatch.setattr(Store, "put", watched)
    with pytest.warns(RecordWarning, match="trying again"):
        outcome = run_tiny("grid.seed=[0, 1]", out=run, workers=ONE_EACH)
    assert begun.is_set()
    assert (outcome.tried, outcome.failed) == (4, 0)
    another_machine()
    assert set(recorded(local_folder(run)).values()) == {"ok"}
    assert run_tiny("grid.seed=[0, 1]", out=run).tried == 0


@pytest.mark.slow
def test_a_store_that_stays_away_ends_the_run_in_one_sentence(
    softsweep: Command,
    tiny_file: Path,
    forwarder: Any,
    another_machine: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("results.stores.PATIENCE", 2.0)
    options = f"?endpoint_override=127.0.0.1:{forwarder.port}&scheme=http"
    run = f"s3://bucket/{uuid.uuid4().hex}/run{options}"
    put = Store.put

    def watched(self: Store, name: str, path: Path) -> None:
        if name.startswith("arms/"):
            forwarder.refuse()
        put(self, name, path)

    with monkeypatch.context() as patch:
        patch.setattr(Store, "put", watched)
        status, _, err = softsweep("run", tiny_file, "--out", run, "--executor", "inline")
    assert status == 2
    assert re.search(r"softsweep: s3://bucket/\S*: arms/\S* cannot be written \(tried for", err)
    forwarder.pass_on()
    status, _, err = softsweep("run", tiny_file, "--out", run, "--executor", "inline")
    assert status == 0, err
    assert "1 arms trained, 1 were recorded already" in err  # it lay in the mirror, and is put now
    another_machine()
    assert len(recorded(local_folder(run))) == 2


@pytest.mark.slow
def test_a_full_disk_under_the_mirrors_is_one_sentence(
    tiny_file: Path, cache: Path, tmp_path: Path, file_place: Callable[[str], str]
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=60k", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small file system needs root")
    command = [sys.executable, "-P", "-m", "sweep.cli", "run", str(tiny_file), "--executor"]
    command += ["inline", "--out", file_place("run"), "--cache", str(cache)]
    environment = {**os.environ, "SOFTSWEEP_MIRRORS": str(disk)}
    try:
        full = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    finally:
        subprocess.run(["umount", str(disk)], check=True)
    assert full.returncode == 2, full.stderr
    last = full.stderr.splitlines()[-1]
    assert re.match(
        r"softsweep: file://\S*/run\S*: no space left to write it as this machine", last
    )
    assert str(disk) in last
