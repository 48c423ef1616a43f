"""The probe trains for a moment what would be trained, records nothing, and tells time and cost."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from sweep.errors import ExperimentError
from sweep.plan import Plan, find_features, make_job, make_plan
from sweep.planlist import known_from_records, plan_tables
from sweep.prices import read_prices
from sweep.probe import known_from_probe
from sweep.workers import Workers

Command = Callable[..., tuple[int, str, str]]

FAILING = "from model import loss\n@loss(label='Bad')\ndef bad(z, y):\n    return z[99]\n"


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sweep.probe.SECONDS", 0.05)


@pytest.fixture
def plan(tiny: dict[str, Any], cache: Path, tmp_path: Path, run_tiny: Callable[..., Any]) -> Plan:
    run_tiny("grid.seed=[5]", out=tmp_path / "other")  # builds the features
    job = make_job(tiny, out=tmp_path / "new", cache=cache, overrides=["grid.batch_size=[8, 16]"])
    return make_plan(job, find_features(job))


def test_a_probe_finds_the_pace_of_each_batch_size_and_records_nothing(plan: Plan) -> None:
    said: list[str] = []
    known = known_from_probe(plan, plan.todo, Workers(device="cpu", slots=3), said.append)
    assert said == ["probing cpu: en b=8, en b=16"]
    assert set(known.paces) == {("en", 8), ("en", 16)}
    for pace in known.paces.values():
        assert pace.device == "cpu"
        assert 0 < pace.epoch < 5
        assert pace.start >= 0
    assert (known.allotment.slots, known.unit) == (3, "core")
    assert not plan.job.run.exists()
    table, money = plan_tables(plan, known, None, read_prices(None))
    assert "unknown" not in str(table.rows)
    assert "c7i.4xlarge" in {row[0] for row in money.rows}
    assert any("m7i.large on demand" in note for note in money.notes)
    assert "g5.xlarge" not in {row[0] for row in money.rows}


def test_what_cannot_be_trained_is_passed_by_unless_it_is_all(
    tiny: dict[str, Any], plan: Plan, tmp_path: Path
) -> None:
    path = tmp_path / "bad.py"
    path.write_text(FAILING)
    for losses in (["bad", "bce"], ["bad"]):
        tiny["grid"]["loss"] = losses
        job = make_job(tiny, out=tmp_path / "new", cache=plan.job.cache, losses=[path])
        some = make_plan(job, plan.features)
        if len(losses) > 1:
            known = known_from_probe(some, some.todo, Workers(device="cpu"), print)
            assert set(known.paces) == {("en", 16)}
        else:
            with pytest.raises(ExperimentError, match="no arm can be trained: Bad en b=16: Index"):
                known_from_probe(some, some.todo, Workers(device="cpu"), print)


def test_losses_that_a_run_folder_brings_are_not_executed(
    tiny: dict[str, Any], cache: Path, tmp_path: Path, run_tiny: Callable[..., Any]
) -> None:
    path = tmp_path / "mine.py"
    path.write_text("from model import loss\n@loss(label='M')\ndef m(z, y): return (z - y).sum()\n")
    run = run_tiny("grid.loss=[m]", losses=[path]).run
    job = make_job(run, cache=cache, overrides=["grid.seed=[1]"])
    again = make_plan(job, find_features(job))
    with pytest.raises(ExperimentError, match="the run folder brings losses of its own"):
        known_from_probe(again, again.todo, Workers(device="cpu"), print)


def test_plan_probes_when_asked_and_prices_by_the_table_given(
    softsweep: Command, plan: Plan, tiny: dict[str, Any], tmp_path: Path
) -> None:
    experiment, prices = tmp_path / "tiny.yaml", tmp_path / "prices.yaml"
    experiment.write_text(yaml.safe_dump(tiny))
    prices.write_text(
        "{as_of: 2026-01-01, source: us, currency: EUR, instances: {box: {cores: 2, on_demand: 1}}}"
    )
    asked = ("plan", experiment, "--out", tmp_path / "new", "--prices", prices)
    status, out, _ = softsweep(*asked, "--format", "csv")
    (row,) = csv.DictReader(io.StringIO(out))
    assert (status, row["core time"]) == (0, "unknown: add --probe")
    status, out, err = softsweep(*asked, "--probe", "--device", "cpu", "--slots", 5)
    assert status == 0
    assert "probing cpu: en b=16" in err
    said = " ".join(out.split())
    assert "core time: by the pace of a probe of" in said
    assert "5 trials at once take" in said
    assert "Money for what is to do, EUR" in said
    assert "prices of 2026-01-01: us" in said
    status, out, _ = softsweep(*asked, "--probe", "--device", "cpu", "--format", "json")
    (machine,) = json.loads(out)["money"]
    assert (machine["machine"], machine["trials each"], machine["spot"]) == ("box", 2, None)


def test_the_money_of_a_search_is_at_most(
    softsweep: Command, plan: Plan, tiny: dict[str, Any], tmp_path: Path
) -> None:
    tiny["search"] = {"metric": "acc", "tries": 2, "space": {"learning_rate": [0.1, 1]}}
    experiment = tmp_path / "tiny.yaml"
    experiment.write_text(yaml.safe_dump(tiny))
    asked = ("plan", experiment, "--out", tmp_path / "new", "--probe", "--device", "cpu")
    status, out, _ = softsweep(*asked)
    assert status == 0
    assert "at most: parts of dev may try" in out
    assert "Money for what is to do, at most" in out


def test_time_is_by_the_records_where_nothing_is_probed(
    tiny: dict[str, Any], cache: Path, run_tiny: Callable[..., Any]
) -> None:
    run = run_tiny().run
    job = make_job(tiny, out=run, cache=cache, overrides=["grid.seed=[0, 1]"])
    plan = make_plan(job, find_features(job))
    table, money = plan_tables(plan, known_from_records(plan, Workers()), None, read_prices(None))
    assert "the arms of this run that are recorded (cpu)" in str(table.notes)
    assert money.rows


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--address", "auto"), "--address auto: without --probe nothing is asked of a cluster"),
        (("--slots", 0), "--slots 0: expected at least 1"),
        (("--prices", "nowhere.yaml"), "--prices nowhere.yaml: cannot be read"),
    ],
)
def test_wrong_options(softsweep: Command, options: tuple[object, ...], said: str) -> None:
    status, out, err = softsweep("plan", "sample", *options)
    assert (status, out) == (2, "")
    assert said in err
