"""The median rule: bars from earlier tries, and what they stop."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweep.judging import Course, Verdict, judge
from sweep.pruning import Bar, best_so_far, draw_bar

EARLIER = [[0.1, 0.2, 0.4], [0.3, 0.2, 0.3], [0.0, 0.6, 0.5], [0.2, 0.1, 0.8]]
"""Scores of four tries of three epochs."""


def bar(curves: Sequence[Sequence[float]], epochs: int = 3, warmup: int = 0) -> Bar:
    return draw_bar("acc", "dev", epochs, [best_so_far(curve, warmup) for curve in curves])


def course(scores: Sequence[float], status: str = "ok") -> Course:
    return Course(status, {"dev": list(scores)})


def test_a_bar_is_the_median_of_the_best_so_far() -> None:
    assert best_so_far([0.3, 0.2, 0.4], 0) == {1: 0.3, 2: 0.3, 3: 0.4}
    assert bar(EARLIER).least == {1: pytest.approx(0.15), 2: pytest.approx(0.25)}


def test_there_is_none_before_the_fourth_try_nor_at_the_last_epoch() -> None:
    assert bar(EARLIER[:3]).least == {}
    assert set(bar(EARLIER, epochs=4).least) == {1, 2, 3}


def test_a_stopped_try_counts_on_with_what_it_had_reached() -> None:
    assert bar([*EARLIER[:3], [0.5, 0.5]], epochs=4).least[3] == pytest.approx((0.4 + 0.5) / 2)


def test_the_warm_up_is_no_part_of_it() -> None:
    assert best_so_far([0.9, 0.2, 0.4], 1) == {2: 0.2, 3: 0.4}
    after = bar(EARLIER, warmup=1)
    assert set(after.least) == {2}
    assert after.stops([0.9, 0.0, 0.0], warmup=1) is None  # not in the first epoch after it
    assert bar(EARLIER, epochs=4, warmup=1).stops([0.9, 0.0, 0.0], warmup=1) == 3


def test_who_lags_is_stopped_from_the_second_epoch_on() -> None:
    least = bar(EARLIER)
    assert least.stops([0.0], 0) is None
    assert least.stops([0.0, 0.24], 0) == 2
    assert least.stops([0.0, 0.26], 0) is None
    assert least.stops([0.25, 0.0], 0) is None  # the median itself is enough


def test_an_arm_that_went_on_is_judged_as_if_it_had_been_stopped() -> None:
    stopped = judge(course([0.1, 0.2], "pruned"), 0, bar(EARLIER))
    assert stopped == Verdict(0.2, "pruned", 2)
    assert judge(course([0.1, 0.2, 0.9]), 0, bar(EARLIER)) == stopped
    assert judge(course([0.1, 0.2], "diverged"), 0, bar(EARLIER)) == stopped


def test_what_was_stopped_for_another_study_may_be_too_short_for_this_one() -> None:
    short = course([0.1, 0.3], "pruned")
    assert not short.settles(0, bar(EARLIER))
    assert course([0.1, 0.2], "pruned").settles(0, bar(EARLIER))
    assert course([0.1, 0.3], "diverged").settles(0, bar(EARLIER))
    assert not course([], "failed").settles(0, bar(EARLIER))


def test_verdicts_without_pruning() -> None:
    none = bar([])
    assert judge(course([0.1, 0.9, 0.3]), 0, none) == Verdict(0.9, "ok", 3)
    assert judge(course([0.9, 0.1, 0.3]), 1, none) == Verdict(0.3, "ok", 3)
    assert judge(course([0.9], "diverged"), 0, none) == Verdict(None, "diverged", 1)
    assert judge(course([], "failed"), 0, none) == Verdict(None, "failed", 0)


Scores = st.lists(st.floats(0, 1), min_size=6, max_size=6)


@given(st.lists(Scores, min_size=4, max_size=8), Scores, st.integers(0, 2))
def test_a_verdict_does_not_depend_on_how_far_the_arm_went(
    curves: list[list[float]], scores: list[float], warmup: int
) -> None:
    least = bar(curves, epochs=6, warmup=warmup)
    verdict = judge(course(scores), warmup, least)
    for done in range(verdict.epochs, 6):
        assert judge(course(scores[:done], "pruned"), warmup, least) == verdict
