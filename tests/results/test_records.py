"""Parts are whole or absent; what counts is decided by `arms`; merging changes nothing."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from filelock import FileLock

import results.parts
from results.errors import RecordError
from results.frames import open_run
from results.parts import names_of, part_path, whole_file
from results.records import (
    merge_parts,
    predictions_table,
    record_trial,
    recorded,
    write_part,
)
from results.schemas import ARMS

KINDS = ("predictions", "epochs", "arms")
ON_TEST = {("test", ("own",)): np.zeros((4, 3), np.float32)}


def test_import_is_light() -> None:
    code = (
        "import sys, results, results.records\n"
        "heavy = {'pandas', 'duckdb', 'torch', 'ray', 'rich', 'scipy'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "from results import RecordError, aggregate, open_run, query\n"
        "assert callable(aggregate) and callable(query) and callable(open_run)\n"
        "assert not {'torch', 'ray'} & set(sys.modules)\n"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_nothing_is_recorded_in_a_folder_that_is_not_there(tmp_path: Path) -> None:
    assert recorded(tmp_path / "none") == {}


def test_a_trial_comes_back_as_it_was(tmp_path: Path, arm_row: Callable[..., Any]) -> None:
    logits = np.random.default_rng(0).standard_normal((5, 3)).astype(np.float32)
    blocks = [("k1", "test", 2, ["own", "acc"], logits), ("k2", "dev", 1, ["own/a"], -logits)]
    epochs = [{"arm": "k1", "epoch": 1, "split": "dev", "acc": 0.25, "predicted": [1, 0, 2]}]
    rows = [arm_row("k1"), arm_row("k2", seed=1)]
    assert record_trial(tmp_path, "t", rows, epochs, predictions_table(blocks)) == "t"
    run = open_run(tmp_path)
    assert recorded(tmp_path) == {"k1": "ok", "k2": "ok"}
    assert [row | {"part": "t"} for row in rows] == run.arms_table.to_pylist()
    assert run.epochs["acc"].tolist() == [0.25]
    assert run.epochs["predicted"][0].tolist() == [1, 0, 2]
    assert run.epochs["loss"].isna().all()
    back = run.predictions
    assert np.array_equal(np.stack(back["logits"].tolist()), np.concatenate([logits, -logits]))
    assert back["example"].tolist() == [*range(5), *range(5)]
    assert back["chosen_by"][0].tolist() == ["own", "acc"]
    assert set(back["part"]) == {"t"}


def test_rows_are_checked_before_anything_is_written(
    tmp_path: Path, arm_row: Callable[..., Any]
) -> None:
    table = predictions_table([("k", "test", 1, ["own"], np.zeros((2, 3), np.float32))])
    with pytest.raises(ValueError, match="no column named \\['color'\\]"):
        record_trial(tmp_path, "t", [arm_row("k", color="red")], [], table)
    with pytest.raises(ValueError, match="lacks \\['seed'\\]"):
        record_trial(tmp_path, "t", [arm_row("k", seed=None)], [], table)
    with pytest.raises(ValueError, match="unknown status"):
        record_trial(tmp_path, "t", [arm_row("k", status="fine")], [], table)
    with pytest.raises(ValueError, match=r"\['j'\] are ok but have no predictions"):
        record_trial(tmp_path, "t", [arm_row("j")], [], table)
    assert list(tmp_path.iterdir()) == []


def test_the_better_row_counts_then_the_newer(tmp_path: Path, record: Callable[..., str]) -> None:
    record(tmp_path, "k", {}, part="t1", minutes=9, status="failed", error="out of memory")
    assert recorded(tmp_path) == {"k": "failed"}
    record(tmp_path, "k", ON_TEST, part="t2", minutes=1, seconds=1.0)
    record(tmp_path, "k", {}, part="t3", minutes=8, status="diverged")
    assert recorded(tmp_path) == {"k": "ok"}
    record(tmp_path, "k", ON_TEST, part="t0", minutes=5, seconds=2.0)
    run = open_run(tmp_path)
    assert run.arms[["seconds", "part"]].values.tolist() == [[2.0, "t0"]]
    assert set(run.epochs["part"]) == set(run.predictions["part"]) == {"t0"}


def test_a_name_that_is_recorded_is_refused(tmp_path: Path, record: Callable[..., str]) -> None:
    record(tmp_path, "k", ON_TEST, part="t")
    before = {path: path.read_bytes() for path in tmp_path.glob("*/*")}
    with pytest.raises(ValueError, match="a trial named 't' is recorded already"):
        record(tmp_path, "k", {}, part="t", status="failed")
    assert before == {path: path.read_bytes() for path in tmp_path.glob("*/*")}


@pytest.mark.parametrize("kind", KINDS)
def test_a_trial_that_cannot_be_recorded_leaves_nothing_behind(
    tmp_path: Path,
    record: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
) -> None:
    def full(run: Path, which: str, name: str, table: pa.Table) -> Path:
        if which == kind:
            raise RecordError("no space left")
        return write_part(run, which, name, table)

    record(tmp_path, "k", ON_TEST)
    before = set(tmp_path.glob("*/*"))
    with monkeypatch.context() as patch:
        patch.setattr("results.records.write_part", full)
        with pytest.raises(RecordError, match="no space left"):
            record(tmp_path, "big", ON_TEST)
    assert set(tmp_path.glob("*/*")) == before
    record(tmp_path, "big", ON_TEST)
    assert recorded(tmp_path) == {"k": "ok", "big": "ok"}


def test_parts_without_arms_are_passed_by(tmp_path: Path, record: Callable[..., str]) -> None:
    record(tmp_path, "k", ON_TEST, part="whole")
    record(tmp_path, "j", ON_TEST, part="orphan")
    part_path(tmp_path, "arms", "orphan").unlink()
    (tmp_path / "arms" / ".half.parquet.123").write_bytes(b"PAR1")
    run = open_run(tmp_path)
    assert recorded(tmp_path) == {"k": "ok"}
    assert set(run.epochs["arm"]) == set(run.predictions["arm"]) == {"k"}


@pytest.mark.parametrize("kind", KINDS)
def test_merging_changes_nothing_that_is_read(
    tmp_path: Path, record: Callable[..., str], kind: str
) -> None:
    for number in range(5):
        logits = np.full((4, 3 + number % 2), number, np.float32)  # two widths
        record(tmp_path, f"k{number}", {("test", ("own",)): logits}, seed=number)
    before = open_run(tmp_path)
    old = {path: path.read_bytes() for path in (tmp_path / kind).iterdir()}
    assert merge_parts(tmp_path, kind, at_least=6) == []
    merged = merge_parts(tmp_path, kind, at_least=5)
    assert len(names_of(tmp_path, kind)) == len(merged) == (2 if kind == "predictions" else 1)

    def same() -> bool:
        after = open_run(tmp_path)
        sort = ["arm"] if kind != "predictions" else ["arm", "example"]
        frames = (getattr(run, kind).sort_values(sort).astype(str) for run in (before, after))
        one, two = (frame.reset_index(drop=True) for frame in frames)
        return bool(one.equals(two)) and recorded(tmp_path) == dict.fromkeys(before.arms.arm, "ok")

    assert same()
    for path, content in list(old.items())[:3]:  # a merge cut off while it removed what it replaced
        path.write_bytes(content)
    assert same()
    record(tmp_path, "new", {("test", ("own",)): np.zeros((4, 3), np.float32)})
    merge_parts(tmp_path, kind, at_least=2)
    assert not any(path.exists() for path in old)
    assert set(open_run(tmp_path).predictions["arm"]) == {*before.arms["arm"], "new"}


def test_a_merge_that_cannot_be_written_removes_nothing(
    tmp_path: Path, record: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    record(tmp_path, "k", ON_TEST)
    record(tmp_path, "j", ON_TEST)
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "full")))
    with pytest.raises(RecordError, match="no space left"):
        merge_parts(tmp_path, "arms", at_least=2)
    assert {path.name for path in (tmp_path / "arms").iterdir()} == {
        "trial-k.parquet",
        "trial-j.parquet",
    }


def test_a_merge_waits_for_another(tmp_path: Path, record: Callable[..., str]) -> None:
    record(tmp_path, "k", ON_TEST)
    record(tmp_path, "j", ON_TEST)
    merging = threading.Thread(target=merge_parts, args=(tmp_path, "epochs", 2))
    with FileLock(tmp_path / ".lock"):
        merging.start()
        merging.join(timeout=0.5)
        assert merging.is_alive()
        assert names_of(tmp_path, "epochs") == ["trial-j", "trial-k"]
        record(tmp_path, "i", ON_TEST)
    merging.join()
    assert len(names_of(tmp_path, "epochs")) == 1  # the late one is in it: it looked again
    assert sorted(open_run(tmp_path).epochs["arm"]) == ["i", "j", "k"]


def test_a_part_written_while_a_merge_tidies_up_stays(
    tmp_path: Path, record: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    record(tmp_path, "k", ON_TEST)
    look = results.parts.present

    def looked(run: Path, kind: str, *aside: Any) -> set[str]:
        there = look(run, kind, *aside)
        if kind == "predictions":
            name = f"late-{len(list((run / kind).iterdir()))}"
            table = pq.read_table(part_path(run, kind, "trial-k"))
            write_part(run, kind, name, table)  # a trial of another driver ends just now
        return there

    monkeypatch.setattr("results.parts.present", looked)
    merge_parts(tmp_path, "predictions")
    kept = {path.name for path in (tmp_path / "predictions").iterdir()}
    assert kept == {"trial-k.parquet", *(f"late-{n + 1}.parquet" for n in range(len(kept) - 1))}


def test_a_merge_leaves_cut_off_trials_out_and_old_temporaries_go(
    tmp_path: Path, record: Callable[..., str]
) -> None:
    for arm in ("k", "j", "orphan"):
        record(tmp_path, arm, ON_TEST)
    part_path(tmp_path, "arms", "trial-orphan").unlink()
    young, old = (tmp_path / "predictions" / f".{n}.parquet.0123" for n in ("young", "old"))
    for path in (young, old):
        path.write_bytes(b"PAR1")
    os.utime(old, (time.time() - 2 * 86_400,) * 2)
    (merged,) = merge_parts(tmp_path, "predictions", at_least=2)
    assert set(pq.read_table(merged)["arm"].to_pylist()) == {"k", "j"}
    left = {path.name for path in (tmp_path / "predictions").iterdir()}
    assert left == {merged.name, young.name, "trial-orphan.parquet"}


def test_a_lock_that_cannot_be_made_is_one_sentence(
    tmp_path: Path, record: Callable[..., str]
) -> None:
    record(tmp_path, "k", ON_TEST)
    (tmp_path / ".lock").mkdir()
    with pytest.raises(RecordError, match=r"\.lock: cannot be written \("):
        merge_parts(tmp_path, "arms")


def test_temporary_names_are_not_those_of_a_process_on_another_host(tmp_path: Path) -> None:
    with whole_file(tmp_path / "x") as one, whole_file(tmp_path / "x") as two:
        assert one.name != two.name


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KiB."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root can mount a file system to fill up")
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_keeps_what_is_recorded(tiny_disk: Path, record: Callable[..., str]) -> None:
    record(tiny_disk, "k", ON_TEST)
    logits = np.random.default_rng(0).standard_normal((40_000, 3)).astype(np.float32)
    with pytest.raises(RecordError) as caught:
        record(tiny_disk, "big", {("test", ("own",)): logits})
    path = part_path(tiny_disk, "predictions", "trial-big")
    assert str(caught.value).startswith(f"{path}: no space left to write it")
    assert "run again to go on" in str(caught.value)
    assert {p.name for p in (tiny_disk / "predictions").iterdir()} == {"trial-k.parquet"}
    assert recorded(tiny_disk) == {"k": "ok"}
    record(tiny_disk, "small", ON_TEST)  # the space was given back
    assert recorded(tiny_disk) == {"k": "ok", "small": "ok"}


@pytest.mark.parametrize("run", ["", "arms/run"])
def test_a_file_where_a_folder_should_be_is_named(tmp_path: Path, run: str) -> None:
    (tmp_path / "arms").write_text("a file where a folder should be")
    path = part_path(tmp_path / run, "arms", "t")
    with pytest.raises(RecordError) as caught:
        write_part(tmp_path / run, "arms", "t", ARMS.empty_table())
    message = str(caught.value)
    assert message.startswith(f"{path}: cannot be written (")
    assert f"{tmp_path / 'arms'}" in message.removeprefix(str(path))
    assert "what was recorded before is kept" in message


def test_why_writing_failed_is_said_and_not_what_failed_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(30, "Read-only")))
    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(RecordError, match=r"t\.parquet: cannot be written \(Read-only\); what"):
        write_part(tmp_path, "arms", "t", ARMS.empty_table())


@pytest.mark.parametrize("name", ["", ".hidden", "a/b", "merged-1"])
def test_names_that_readers_would_mistake_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="cannot name a part"):
        write_part(tmp_path, "arms", name, ARMS.empty_table())


def test_a_folder_without_records_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="no such run folder"):
        open_run(tmp_path / "none")
    with pytest.raises(RecordError, match="no arms are recorded"):
        open_run(tmp_path)


def test_a_foreign_part_is_refused(tmp_path: Path) -> None:
    (tmp_path / "arms").mkdir()
    pq.write_table(pa.table({"a": [1]}), tmp_path / "arms" / "x.parquet")
    with pytest.raises(RecordError, match=r"arms holds a part without \['arm', 'finished'"):
        recorded(tmp_path)


def test_rows_of_a_trial_stay_together(
    tmp_path: Path, record: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    record(tmp_path, "big", {("test", ("own",)): np.zeros((1_100_000, 1), np.float32)})
    for number in range(4):
        record(tmp_path, f"k{number}", {("test", ("own",)): np.zeros((30, 1), np.float32)})
    monkeypatch.setattr("results.parts._GROUP_ROWS", 50)
    (path,) = merge_parts(tmp_path, "predictions", at_least=2)
    file = pq.ParquetFile(path)
    rows = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
    assert rows == [1_100_000, 60, 60]
