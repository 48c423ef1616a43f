"""The commands as typed: what they print, their exit status, what they import."""

import csv
import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from model.catalogue import built_in_losses
from sweep.driver import Outcome

RunTiny = Callable[..., Outcome]
Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def experiment(tiny: dict[str, Any], tmp_path: Path) -> Path:
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump(tiny))
    return path


def test_run_prints_tables_on_standard_output_and_the_rest_on_standard_error(
    softsweep: Command, experiment: Path, tmp_path: Path
) -> None:
    arguments = ("run", experiment, "--out", tmp_path / "run", "--executor", "inline")
    status, out, err = softsweep(*arguments)
    assert status == 0
    assert out.startswith("Table 2: English (sample), test set")
    found, collapsed, done = err.splitlines()
    assert found.startswith("en: sample; n = ")
    assert collapsed.startswith("en (sample): ")
    assert "never predicts" in collapsed
    assert done == f"2 arms trained; tables and report.html are in {tmp_path / 'run' / 'tables'}"
    status, _, err = softsweep(*arguments, "--format", "json")
    assert status == 0
    assert "nothing to train: all 2 arms are recorded" in err


def test_a_failed_arm_makes_the_exit_status_1(
    softsweep: Command, experiment: Path, tmp_path: Path
) -> None:
    losses = tmp_path / "bad.py"
    losses.write_text(
        "from model import loss\n@loss(label='Bad')\ndef bad(z, y):\n    return z[99]"
    )
    run = ("run", experiment, "--out", tmp_path / "run", "--executor", "inline")
    status, _, err = softsweep(*run, "--losses", losses, "--set", "grid.loss=[bad, bce]")
    assert status == 1
    assert "failed Bad en b=16 seed=0: IndexError: index 99 is out of bounds" in err
    assert "2 arms trained, 1 failed (tried again by the next run)" in err


def test_tables_and_query_read_a_run_in_every_format(softsweep: Command, run_tiny: RunTiny) -> None:
    run = run_tiny().run
    for form in ("table", "csv", "json", "markdown", "latex"):
        status, out, _ = softsweep("tables", run, "--format", form)
        assert status == 0
        assert "SM-F1" in out
    sql = "SELECT label, batch_size AS b FROM arms ORDER BY label"
    _, out, _ = softsweep("query", run, sql, "--format", "csv")
    assert list(csv.reader(io.StringIO(out))) == [["label", "b"], ["BCE", "16"], ["SM-F1", "16"]]
    _, out, _ = softsweep("query", run, sql, "--format", "json")
    assert json.loads(out)["rows"][0] == {"label": "BCE", "b": 16}


def test_plan_counts_what_is_to_do(
    softsweep: Command, experiment: Path, run_tiny: RunTiny, tmp_path: Path
) -> None:
    run_tiny()
    status, out, _ = softsweep(
        "plan",
        experiment,
        "--out",
        tmp_path / "run",
        "--set",
        "grid.seed=[0, 1]",
        "--format",
        "csv",
    )
    assert status == 0
    assert next(csv.DictReader(io.StringIO(out)))["to do"] == "2"


def test_plan_tells_the_stacks_it_would_cut(
    softsweep: Command, experiment: Path, run_tiny: RunTiny, tmp_path: Path
) -> None:
    run_tiny()  # builds the features
    plan = ("plan", experiment, "--out", tmp_path / "new", "--set", "grid.seed=[0, 1, 2]")
    status, out, _ = softsweep(*plan, "--threads", 1000, "--width", 4)
    assert status == 0
    said = "CPU: 2 (arms in the largest: 3, trained at once: 1, threads of each: 1000)"
    assert said in " ".join(out.split())


def test_plan_tells_the_budget_of_a_search(
    softsweep: Command, experiment: Path, run_tiny: RunTiny, tmp_path: Path
) -> None:
    run_tiny()  # builds the features
    search = "search={metric: acc, tries: 2, seed: 7, epochs: 1, space: {learning_rate: [0.1, 1]}}"
    plan = ("plan", experiment, "--out", tmp_path / "new", "--set", search, "--format", "csv")
    status, out, _ = softsweep(*plan, "--set", "grid.seed=[0, 1, 2]")
    assert status == 0
    (row,) = csv.DictReader(io.StringIO(out))
    assert (row["studies"], row["tries each"]) == ("2", "2")
    assert (row["arms tried x epochs"], row["arms trained x epochs"]) == ("4 x 1", "6 x 2")


def test_any_two_losses_are_shown_class_by_class(softsweep: Command, run_tiny: RunTiny) -> None:
    run = run_tiny().run
    asked = ("per-class", run, "soft_macro_f1", "bce", "--chosen-by", "macro_f1")
    status, out, _ = softsweep(*asked, "--format", "csv")
    assert status == 0
    assert out.startswith("class,SM-F1 P,SM-F1 R,SM-F1 F1,BCE P,BCE R,BCE F1\n")
    assert [line.split(",")[0] for line in out.splitlines()[-2:]] == ["MACRO", "MICRO"]
    status, _, err = softsweep(*asked[:-1], "f1")
    assert (status, "no metric named f1" in err) == (2, True)


def test_leaderboard_ranks_the_losses_of_a_run(softsweep: Command, run_tiny: RunTiny) -> None:
    run = run_tiny().run
    status, out, _ = softsweep("leaderboard", run, "--metric", "macro_f1", "--format", "csv")
    assert status == 0
    assert {row["Loss"] for row in csv.DictReader(io.StringIO(out))} == {"SM-F1", "BCE"}
    status, _, err = softsweep("leaderboard", run, "--metric", "macro_f1", "--language", "es")
    assert (status, "no arms of language es" in err) == (2, True)


def test_features_shows_the_corpus(softsweep: Command, experiment: Path) -> None:
    status, out, _ = softsweep("features", experiment, "--stats")
    assert status == 0
    assert "surprise" in out
    assert "en train" in out
    _, out, _ = softsweep("features", experiment, "--stats", "--format", "json")
    tables = json.loads(out)
    assert list(tables)[:2] == ["features", "corpus"]
    assert tables["corpus"][-1]["class"] == "SAMPLES"


def test_losses_lists_built_in_and_user_losses(softsweep: Command, tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text("from model import loss\n@loss(label='Mine')\ndef mine(z, y): ...")
    status, out, _ = softsweep("losses", path, "--format", "csv")
    assert status == 0
    assert [row["name"] for row in csv.DictReader(io.StringIO(out))] == [
        *[loss.name for loss in built_in_losses()],
        "mine",
    ]


BAD_REQUESTS = {
    "no run folder": (["tables", "nowhere"], "nowhere"),
    "bad SQL": (["query", "{run}", "SELEC 1"], "SELEC"),
    "unknown view": (["query", "{run}", "SELECT * FROM armss"], "armss"),
    "unknown experiment": (["plan", "sampel"], "one of: losses, paper, sample"),
    "no data": (["run", "paper", "--out", "{run}2"], "--data DIR"),
    "no such data folder": (["run", "paper", "--data", "/nowhere"], "/nowhere"),
    "missing loss file": (["losses", "nope.py"], "nope.py"),
    "no width": (["run", "sample", "--out", "{run}2", "--width", "0"], "--width 0"),
    "no threads": (["plan", "sample", "--threads", "0"], "--threads 0: expected at least 1"),
}


@pytest.mark.parametrize(("arguments", "named"), BAD_REQUESTS.values(), ids=BAD_REQUESTS.keys())
def test_a_wrong_request_is_one_sentence_and_exit_status_2(
    softsweep: Command, run_tiny: RunTiny, arguments: list[str], named: str
) -> None:
    run = run_tiny().run
    status, out, err = softsweep(*(argument.format(run=run) for argument in arguments))
    assert status == 2
    assert out == ""
    assert err.startswith("softsweep: ")
    assert err.count("\n") == 1
    assert named in err
    assert not Path(f"{run}2").exists()  # nothing half-written


def loaded_by(*arguments: str) -> set[str]:
    """Top-level modules that a command loads."""
    code = (
        "import sys\nfrom sweep import cli\n"
        f"sys.argv = ['softsweep', *{arguments!r}]\n"
        "try:\n    cli.main()\nexcept SystemExit:\n    pass\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name.split(".")[0] for name in done.stderr.split()}


def test_commands_that_only_read_load_neither_torch_nor_ray(
    run_tiny: RunTiny, experiment: Path, cache: Path, tmp_path: Path
) -> None:
    run = str(run_tiny().run)
    for arguments in (
        ["--help"],
        ["losses"],
        ["query", run, "SELECT 1"],
        ["tables", run],
        ["status", run],
        ["plan", str(experiment), "--out", run, "--cache", str(cache)],
    ):
        assert not loaded_by(*arguments) & {"torch", "ray"}, arguments
    plan = ["plan", str(experiment), "--out", run, "--cache", str(cache)]
    assert "pandas" not in loaded_by(*plan)  # half a second, for nothing


def test_the_help_of_query_names_every_view() -> None:
    from results.sql import VIEWS
    from sweep.commands.records import query

    assert [name for name in VIEWS if name not in (query.__doc__ or "")] == []
