"""Commands that ask: what they print, where, and that damage is said once."""

import json
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from sweep.driver import Outcome
from sweep.options import Form

RunTiny = Callable[..., Outcome]
Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(run_tiny: RunTiny) -> Path:
    return run_tiny("grid.seed=[0, 1]").run


def test_damage_is_said_once_and_the_rest_is_shown(run: Path, softsweep: Command) -> None:
    part = sorted((run / "predictions").iterdir())[0]
    part.write_bytes(part.read_bytes()[:-9])
    for command in (("leaderboard", run, "--metric", "acc"), ("tables", run)):
        code, out, err = softsweep(*command)
        assert code == 0
        assert "SM-F1" in out
        assert "BCE" in out
        assert err.count(f"softsweep: {part} is damaged (cut off): its arms do not count") == 1
    code, out, err = softsweep("plan", run, "--format", "json")
    assert code == 0
    assert f"{part} is damaged" in err
    code, out, err = softsweep("query", run, "SELECT count(*) AS n FROM arms", "--format", "json")
    assert (code, json.loads(out)["rows"]) == (0, [{"n": 3}])


def test_runs_are_merged_into_a_folder_that_is_given(
    run: Path, run_tiny: RunTiny, softsweep: Command, tmp_path: Path
) -> None:
    other = run_tiny("grid.seed=[1, 2]", out=tmp_path / "other").run
    code, out, err = softsweep("tables", run, other)
    assert (code, out) == (2, "")
    assert err == "softsweep: 2 runs are merged into a new folder: give it with --out\n"
    merged = tmp_path / "merged"
    code, out, err = softsweep("tables", run, other, "--out", merged)
    assert code == 0
    assert "mean over 3 seeds" in out
    assert (merged / "tables" / "scores.parquet").exists()
    assert run_tiny("grid.seed=[0, 1, 2]", out=merged).tried == 0
    code, out, err = softsweep("changes", run, merged)
    assert code == 0
    assert "Nothing changed: all 4 arms that are ok in both runs are bit-equal." in out


def test_every_table_is_printed_in_every_format(run: Path, softsweep: Command) -> None:
    commands: list[tuple[Any, ...]] = [
        ("leaderboard", run, "--metric", "acc"),
        ("changes", run, run),
        ("compare", run, "soft_macro_f1", "bce", "--metric", "acc"),
        ("per-class", run, "soft_macro_f1", "bce"),
        ("query", run, "FROM arms"),
        ("plan", run),
        ("losses",),
        ("tables", run),
    ]
    for form, command in product(Form, commands):
        code, out, err = softsweep(*command, "--format", form.value)
        assert code == 0, err
        assert out.strip()
        if form is Form.JSON:
            json.loads(out)
