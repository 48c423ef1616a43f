"""`softsweep import`: what `predict` wrote comes back as an arm, and runs go on beside it."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from features.later import find_entry
from results import open_run
from results.records import recorded
from sweep.driver import Outcome

RunTiny = Callable[..., Outcome]
Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(trained: Callable[[int], Path], tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained(60), tmp_path / "run"))


@pytest.fixture
def theirs(run: Path, softsweep: Command, cache: Path, tmp_path: Path) -> Path:
    """What the BCE arm predicts for test."""
    test = find_entry(cache, open_run(run).arms["features"][0]).split("test")
    lines = ["id\ttext", *(f"{i}\t{text}" for i, text in zip(test.ids, test.texts, strict=True))]
    (tmp_path / "test.tsv").write_text("\n".join(lines) + "\n")
    _, out, _ = softsweep("predict", run, "bce", tmp_path / "test.tsv", "--format", "csv")
    (tmp_path / "theirs.csv").write_text(out)
    return tmp_path / "theirs.csv"


def test_predictions_of_an_arm_score_as_the_arm(
    softsweep: Command, run: Path, theirs: Path
) -> None:
    arguments = ("import", run, theirs, "--name", "theirs", "--label", "Theirs")
    status, _, err = softsweep(*arguments)
    assert status == 0
    assert err == (
        f"theirs, seed 0, sample en: 60 test texts; `softsweep tables {run}` has it in every "
        "table\n"
    )
    frame = open_run(run).scores
    frame = frame[(frame["threshold"] == "0.5") & (frame["chosen_by"] == "own")]
    values = frame.set_index(["label", "metric"])["value"]
    assert values["Theirs"].to_dict() == pytest.approx(values["BCE"].to_dict(), abs=1e-12)
    status, _, err = softsweep(*arguments)
    assert (status, "nothing is changed" in err) == (0, True)
    status, out, _ = softsweep("tables", run)
    assert status == 0
    assert "Theirs" in out


def test_a_run_goes_on_beside_what_was_imported(
    softsweep: Command, run: Path, theirs: Path, run_tiny: RunTiny
) -> None:
    softsweep("import", run, theirs, "--name", "theirs")
    outcome = run_tiny()
    assert (outcome.tried, outcome.failed) == (0, 0)
    assert len(recorded(run)) == 3
    assert softsweep("plan", run)[0] == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["theirs.csv", "--name", "mse"], "--name mse: is a built-in loss; expected another name"),
        (["theirs.csv", "--name", "BCE"], "--name BCE: is a built-in loss; expected another name"),
        (["theirs.csv", "--name", "x", "--label", "bce"], "--label bce: is a built-in loss"),
        (["theirs.csv", "--name", "x", "--split", "train"], "--split train: expected one of test,"),
        (["none.csv", "--name", "x"], "none.csv: cannot be read"),
        (["theirs.doc", "--name", "x"], "theirs.doc: expected a name that ends in one of .csv"),
        (["noid.csv", "--name", "x"], "noid.csv: no column 'id'; expected it among name, anger"),
        (["few.jsonl", "--name", "x"], "few.jsonl: no column 'anger'; expected it among id"),
    ],
)
def test_wrong_requests_are_one_sentence(
    softsweep: Command,
    run: Path,
    theirs: Path,
    arguments: list[str],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(theirs.parent)
    Path("noid.csv").write_text("name,anger\n1,1\n")
    ids = (f'{{"id": "sample-en-test-{place:05d}"}}\n' for place in range(60))
    Path("few.jsonl").write_text("".join(ids))
    before = sorted(run.rglob("*"))
    status, out, err = softsweep("import", run, *arguments)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert said in err
    assert sorted(run.rglob("*")) == before
