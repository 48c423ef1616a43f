"""What a search tried and chose: written whole, read back, open to questions in SQL."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from results.errors import RecordError
from results.parts import part_path
from results.records import record_trial, recorded
from results.searched import (
    CHOSEN,
    TRIES,
    read_chosen,
    read_tries,
    write_chosen,
    write_tries,
)
from results.sql import query

CELL = {"corpus": "toy", "language": "en", "loss": "bce", "label": "BCE", "batch_size": 16}


def tried(number: int, **changes: Any) -> dict[str, Any]:
    row = CELL | {
        "study": "s",
        "metric": "acc",
        "part": "dev",
        "number": number,
        "batch": 0,
        "arm": f"t{number}",
        "setting": '{"learning_rate": 0.001}',
        "value": 0.5,
        "status": "ok",
        "epochs": 2,
        "best": number == 0,
    }
    return row | changes


def choice(part: str = "dev", **changes: Any) -> dict[str, Any]:
    row = CELL | {
        "group": "g",
        "metric": "acc",
        "part": part,
        "study": "s",
        "cell": "c",
        "setting": '{"learning_rate": 0.001}',
        "current": True,
    }
    return row | changes


def test_what_was_written_comes_back(tmp_path: Path) -> None:
    assert read_tries(tmp_path).schema == TRIES
    assert len(read_tries(tmp_path)) == len(read_chosen(tmp_path)) == 0
    write_tries(tmp_path, "s", [tried(0)])
    rows = [tried(0), tried(1, value=None, status="diverged")]
    write_tries(tmp_path, "s", rows)  # in place of the first
    write_tries(tmp_path, "r", [tried(0, study="r")])
    assert read_tries(tmp_path).to_pylist() == [tried(0, study="r"), *rows]
    halves = [choice("dev/a"), choice("dev/b", cell="d")]
    write_chosen(tmp_path, "g", halves)
    assert read_chosen(tmp_path).schema == CHOSEN
    assert read_chosen(tmp_path).to_pylist() == halves


def test_rows_are_checked_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no column named \['color'\]"):
        write_tries(tmp_path, "s", [tried(0, color="red")])
    with pytest.raises(ValueError, match=r"lacks \['cell'\]"):
        write_chosen(tmp_path, "g", [choice(cell=None)])
    assert not list(tmp_path.iterdir())


def test_a_damaged_part_is_named_and_one_cut_off_is_as_if_it_were_not_there(
    tmp_path: Path,
) -> None:
    path = write_tries(tmp_path, "s", [tried(0)])
    content = path.read_bytes()
    path.write_bytes(content[:20] + content[:20] + content[40:])
    with pytest.raises(RecordError, match=r"tries/s\.parquet is damaged .* nothing trains again"):
        read_tries(tmp_path)
    path.write_bytes(content[:-20])
    assert len(read_tries(tmp_path)) == 0
    write_chosen(tmp_path, "g", [choice()])
    part_path(tmp_path, "chosen", "g").rename(path)
    with pytest.raises(RecordError, match=r"tries/s\.parquet lacks \['arm', 'batch', 'best'"):
        read_tries(tmp_path)


def test_searches_can_be_asked_about(
    tmp_path: Path, toy: Callable[..., Any], record: Callable[..., str]
) -> None:
    gold = toy(tmp_path)
    record(tmp_path, "k", {("test", ("own",)): gold - np.float32(0.5)})
    sql = "SELECT (SELECT count(*) FROM tries) AS tries, (SELECT count(*) FROM chosen) AS chosen"
    assert query(tmp_path, sql).to_pylist() == [{"tries": 0, "chosen": 0}]
    write_tries(tmp_path, "s", [tried(0), tried(1)])
    write_chosen(tmp_path, "g", [choice()])
    assert query(tmp_path, sql).to_pylist() == [{"tries": 2, "chosen": 1}]


def test_a_pruned_arm_needs_epochs_and_no_predictions(
    tmp_path: Path, arm_row: Callable[..., Any]
) -> None:
    epochs = [{"arm": "k", "epoch": 1, "split": "dev", "acc": 0.25}]
    record_trial(tmp_path, "t", [arm_row("k", status="pruned")], epochs)
    assert recorded(tmp_path) == {"k": "pruned"}
    part_path(tmp_path, "epochs", "t").unlink()
    assert recorded(tmp_path) == {}


def test_reading_is_light(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib\n"
        "from results.searched import read_chosen, read_tries\n"
        f"path = pathlib.Path({str(tmp_path)!r})\n"
        "assert len(read_tries(path)) == 1 and len(read_chosen(path)) == 1\n"
        "assert not {'pandas', 'duckdb', 'torch', 'ray', 'scipy'} & set(sys.modules)\n"
    )
    write_tries(tmp_path, "s", [tried(0)])
    write_chosen(tmp_path, "g", [choice()])
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
