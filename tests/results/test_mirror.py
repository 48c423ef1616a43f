"""Mirrors of stores: what is here and what is there become equal, whatever happens in between."""

import errno
import multiprocessing
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from results import RecordError
from results.mirror import (
    below,
    direct,
    fetch_anew,
    fetch_file,
    known_by,
    let_go,
    local_folder,
    place_of,
    publish,
    publish_files,
    refresh,
    uri_of,
)
from results.mirrored import found_here
from results.parts import merge_parts
from results.stores import Store

Machine = Callable[[str], Path]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """The mirror that a machine of this name has of one store, `tmp_path / 'store'`."""

    def mirror(name: str) -> Path:
        monkeypatch.setenv("SOFTSWEEP_MIRRORS", str(tmp_path / name))
        return local_folder(f"file://{tmp_path}/store")

    return mirror


def write(folder: Path, name: str, content: str = "x") -> Path:
    """Write as whole files are written: a new file takes the name."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.new")
    new.write_text(content)
    return new.replace(path)


def content(folder: Path) -> dict[str, str]:
    """What a folder holds, without what is hidden."""
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*")}
    return {
        name: path.read_text()
        for name, path in files.items()
        if path.is_file() and "/." not in f"/{name}"
    }


def test_an_ordinary_folder_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    part = write(folder, "arms/a.parquet")
    assert local_folder(folder) == folder
    assert local_folder(str(folder)) == folder
    refresh(folder)
    publish(folder)
    publish_files(folder, [part])
    assert fetch_file(folder, part)
    assert not fetch_file(folder, folder / "arms/none.parquet")
    assert not fetch_anew(folder, part)
    assert uri_of(folder) == ""
    assert place_of(folder) == str(folder.resolve())
    assert below(folder, "x") == folder / "x"
    assert [path.name for path in folder.iterdir()] == ["arms"]
    assert local_folder(str(tmp_path / "none")) == tmp_path / "none"
    assert not (tmp_path / "none").exists()


def test_what_one_machine_writes_another_reads(machine: Machine, tmp_path: Path) -> None:
    a = machine("a")
    write(a, "arms/1.parquet", "arm")
    write(a, "tables/figures/deep.png", "png")
    write(a, ".checkpoints/c", "hidden")
    write(a, "arms/.1.parquet.0123456789abcdef", "being written")
    publish(a)
    assert content(machine("b")) == {"arms/1.parquet": "arm", "tables/figures/deep.png": "png"}
    assert sorted(Store(f"file://{tmp_path}/store").list()) == sorted(content(a))


def test_changes_and_deletions_go_both_ways(machine: Machine) -> None:
    a = machine("a")
    for name in ("examples/e", "tries/t", "arms/1"):
        write(a, name, "1")
    publish(a)
    b = machine("b")
    write(b, "examples/e", "2")
    (b / "tries/t").unlink()
    write(b, "arms/2", "2")
    (b / "arms/1").rename(b / "arms/1.broken")
    publish(b)
    refresh(a)
    assert content(a) == content(b) == {"examples/e": "2", "arms/2": "2", "arms/1.broken": "1"}


def test_parts_that_are_missing_here_are_kept_in_the_store(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a = machine("a")
    for name in ("arms/1.parquet", "weights/1"):
        write(a, name)
    publish(a)
    listed = content(tmp_path / "store")
    shutil.rmtree(a / "arms")
    (a / "weights/1").unlink()
    publish(a)
    assert content(tmp_path / "store") == listed
    refresh(a)
    with monkeypatch.context() as patch:  # what a process meets that has too many files open

        def full(place: object) -> None:
            raise OSError(errno.EMFILE, "Too many open files", str(place))

        patch.setattr(os, "scandir", full)
        with pytest.raises(RecordError, match=r"cannot be listed \(Too many open files\)"):
            publish(a)


def test_parts_that_were_merged_go_from_the_store(
    machine: Machine, tmp_path: Path, record: Callable[..., str]
) -> None:
    a = machine("a")
    for name in "xy":
        record(a, name, {}, status="failed")
    publish(a)
    merge_parts(a, "arms", 2)
    publish(a)
    (merged,) = (tmp_path / "store" / "arms").iterdir()
    assert merged.name.startswith("merged-")


def test_a_workers_copies_go_once_they_are_in_the_store(machine: Machine, tmp_path: Path) -> None:
    here = local_folder(f"file://{tmp_path}/store", pull=False)
    part = write(here, "arms/1.parquet")
    publish_files(here, [part])
    let_go(here, [part])
    assert content(here) == {}
    a = machine("a")  # which is pulled, so somebody reads it
    let_go(a, [a / "arms/1.parquet"])
    assert content(a) == content(tmp_path / "store") == {"arms/1.parquet": "x"}


def test_a_file_that_was_lost_here_is_brought_again(machine: Machine) -> None:
    a = machine("a")
    write(a, "arms/1", "1")
    write(a, "examples/e", "e")
    publish(a)
    (a / "arms/1").unlink()
    (a / "examples/e").unlink()
    refresh(a)
    assert content(a) == {"arms/1": "1", "examples/e": "e"}
    os.truncate(a / "arms/1", 0)
    refresh(a)
    assert content(a)["arms/1"] == "1"


def test_without_its_index_a_mirror_adopts_parts_and_fetches_the_rest(
    machine: Machine, tmp_path: Path
) -> None:
    a = machine("a")
    write(a, "arms/1", "1")
    write(a, "examples/e", "1")
    publish(a)
    before = (a / "arms/1").stat().st_ino
    (a / ".store.index").write_text("{damaged")
    write(tmp_path / "store", "examples/e", "2")
    refresh(a)
    assert (a / "arms/1").stat().st_ino == before
    assert content(a)["examples/e"] == "2"


def test_what_was_not_pushed_is_kept_and_pushed_later(machine: Machine) -> None:
    a = machine("a")
    write(a, "experiment.yaml", "1")
    publish(a)
    write(a, "arms/1", "1")
    write(a, "experiment.yaml", "2")
    refresh(a)
    assert content(a) == {"arms/1": "1", "experiment.yaml": "2"}
    publish(a)
    assert content(machine("b")) == content(a)


def test_arms_come_last_and_deletions_after_that(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    a = machine("a")
    for kind in ("weights", "predictions", "epochs", "arms"):
        write(a, f"{kind}/1")
    publish(a)
    did: list[str] = []
    put, delete = Store.put, Store.delete

    def noted_put(self: Store, name: str, path: Path) -> None:
        did.append(name)
        put(self, name, path)

    def noted_delete(self: Store, name: str) -> None:
        did.append(f"-{name}")
        delete(self, name)

    monkeypatch.setattr(Store, "put", noted_put)
    monkeypatch.setattr(Store, "delete", noted_delete)
    for kind in ("arms", "epochs", "predictions", "weights"):
        (a / kind / "1").rename(a / kind / "1.broken")
    write(a, "experiment.yaml")
    publish(a)
    kinds = ("weights", "predictions", "epochs")
    assert did == [
        *(f"{kind}/1.broken" for kind in kinds),
        "experiment.yaml",
        "arms/1.broken",
        "-arms/1",
        *(f"-{kind}/1" for kind in reversed(kinds)),
    ]


def test_files_are_put_in_the_order_given(machine: Machine, tmp_path: Path) -> None:
    a = machine("a")
    names = ["weights/1", "predictions/1", "tables/report.html"]
    with pytest.raises(FileNotFoundError):
        publish_files(a, [*(write(a, name) for name in names), a / "arms/none"])
    assert content(tmp_path / "store") == dict.fromkeys(names, "x")


def test_weights_are_fetched_when_they_are_asked_for(machine: Machine, tmp_path: Path) -> None:
    a = machine("a")
    write(a, "weights/1", "1")
    write(a, "arms/1", "1")
    publish(a)
    b = machine("b")
    assert content(b) == {"arms/1": "1"}
    assert direct(b).names("weights/") == ["weights/1"]
    assert fetch_file(b, b / "weights/1")
    refresh(b)
    assert content(b) == {"arms/1": "1", "weights/1": "1"}
    (b / "weights/1").unlink()
    refresh(b)
    publish(b)
    assert content(tmp_path / "store") == {"arms/1": "1", "weights/1": "1"}


def test_one_file_is_fetched_if_the_store_has_it(machine: Machine, tmp_path: Path) -> None:
    a, b = machine("a"), machine("b")
    part = write(a, "arms/1", "1")
    assert not fetch_file(a, part)
    publish_files(a, [part])
    assert fetch_file(a, part)
    assert fetch_file(b, b / "arms/1")
    assert content(b) == {"arms/1": "1"}
    (b / "arms/1").write_text("0")
    assert fetch_anew(b, b / "arms/1")
    assert content(b) == {"arms/1": "1"}


def test_names_from_a_store_never_lead_out_of_the_mirror(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    a = machine("a")
    write(tmp_path / "store", "good", "1")
    listed = Store.list

    def odd(self: Store, below: str = "") -> dict[str, object]:
        found = listed(self, below)
        names = ("../out", "/out", "x/../../out", "x//y", ".store", ".store.index", "")
        return {**found, **dict.fromkeys(names, found["good"])}

    monkeypatch.setattr(Store, "list", odd)
    refresh(a)
    assert content(a) == {"good": "1"}
    assert not (tmp_path / "out").exists()


def test_a_mirror_is_called_by_its_uri(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOFTSWEEP_MIRRORS", str(machine("a").parent))
    folder = local_folder("s3://KEY:SECRET@bucket/runs/a/?region=r", pull=False)
    assert uri_of(folder) == "s3://KEY:SECRET@bucket/runs/a?region=r"
    assert place_of(folder) == "s3://***@bucket/runs/a?region=r"
    assert known_by(f"{folder}: bad, {folder}") == f"{place_of(folder)}: bad, {place_of(folder)}"
    assert uri_of(below(folder, "x")) == "s3://KEY:SECRET@bucket/runs/a/x?region=r"
    assert folder.stat().st_mode & 0o077 == 0
    assert folder == local_folder("s3://KEY:SECRET@bucket/runs/a?region=r", pull=False)


def test_what_cannot_be_looked_at_is_no_ordinary_folder(tmp_path: Path) -> None:
    (tmp_path / ".store").mkdir()
    with pytest.raises(RecordError, match=r"\.store: cannot be read \(Is a directory\)"):
        publish(tmp_path)
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    with pytest.raises(RecordError, match="cannot be looked at"):
        found_here(loop)


def test_a_uri_that_became_a_path_is_refused() -> None:
    with pytest.raises(RecordError, match=r"give the URI as text, 's3://b/run', not a path"):
        local_folder(Path("s3://b/run"))


def test_mirrors_that_cannot_be_written_are_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SOFTSWEEP_MIRRORS", str(tmp_path / "file"))
    with pytest.raises(RecordError, match=r"cannot be written.*Not a directory"):
        local_folder(f"file://{tmp_path}/store")


@pytest.mark.parametrize("kind", ["folder", "mirror"])
def test_small_files_go_straight_to_where_the_run_lies(
    kind: str, machine: Machine, tmp_path: Path
) -> None:
    folder = machine("a") if kind == "mirror" else tmp_path / "run"
    shared = direct(folder)
    assert shared.read(".nodes/a") is None
    assert shared.names(".nodes/") == []
    shared.write(".nodes/a", b"1")
    shared.write(".nodes/ab", b"2")
    shared.write(".nodes/deep/ab", b"3")
    shared.write(".status.json", b"{}")
    write(folder if kind == "folder" else tmp_path / "store", ".nodes/.a.0123456789abcdef")
    assert shared.names(".nodes/") == [".nodes/a", ".nodes/ab"]
    assert shared.names(".nodes/ab") == [".nodes/ab"]
    assert shared.names(".status") == [".status.json"]
    assert shared.read(".nodes/ab") == b"2"
    shared.delete(".nodes/ab")
    shared.delete(".nodes/ab")
    assert shared.names(".nodes/") == [".nodes/a"]
    there = machine("b") if kind == "mirror" else folder
    assert direct(there).read(".nodes/a") == b"1"
    if kind == "mirror":
        refresh(there)
        publish(folder)
        assert content(there) == {}
        assert direct(there).read(".nodes/a") == b"1"


def pull_and_push(folder: Path, name: str) -> None:
    for turn in range(5):
        refresh(folder)
        write(folder, f"arms/{name}-{turn}", name)
        publish(folder)


@pytest.mark.slow
def test_several_processes_use_one_mirror(machine: Machine) -> None:
    a = machine("a")
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=pull_and_push, args=(a, name)) for name in "pqr"]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    assert sorted(content(machine("b"))) == sorted(f"arms/{n}-{t}" for n in "pqr" for t in range(5))


NAMES = ["experiment.yaml", "examples/e", "tries/a", "tables/t"]

step = st.one_of(
    st.tuples(st.just("write"), st.sampled_from("ab"), st.sampled_from(NAMES)),
    st.tuples(st.just("delete"), st.sampled_from("ab"), st.integers(0, 5)),
    st.tuples(st.just("part"), st.sampled_from("ab"), st.booleans()),
    st.tuples(st.just("crash"), st.sampled_from("ab"), st.sampled_from(NAMES)),
    st.tuples(st.just("lose index"), st.sampled_from("ab"), st.none()),
    st.tuples(st.just("lose mirror"), st.sampled_from("ab"), st.none()),
)


@settings(max_examples=25, deadline=None)
@given(steps=st.lists(step, max_size=25))
def test_two_mirrors_and_a_store_agree(
    steps: list[tuple[str, str, object]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Each machine in its turn pulls, changes something and pushes; workers push parts only."""
    root = tmp_path_factory.mktemp("stores")
    model: dict[str, str] = {}
    with pytest.MonkeyPatch.context() as patch:

        def mirror(name: str, pull: bool = True) -> Path:
            patch.setenv("SOFTSWEEP_MIRRORS", str(root / name))
            return local_folder(f"file://{root}/store", pull=pull)

        for number, (do, who, what) in enumerate(steps):
            folder, text = mirror(who, pull=False), f"{number:03}"
            if do == "part":  # a worker's, which pulls nothing
                part = write(folder, f"arms/{number}", text)
                model[f"arms/{number}"] = text
                publish_files(folder, [part])
                continue
            if do == "lose mirror":
                shutil.rmtree(folder)
                continue
            refresh(folder)
            assert content(folder) == model
            if do == "lose index":
                (folder / ".store.index").unlink(missing_ok=True)
                refresh(folder)
            if do == "delete":
                for other in "ab":  # of a file that no pull has seen, nobody knows it was there
                    mirror(other)
                folder = mirror(who)
                if names := sorted(model.keys() & NAMES):
                    name = names[int(str(what)) % len(names)]
                    (folder / name).unlink()
                    del model[name]
                    publish(folder)
            elif do == "write":
                write(folder, str(what), text)
                model[str(what)] = text
                publish(folder)
            elif str(what) in model:  # a crash before the push of a deletion
                (folder / str(what)).unlink()
        for name in "ab":
            folder = mirror(name)
            assert content(folder) == model
            publish(folder)
        assert content(root / "store") == model


@pytest.mark.parametrize("place", ["s3://", "s3:///folder?region=x", "hdfs://host/folder", "x://y"])
def test_what_names_no_store_is_refused(place: str) -> None:
    with pytest.raises(RecordError, match=r"expected s3://BUCKET/FOLDER, gs://"):
        local_folder(place)
