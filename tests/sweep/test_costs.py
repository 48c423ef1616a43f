"""What it takes to train what is to do: paces, times, money."""

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweep.budget import Budget
from sweep.costs import Costs, Work, work_at_most
from sweep.pace import Pace, recorded_pace
from sweep.workers import Allotment

CPU, GPU = Allotment("cpu", 1, 2, 4), Allotment("cuda", 64, 1, 1)


def rows(*arms: dict[str, Any]) -> pa.Table:
    usual = {
        "status": "ok",
        "language": "en",
        "batch_size": 16,
        "seconds": 10.0,
        "epochs": 5,
        "device": "cpu",
        "threads": 1,
    }
    return pa.Table.from_pylist([usual | arm for arm in arms])


def test_the_pace_is_that_of_the_arms_recorded() -> None:
    arms = rows({}, {"seconds": 20.0}, {"batch_size": 32, "seconds": 5.0}, {"status": "diverged"})
    found = recorded_pace(arms)
    assert found == {("en", 16): Pace("cpu", 1, 3.0), ("en", 32): Pace("cpu", 1, 1.0)}


def test_devices_and_threads_are_not_mixed() -> None:
    arms = rows({}, {"device": "cuda", "seconds": 1.0}, {"threads": 2, "epochs": 30})
    assert recorded_pace(arms) == {("en", 16): Pace("cpu", 2, 10 / 30)}
    assert recorded_pace(arms, "cuda") == {("en", 16): Pace("cuda", 1, 0.2)}
    assert recorded_pace(arms, "mps") == {}


def test_core_hours_count_threads_and_gpu_hours_the_share() -> None:
    paces = {("en", 16): Pace("cpu", 2, 60.0, start=600.0)}
    costs = Costs.of([Work(("en", 16), 1, 30)] * 3, paces, CPU, 1)
    assert (costs.longest, costs.hours) == (2400.0, 4.0)
    paces = {("en", 16): Pace("cuda", 1, 1.0)}
    costs = Costs.of([Work(("en", 16), 64, 30)], paces, GPU, 2)
    assert costs.hours == pytest.approx(64 * 30 / 2 / 3600)


def test_what_has_no_pace_is_named() -> None:
    work = [Work(("en", 16), 1, 1), Work(("es", 16), 1, 1)]
    costs = Costs.of(work, {("en", 16): Pace("cpu", 1, 2.0)}, CPU, 1)
    assert costs.unknown == {("es", 16)}
    assert list(costs.trials) == [2.0]
    assert Costs.of(work, {}, CPU, 1).clock(3) == 0.0


@given(st.lists(st.floats(0.1, 100), min_size=1, max_size=20), st.integers(1, 8))
def test_the_clock_is_bounded_by_the_share_and_by_the_longest(
    trials: list[float], slots: int
) -> None:
    costs = Costs("cpu", 1, 1, trials, frozenset())
    clock, share = costs.clock(slots), sum(trials) / slots
    assert max(share, costs.longest) - 1e-9 <= clock <= share + costs.longest + 1e-9
    assert costs.clock(1) == pytest.approx(sum(trials))


def test_a_search_takes_at_most_all_its_tries_and_all_it_may_choose() -> None:
    budget = Budget("en", 16, 2, 5, tried=8, tried_epochs=3, trained=4, trained_epochs=30)
    work = work_at_most([budget])
    assert sum(one.arms * one.epochs for one in work) == budget.epochs
    assert len(work) == 12
