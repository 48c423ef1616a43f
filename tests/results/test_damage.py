"""Damaged parts are named and passed by, the rest stands, and what was lost is recorded anew."""

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from results.damage import _put_away, set_aside
from results.errors import DamagedError, GoneError, RecordError, RecordWarning
from results.frames import open_run
from results.ledger import LEDGER, place, sound_parts
from results.parts import names_of, part_path
from results.records import merge_parts, predictions_table, record_trial, recorded
from results.run import Run
from results.schemas import EXTERNAL
from results.searched import TRIES, write_tries
from results.sql import query
from results.standings import leaderboard

KINDS = ("predictions", "epochs", "arms")
RULES = ("own", "acc", "macro_f1", "micro_f1")
ON_TEST = {("test", RULES): np.zeros((60, 3), np.float32)}
AGAIN = "its arms do not count, the next `softsweep run` trains them again"

Record = Callable[..., str]
Flip = Callable[..., None]


@pytest.fixture
def run(tmp_path: Path, toy: Callable[..., Any], record: Record) -> Path:
    run = tmp_path / "run"
    toy(run)
    record(run, "k", ON_TEST)
    record(run, "j", ON_TEST, seed=1)
    return run


def imported(run: Path, arm_row: Any) -> str:
    """Record an arm as an import does; the name of its part."""
    row = arm_row("theirs", loss="theirs", label="Theirs", cell="theirs", device=EXTERNAL)
    blocks = [("theirs", "test", 1, RULES, np.zeros((60, 3), np.float32))]
    return record_trial(run, f"{EXTERNAL}-theirs", [row], [], predictions_table(blocks))


@pytest.mark.parametrize("kind", KINDS)
def test_a_part_that_is_cut_off_is_named_and_its_arms_do_not_count(run: Path, kind: str) -> None:
    path = part_path(run, kind, "trial-j")
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.warns(RecordWarning) as said:
        opened = open_run(run)
    assert [str(one.message) for one in said] == [f"{path} is damaged (cut off): {AGAIN}"]
    assert opened.broken == {path: str(said[0].message)}
    for frame in (opened.arms, opened.epochs, opened.predictions):
        assert set(frame["arm"]) == {"k"}
    assert recorded(run) == {"k": "ok"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_flipped_bit_is_found_and_its_arms_do_not_count(run: Path, flip: Flip, kind: str) -> None:
    path = part_path(run, kind, "trial-j")
    flip(path)
    opened = open_run(run)
    with pytest.warns(RecordWarning, match=rf"{kind}/trial-j\.parquet is damaged \(.*\): {AGAIN}"):
        opened.examine()
    for frame in (opened.arms, opened.epochs, opened.predictions):
        assert set(frame["arm"]) == {"k"}


@pytest.mark.parametrize("kind", KINDS)
def test_of_a_merged_part_only_the_damaged_row_group_is_passed_by(
    run: Path, record: Record, flip: Flip, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("results.parts._GROUP_ROWS", 1)  # a row group for each trial
    record(run, "i", ON_TEST, seed=2)
    (path,) = merge_parts(run, kind, at_least=2)
    flip(path, group=1)  # in the order of names: i, j, k
    opened = open_run(run)
    with pytest.warns(RecordWarning, match=path.name):
        opened.examine()
    assert set(opened.arms["arm"]) == set(opened.predictions["arm"]) == {"i", "k"}
    if kind == "predictions":
        with pytest.warns(RecordWarning):
            found = query(
                run, "SELECT DISTINCT arm FROM predictions WHERE logits[1] = 0 ORDER BY arm"
            )
        assert found["arm"].to_pylist() == ["i", "k"]

    (sentence,) = set_aside(run)
    assert f"1 of its row groups set aside as {path.name}.broken, its arms train again" in sentence
    assert recorded(run) == {"i": "ok", "k": "ok"}
    assert set(open_run(run).predictions["arm"]) == {"i", "k"}
    assert set_aside(run) == []
    record(run, "j", ON_TEST, seed=1, part="again")
    assert set(open_run(run).predictions["arm"]) == {"i", "j", "k"}


def test_one_damaged_row_group_takes_no_imported_arm_with_it(
    run: Path, arm_row: Any, flip: Flip, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("results.parts._GROUP_ROWS", 1)
    imported(run, arm_row)
    (path,) = merge_parts(run, "epochs", at_least=2)
    flip(path, group=0)
    opened = Run(run)
    with pytest.warns(RecordWarning):
        opened.examine()
    assert opened.arms_table["arm"].to_pylist() == ["k", "theirs"]
    (sentence,) = set_aside(run)
    assert sentence.endswith("its arms train again")
    assert set(recorded(run)) == {"k", "theirs"}


@pytest.mark.parametrize("kind", ["arms", "predictions"])
def test_what_was_imported_is_to_be_imported_again(run: Path, arm_row: Any, kind: str) -> None:
    path = part_path(run, kind, imported(run, arm_row))
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.warns(RecordWarning, match="its predictions do not count: import them again"):
        Run(run)
    (sentence,) = set_aside(run)
    assert sentence.endswith("import its predictions again")
    assert set(recorded(run)) == {"j", "k"}


def test_without_its_epochs_an_imported_arm_counts(run: Path, arm_row: Any) -> None:
    path = part_path(run, "epochs", imported(run, arm_row))
    path.write_bytes(b"")
    with pytest.warns(RecordWarning, match="nothing is lost with it"):
        assert "theirs" in Run(run).arms_table["arm"].to_pylist()


def test_of_a_merged_part_both_ways_back_are_said(run: Path, arm_row: Any, flip: Flip) -> None:
    imported(run, arm_row)
    (path,) = merge_parts(run, "predictions", at_least=2)
    flip(path)
    (sentence,) = set_aside(run)
    assert sentence.endswith("its arms train again; what was imported is to be imported again")


def test_what_is_set_aside_is_passed_by_without_a_word(run: Path) -> None:
    path = part_path(run, "epochs", "trial-j")
    path.write_bytes(b"PAR1")
    (sentence,) = set_aside(run)
    assert sentence.endswith(f"set aside as {path.name}.broken, its arms train again")
    assert recorded(run) == {"k": "ok"}
    assert set(open_run(run).epochs["arm"]) == {"k"}
    assert set_aside(run / "nowhere") == []


def looked_into(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the parts that `set_aside` reads from now on."""
    read: list[str] = []

    def put_away(path: Path) -> str:
        read.append(place(path))
        return _put_away(path)

    monkeypatch.setattr("results.damage._put_away", put_away)
    return read


def test_a_part_is_read_through_once(
    run: Path, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = looked_into(monkeypatch)
    assert set_aside(run) == []
    assert sorted(read) == sorted(sound_parts(run))
    assert set(read) > {"arms/trial-j.parquet", "examples/toy-en.parquet"}
    read.clear()
    record(run, "i", ON_TEST, seed=2)
    os.utime(part_path(run, "epochs", "trial-k"))
    assert set_aside(run) == []
    new = [f"{kind}/trial-i.parquet" for kind in KINDS]
    assert sorted(read) == sorted([*new, "epochs/trial-k.parquet"])
    read.clear()
    for kind in KINDS:
        merge_parts(run, kind, at_least=2)
    assert set_aside(run) == []
    assert read == []  # what a merge wrote, it had just read
    assert len(sound_parts(run)) == len(KINDS) + 1


@pytest.mark.parametrize(
    "ledger", [b"", b"\xff", b"[]", b"null", b'{"arms/trial-j.parquet": 7}', b'{"a": [1, 2, 3]}']
)
def test_a_damaged_ledger_is_as_none(
    run: Path, ledger: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    (run / LEDGER).write_bytes(ledger)
    read = looked_into(monkeypatch)
    assert set_aside(run) == []
    assert len(read) == len(sound_parts(run)) == 2 * len(KINDS) + 1


@pytest.mark.parametrize("kind", KINDS)
def test_damage_behind_the_back_of_the_ledger_is_set_aside_once_a_reader_met_it(
    run: Path, flip: Flip, kind: str
) -> None:
    assert set_aside(run) == []
    path = part_path(run, kind, "trial-j")
    written = path.stat()
    flip(path)
    os.utime(path, ns=(written.st_atime_ns, written.st_mtime_ns))
    assert set_aside(run) == []  # as the disk's own decay would go unseen
    with pytest.warns(RecordWarning, match=AGAIN):
        open_run(run).examine()
    assert not (run / LEDGER).exists()
    (sentence,) = set_aside(run)
    assert f"set aside as {path.name}.broken" in sentence
    assert recorded(run) == {"k": "ok"}
    assert set_aside(run) == []


def test_where_no_arms_can_be_read_that_is_said(run: Path) -> None:
    for name in names_of(run, "arms"):
        part_path(run, "arms", name).write_bytes(b"")
    with (
        pytest.warns(RecordWarning),
        pytest.raises(RecordError, match=r"no arms can be read: .*trial-j\.parquet is damaged"),
    ):
        open_run(run)


def test_a_corpus_whose_examples_are_damaged_is_not_scored_and_the_others_are(
    run: Path, toy: Callable[..., Any], record: Record
) -> None:
    toy(run, language="es")
    record(run, "es", ON_TEST, cell="es", language="es")
    part_path(run, "examples", "toy-en").write_bytes(b"")
    with pytest.warns(RecordWarning) as said:
        (table,) = leaderboard(run, "acc")
    assert table.name == "leaderboard_acc_es"
    assert "toy-en.parquet is damaged (cut off): its corpus cannot be scored" in str(
        said[0].message
    )
    assert "arms of toy en are recorded, but not its test or dev examples" in str(said[1].message)
    part_path(run, "examples", "toy-es").write_bytes(b"")
    with (
        pytest.warns(RecordWarning),
        pytest.raises(RecordError, match=r"no examples can be read, so nothing can be scored: .*"),
    ):
        leaderboard(run, "acc")


def test_without_what_was_tried_nothing_is_scored_but_all_can_be_asked(run: Path) -> None:
    columns = {field.name: "" for field in TRIES if field.type == "string"}
    row = columns | {"batch_size": 16, "number": 0, "batch": 0, "epochs": 1, "best": True}
    write_tries(run, "s", [row | {"arm": "j"}]).write_bytes(b"")
    with pytest.warns(RecordWarning, match=r"s\.parquet is damaged"):
        assert len(query(run, "SELECT * FROM arms")) == 2
    with (
        pytest.warns(RecordWarning),
        pytest.raises(RecordError, match="arms that were merely tried are not told apart"),
    ):
        leaderboard(run, "acc")


def test_a_part_that_goes_away_is_looked_for_again(run: Path) -> None:
    opened = Run(run)
    looks = iter([GoneError("x"), GoneError("x"), None])

    def read() -> str:
        if gone := next(looks):
            raise gone
        return "read"

    assert opened.passing_damage(read) == "read"

    def always() -> None:
        raise GoneError("gone")

    with pytest.raises(GoneError):
        opened.passing_damage(always)


def test_a_part_that_may_not_be_read_is_not_damaged(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr("pyarrow.parquet.ParquetFile", full)
    with pytest.raises(RecordError, match=r"cannot be read .*Too many open files") as caught:
        _ = Run(run).arms_table
    assert not isinstance(caught.value, DamagedError)


def test_the_error_travels_between_processes() -> None:
    error = DamagedError(Path("a/b"), "cut off", "again", 3)
    back = pickle.loads(pickle.dumps(error))
    assert (str(back), back.path, back.reason, back.group) == (
        "a/b is damaged (cut off): again",
        Path("a/b"),
        "cut off",
        3,
    )
