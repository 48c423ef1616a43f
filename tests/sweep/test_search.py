"""A search on the tiny corpus: what it tries, what it chooses, and how it goes on."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from results.parts import read_groups
from results.records import recorded, winners
from results.searched import read_chosen, read_tries
from sweep.arms import Arm
from sweep.budget import search_budget
from sweep.driver import Outcome, build_features
from sweep.driving import Drive
from sweep.lease import Lease
from sweep.plan import Job, make_job, make_plan
from sweep.planlist import budget_tables, known_from_records
from sweep.prices import read_prices
from sweep.pruning import Bar
from sweep.sampling import Try
from sweep.search import Search, Searched
from sweep.session import Session
from sweep.specs import trial_specs
from sweep.status import Status
from sweep.trial import Trial
from sweep.workers import Allotment, Workers

SPACE = {"learning_rate": {"low": 1e-4, "high": 1e-1, "log": True}, "network.filters": [2, 4]}
SEARCH = {"metric": "macro_f1", "tries": 6, "batch": 2, "epochs": 2, "space": SPACE}


class Killed(BaseException):
    """Ends a driver at once, as a signal would."""


class Here:
    """Searches in a folder, and counts.

    Attributes:
        lines: what was said.
        trained: keys of the arms trained, in order.
    """

    def __init__(self, job: Job, kill_at: int) -> None:
        quiet = Console(quiet=True)
        self.job = job
        self.plan = make_plan(job, build_features(job, quiet))
        drive = Drive(Lease(job.run), Status(job.run, job.experiment.name))
        self.session = Session(self.plan, Workers("inline"), quiet, drive)
        self.lines: list[str] = []
        self.trained: list[str] = []
        self.kill_at = kill_at

    def train(
        self, wanted: Sequence[Arm], todo: Sequence[Arm], bars: Mapping[str, Sequence[Bar]]
    ) -> None:
        for arm in todo:
            if len(self.trained) == self.kill_at:
                raise Killed
            self.trained.append(arm.key)
            self.session.train(wanted, [arm], bars)

    def search(self) -> Searched:
        return Search(self.job, self.plan.features).run(self.train, self.lines.append)


Searching = Callable[..., Here]


@pytest.fixture
def searching(tiny: dict[str, Any], cache: Path, tmp_path: Path) -> Searching:
    """A search in `tmp_path / 'run'` with other settings, killed before so many arms."""
    tiny["grid"]["loss"] = ["bce"]

    def make(kill_at: int = -1, out: str = "run", grid: Any = None, **changes: Any) -> Here:
        tiny["search"] = SEARCH | changes
        tiny["grid"] |= grid or {}
        return Here(make_job(tiny, out=tmp_path / out, cache=cache), kill_at)

    return make


def tries(run: Path, **where: Any) -> list[dict[str, Any]]:
    rows = read_tries(run).to_pylist()
    return [row for row in rows if all(row[key] == value for key, value in where.items())]


def settings(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [json.loads(row["setting"]) for row in rows]


def scores(run: Path, arm: str, part: str) -> list[float]:
    """The macro-F1 of an arm after each epoch."""
    rows = [row for group in read_groups(run, "epochs") for row in group.to_pylist()]
    mine = [row for row in rows if (row["arm"], row["split"]) == (arm, part)]
    return [row["macro_f1"] for row in sorted(mine, key=lambda row: row["epoch"])]


def test_a_search_tries_settings_and_wants_the_best_trained(searching: Searching) -> None:
    here = searching(grid={"seed": [3, 4], "warmup_epochs": [0, 1]})
    found = here.search()
    rows = tries(here.job.run)
    assert [row["number"] for row in rows] == list(range(6))
    assert [row["batch"] for row in rows] == [0, 0, 1, 1, 2, 2]
    assert here.lines == [
        f"search: batch {batch} of 3, 1 study, 2 settings, 2 to train" for batch in (1, 2, 3)
    ]
    arms = {row["arm"]: row for row in winners(here.job.run).to_pylist()}
    assert found.tries == set(arms) == set(here.trained)
    assert {row["seed"] for row in arms.values()} == {1000}
    epochs = json.loads(arms[rows[0]["arm"]]["settings"])["epochs"]
    assert (epochs, rows[0]["epochs"]) == (2, 2)
    (best,) = [row for row in rows if row["best"]]
    assert best["value"] == max(row["value"] for row in rows)
    assert [(arm.seed, arm.train["warmup_epochs"]) for arm in found.arms] == [
        (3, 0), (4, 0), (3, 1), (4, 1),
    ]  # fmt: skip
    (setting,) = settings([best])
    for arm in found.arms:
        assert arm.train["learning_rate"] == setting["learning_rate"]
        assert arm.network["filters"] == setting["network.filters"]
    chosen = read_chosen(here.job.run).to_pylist()
    assert len({row["group"] for row in chosen}) == len(chosen) == 2
    assert {row["cell"] for row in chosen} == {arm.cell for arm in found.arms}
    assert found.lost == 0


def test_a_try_s_value_is_its_best_epoch_after_the_warm_up(searching: Searching) -> None:
    here = searching(tries=2, epochs=3, grid={"warmup_epochs": [1]})
    here.search()
    for row in tries(here.job.run):
        assert row["value"] == max(scores(here.job.run, row["arm"], "dev")[1:])


def interrupted(searching: Searching, points: Sequence[int], **changes: Any) -> Iterator[Here]:
    """Drivers that are each killed before they train so many arms."""
    for point in points:
        here = searching(point, **changes)
        with pytest.raises(Killed):
            here.search()
        yield here
    here = searching(**changes)
    here.search()
    yield here


@pytest.mark.parametrize("prune", [False, True])
def test_an_interrupted_search_goes_on_as_the_uninterrupted_one(
    searching: Searching, prune: bool
) -> None:
    changes = {"prune": prune, "tries": 8, "batch": 4, "epochs": 4}
    whole = searching(out="whole", **changes)
    found = whole.search()
    drivers = list(interrupted(searching, [0, 3, 2, 0, 2], **changes))
    trained = [arm for here in drivers for arm in here.trained]
    assert trained == whole.trained  # the same, nothing twice
    run = drivers[-1].job.run
    assert tries(run) == tries(whole.job.run)
    assert read_chosen(run).equals(read_chosen(whole.job.run))
    assert ("pruned" in recorded(run).values()) == prune
    again = searching(**changes)
    assert again.search() == found
    assert (again.trained, again.lines) == ([], [])


def test_what_a_study_asks_is_known_before_it_is_trained(searching: Searching) -> None:
    here = searching(kill_at=1)
    with pytest.raises(Killed):
        here.search()
    rows = tries(here.job.run)
    assert [(row["status"], row["value"], row["best"]) for row in rows] == [
        ("asked", None, False)
    ] * 2
    assert set(here.trained) < {row["arm"] for row in rows}


def test_an_earlier_choice_stays_known_as_such(searching: Searching) -> None:
    cells = []
    for number in (1, 6, 1):
        here = searching(tries=number, batch=1)
        here.search()
        chosen = read_chosen(here.job.run).to_pylist()
        cells += [row["cell"] for row in chosen if row["current"]]
        assert {row["cell"] for row in chosen} == set(cells)
    assert len(cells) == 3
    assert cells[0] == cells[2] != cells[1]


def test_lost_tries_are_made_again_from_records(searching: Searching) -> None:
    searching(prune=True, tries=6, epochs=3, batch=4).search()
    here = searching(prune=True, tries=6, epochs=3, batch=4)
    before = tries(here.job.run)
    for part in (here.job.run / "tries").iterdir():
        part.unlink()
    here.search()
    assert tries(here.job.run) == before
    assert here.trained == []


def test_more_tries_go_on_as_if_there_had_been_so_many(searching: Searching) -> None:
    whole = searching(out="whole", tries=7, batch=3)
    whole.search()
    searching(tries=4, batch=3).search()
    first = tries(searching().job.run)
    here = searching(tries=7, batch=3)
    here.search()
    rows = tries(here.job.run)
    assert rows == tries(whole.job.run)
    assert [row["setting"] for row in rows[:4]] == [row["setting"] for row in first]
    assert len(here.trained) == 3
    fewer = searching(tries=4, batch=3)  # the others stay known as tries, but do not count
    assert len(fewer.search().tries) == 4
    rows = tries(here.job.run)
    assert len(rows) == 7
    assert [row["best"] for row in rows[:4]] == [row["best"] for row in first]


def test_another_metric_is_another_study(searching: Searching) -> None:
    searching(tries=2).search()
    here = searching(tries=2, metric="acc")
    here.search()
    assert len({row["study"] for row in tries(here.job.run)}) == 2
    assert here.trained == []  # the first batch is drawn without knowing a value


def test_a_small_space_is_tried_whole(searching: Searching) -> None:
    space = {"learning_rate": [0.001, 0.01], "network.filters": {"low": 2, "high": 4, "step": 2}}
    here = searching(tries=9, space=space)
    here.search()
    assert settings(tries(here.job.run)) == [
        {"learning_rate": rate, "network.filters": filters}
        for rate in (0.001, 0.01)
        for filters in (2, 4)
    ]


def test_each_half_of_dev_is_told_only_what_it_saw(
    searching: Searching, tiny: dict[str, Any]
) -> None:
    tiny["corpus"]["test"] = 0
    here = searching(tries=4)
    found = here.search()
    halves = [tries(here.job.run, part=part) for part in ("dev/a", "dev/b")]
    assert settings(halves[0][:2]) == settings(halves[1][:2])  # trained once
    assert len(here.trained) == len(found.tries) < 8
    for part, rows in zip(("dev/a", "dev/b"), halves, strict=True):
        for row in rows:
            assert row["value"] == max(scores(here.job.run, row["arm"], part))
    chosen = {row["part"]: row for row in read_chosen(here.job.run).to_pylist()}
    assert len({row["group"] for row in chosen.values()}) == 1
    for part, rows in zip(("dev/a", "dev/b"), halves, strict=True):
        (best,) = settings([row for row in rows if row["best"]])
        assert json.loads(chosen[part]["setting"]) == best


def test_parameters_are_tried_for_the_losses_that_have_them(searching: Searching) -> None:
    losses = ["bce", {"name": "focal", "alpha": 0.5}]
    space = {"learning_rate": [0.01], "loss.gamma": [0.0, 1.0]}
    here = searching(tries=2, space=space, grid={"loss": losses})
    found = here.search()
    assert settings(tries(here.job.run, loss="bce")) == [{"learning_rate": 0.01}]
    assert [row["loss.gamma"] for row in settings(tries(here.job.run, loss="focal"))] == [0, 1]
    (focal,) = [arm for arm in found.arms if arm.loss == "focal"]
    assert focal.settings["loss.alpha"] == 0.5


def test_pruned_arms_stop_early_and_a_grid_trains_them_whole(searching: Searching) -> None:
    here = searching(tries=8, batch=4, epochs=4, prune=True)
    here.search()
    rows = tries(here.job.run)
    stopped = [row for row in rows if row["status"] == "pruned"]
    assert stopped
    assert all(row["batch"] > 0 and row["epochs"] < 4 for row in stopped)
    arms = {row["arm"]: row for row in winners(here.job.run).to_pylist()}
    for row in rows:
        assert (arms[row["arm"]]["status"], arms[row["arm"]]["epochs"]) == (
            row["status"],
            row["epochs"],
        )
    study = Search(here.job, here.plan.features).studies[0]
    whole = [study.arm(json.loads(row["setting"])) for row in stopped]
    here.session.train(whole, whole)  # as a grid that wants them
    assert {recorded(here.job.run)[arm.key] for arm in whole} == {"ok"}
    for part in (here.job.run / "tries").iterdir():
        part.unlink()
    again = searching(tries=8, batch=4, epochs=4, prune=True)
    again.search()
    assert tries(here.job.run) == rows  # judged as if they had been stopped
    assert again.trained == []


BAD = """
from model import loss

@loss(label="Bad")
def bad(logits, y):
    raise RuntimeError("no")

@loss(label="Wild")
def wild(logits, y, scale=1.0):
    return (logits * float("nan") ** (scale > 1)).square().mean()
"""


def test_a_study_without_a_usable_try_is_said_and_left_out(
    tiny: dict[str, Any], cache: Path, tmp_path: Path
) -> None:
    (tmp_path / "bad.py").write_text(BAD)
    tiny["grid"] |= {"loss": ["bad", "wild"]}
    space = {"loss.scale": [1.0, 2.0]}
    tiny["search"] = SEARCH | {"tries": 2, "space": space}
    job = make_job(tiny, out=tmp_path / "run", cache=cache, losses=[tmp_path / "bad.py"])
    here = Here(job, -1)
    found = here.search()
    said = "search: no try of Bad en b=16 on dev can be used, it is not trained"
    assert here.lines[-1] == said
    assert found.lost == 1
    assert [arm.loss for arm in found.arms] == ["wild"]
    assert found.arms[0].parameters == {}
    told = [(row["status"], row["value"] is None) for row in tries(job.run, loss="wild")]
    assert told == [("ok", False), ("diverged", True)]
    again = Here(job, -1)
    again.search()
    assert len(again.trained) == 1  # what failed is tried again where nothing else is known


MOODY = """
from pathlib import Path
from model import loss

@loss(label="Moody")
def moody(logits, y, scale=1.0):
    if scale > 1 and not Path({calm!r}).exists():
        raise RuntimeError("no")
    return (scale * logits - y).square().mean()
"""


def test_a_failed_try_is_said_and_tried_again_in_its_place(
    tiny: dict[str, Any], run_tiny: Callable[..., Outcome], softsweep: Any, tmp_path: Path
) -> None:
    calm = tmp_path / "calm"
    (tmp_path / "moody.py").write_text(MOODY.format(calm=str(calm)))
    tiny["grid"] |= {"loss": ["moody"]}
    tiny["search"] = SEARCH | {"tries": 2, "space": {"loss.scale": [1.0, 2.0]}}
    first = run_tiny(losses=[tmp_path / "moody.py"])
    assert (first.failed, first.failed_tries) == (0, 1)
    before = tries(first.run)
    assert sorted(row["status"] for row in before) == ["failed", "ok"]
    again = ("run", first.run, "--executor", "inline", "--trust-run-losses")
    status, _, err = softsweep(*again)
    assert status == 1
    assert "1 tries failed (tried again by the next run)" in err
    calm.touch()
    status, _, err = softsweep(*again)
    assert status == 0, err
    after = tries(first.run)
    assert [row["status"] for row in after] == ["ok", "ok"]
    assert [row["arm"] for row in after] == [row["arm"] for row in before]
    assert [one for one in after if one["best"]]


def test_the_budget_is_known_beforehand(searching: Searching, tiny: dict[str, Any]) -> None:
    tiny["corpus"]["test"] = 0
    here = searching(tries=5, grid={"loss": ["bce", "mse"], "seed": [0, 1, 2]})
    (budget,) = search_budget(here.job, here.plan.features)
    found = here.search()
    assert (budget.studies, budget.tries, budget.tried, budget.trained) == (4, 5, 16, 12)
    assert len(found.tries) <= budget.tried
    assert len(found.arms) <= budget.trained
    assert budget.epochs == 16 * 2 + 12 * 2
    known = known_from_records(here.plan, Workers())
    (row,) = budget_tables(here.plan, known, read_prices(None))[0].rows
    assert row[:-1] == ("en", 16, 4, 5, "16 x 2", "12 x 2")


def test_in_a_stack_only_those_stop_whom_all_their_bars_stop(
    searching: Searching, tiny: dict[str, Any]
) -> None:
    tiny["train"]["epochs"] = 4
    here = searching(tries=1, grid={"seed": [0, 1, 2, 3]})
    plan = here.plan
    arms = [arm.key for arm in plan.wanted]
    high, low = Bar("acc", "dev", {2: 1.1, 3: 1.1}), Bar("acc", "dev", {})
    bars = {arms[0]: [high], arms[1]: [high, low], arms[2]: [high, high]}
    (spec,) = trial_specs(plan, Allotment("cpu", width=4, threads=1, slots=1), bars)
    trial = Trial(spec, {})
    while not trial.advance().finished:
        pass
    rows = {row["arm"]: row for row in winners(here.job.run).to_pylist()}
    ended = [(rows[arm]["status"], rows[arm]["epochs"]) for arm in arms]
    assert ended == [("pruned", 2), ("ok", 4), ("pruned", 2), ("ok", 4)]
    assert {arm.key for arm in make_plan(here.job, plan.features).todo} == {arms[0], arms[2]}


def test_the_main_job_searches_and_trains_what_was_chosen(
    tiny: dict[str, Any], run_tiny: Callable[..., Outcome]
) -> None:
    tiny["search"] = SEARCH
    outcome = run_tiny("search.tries=2")
    assert (outcome.wanted, outcome.tried, outcome.failed, outcome.lost) == (6, 6, 0, 0)
    wanted = {row["cell"] for row in read_chosen(outcome.run).to_pylist()}
    whole = [row for row in winners(outcome.run).to_pylist() if row["seed"] == 0]
    assert {row["cell"] for row in whole} == wanted
    again = run_tiny("search.tries=2")
    assert (again.wanted, again.tried) == (6, 0)


def test_of_equal_tries_the_first_is_best() -> None:
    from sweep.search import _best

    told = [
        Try(number, 0, {}, "arm", value, status, 2)
        for number, (value, status) in enumerate(
            [(0.9, "pruned"), (0.4, "ok"), (0.5, "ok"), (0.5, "ok"), (None, "failed")]
        )
    ]
    best = _best(told)
    assert best is not None
    assert best.number == 2
