"""`run --keep-weights`: a file an arm, and nothing else is different."""

from collections.abc import Callable
from pathlib import Path

import pytest

from model.weights import open_weights
from results import RecordError, open_run, query
from sweep.driver import Outcome
from sweep.workers import Workers

RunTiny = Callable[..., Outcome]
Command = Callable[..., tuple[int, str, str]]

LOGITS = "SELECT arm, split, epoch, chosen_by, example, logits FROM predictions ORDER BY ALL"


def test_every_arm_leaves_a_file_and_records_the_same(run_tiny: RunTiny, tmp_path: Path) -> None:
    kept = run_tiny(keep_weights=True)
    plain = run_tiny(out=tmp_path / "plain")
    assert query(kept.run, LOGITS).equals(query(plain.run, LOGITS))
    assert not (plain.run / "weights").exists()
    arms = open_run(kept.run).arms.set_index("arm")
    files = {path.stem: open_weights(path) for path in (kept.run / "weights").iterdir()}
    assert set(files) == set(arms.index)
    for key, file in files.items():
        assert file.facts["arm"] == key
        assert file.facts["features"] == arms.loc[key, "features"]
        assert len(file.facts["labels"]) == 11
    sql = "SELECT DISTINCT arm, unnest(chosen_by) AS rule, epoch FROM predictions"
    chosen = {(row["arm"], row["rule"]): row["epoch"] for row in query(kept.run, sql).to_pylist()}
    assert chosen == {
        (key, rule): epoch for key, file in files.items() for rule, epoch in file.rules.items()
    }


def test_arms_of_a_stack_leave_their_own(run_tiny: RunTiny) -> None:
    stacked = run_tiny(keep_weights=True, workers=Workers("inline", width=2)).run
    rules = [open_weights(path).rules for path in sorted((stacked / "weights").iterdir())]
    assert len(rules) == 2
    networks = [
        open_weights(path).network(rules[place]["own"]).filters
        for place, path in enumerate(sorted((stacked / "weights").iterdir()))
    ]
    assert not networks[0].equal(networks[1])


def test_arms_recorded_without_weights_are_counted_and_not_trained_again(
    run_tiny: RunTiny,
) -> None:
    run_tiny()
    again = run_tiny("grid.seed=[0, 1]", keep_weights=True)
    assert (again.tried, again.weightless) == (2, 2)
    assert len(list((again.run / "weights").iterdir())) == 2
    assert run_tiny("grid.seed=[0, 1]").weightless == 0  # none are asked for


def test_the_command_says_how_many_have_none(softsweep: Command, run_tiny: RunTiny) -> None:
    run = run_tiny().run
    status, _, err = softsweep("run", run, "--executor", "inline", "--keep-weights")
    assert status == 0
    assert "2 without weights, recorded before they were kept" in err


def test_an_arm_does_not_count_before_its_weights_are_there(
    run_tiny: RunTiny, tmp_path: Path
) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "weights").write_text("in the way")
    with pytest.raises(RecordError, match="weights"):
        run_tiny(keep_weights=True)
    assert not list((tmp_path / "run").glob("arms/*.parquet"))


@pytest.mark.slow
def test_workers_leave_them_too(run_tiny: RunTiny, tmp_path: Path) -> None:
    inline = run_tiny(keep_weights=True).run
    ray = run_tiny(keep_weights=True, executor="ray", out=tmp_path / "ray").run
    for path in (inline / "weights").iterdir():
        assert (ray / "weights" / path.name).read_bytes() == path.read_bytes()
