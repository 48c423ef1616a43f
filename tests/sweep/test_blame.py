"""Faults of machines and failures of arms are counted apart."""

import pytest

from sweep.executors.faults import (
    MACHINE_RETRIES,
    RETRIES,
    SETTLING,
    Blame,
    Fault,
    Faults,
    Verdict,
)


class World:
    """Machines, and a clock."""

    def __init__(self) -> None:
        self.known_lost: set[str] = set()
        self.silent: set[str] = set()
        self.now = 0.0
        self.asked = 0
        self.faults = Faults(self.known_lost.__contains__, self._answers, lambda: self.now)

    def _answers(self, node: str) -> bool:
        self.asked += 1
        return node not in self.silent

    def fails(self, node: str = "n", blame: Blame | None = None, begun: bool = True) -> Verdict:
        self.faults.add("t", Fault("killed", node, blame, begun))
        return self.faults.verdict("t")

    def later(self) -> Verdict:
        self.now += SETTLING
        return self.faults.verdict("t")


@pytest.fixture
def world() -> World:
    return World()


def test_a_process_that_dies_again_and_again_is_given_up_when_its_machine_lives(
    world: World,
) -> None:
    for _ in range(RETRIES):
        assert world.fails() is Verdict.AGAIN  # at once
    assert world.asked == 0
    assert world.fails() is Verdict.WAIT  # for its machine may be dying
    assert world.later() is Verdict.GIVE_UP
    assert world.faults.account("t") == "its process failed 3 times: killed"
    assert not world.faults.innocent("t")


def test_lost_machines_are_no_failures_of_the_arm(world: World) -> None:
    for number in range(MACHINE_RETRIES):
        assert world.fails(f"n{number}") is Verdict.AGAIN
        world.known_lost.add(f"n{number}")
    assert world.faults.innocent("t") is False  # of the last it is not known yet
    for _ in range(RETRIES):
        assert world.fails("living") is Verdict.AGAIN
    assert world.fails("living") is Verdict.WAIT
    assert world.later() is Verdict.GIVE_UP
    assert world.faults.account("t") == (
        "its process failed 3 times: killed (10 more tries were lost with their machines)"
    )


def test_a_machine_that_does_not_answer_is_lost_before_the_cluster_knows(world: World) -> None:
    world.silent.add("n")
    for _ in range(RETRIES):
        world.fails()
    assert world.fails() is Verdict.WAIT
    assert world.later() is Verdict.AGAIN
    assert world.faults.innocent("t")


def test_there_is_an_end_to_losing_machines(world: World) -> None:
    for _ in range(MACHINE_RETRIES):
        assert world.fails(blame=Blame.MACHINE) is Verdict.AGAIN
    world.fails(blame=Blame.PROCESS, begun=False)
    assert world.fails(blame=Blame.MACHINE) is Verdict.GIVE_UP
    assert world.faults.innocent("t")
    assert world.faults.account("t") == "11 tries were lost with their machines: killed"


def test_a_trial_that_hangs_is_tried_once_more(world: World) -> None:
    assert world.fails(blame=Blame.HANG) is Verdict.AGAIN
    assert world.fails(blame=Blame.MACHINE) is Verdict.AGAIN
    assert world.fails(blame=Blame.HANG) is Verdict.GIVE_UP
    assert world.faults.account("t") == (
        "it hung 2 times: killed (1 more try was lost with its machine)"
    )


def test_no_arm_is_to_blame_where_no_process_comes_up(world: World) -> None:
    world.fails(blame=Blame.PROCESS)
    world.fails(blame=Blame.PROCESS)
    for _ in range(RETRIES):
        assert world.fails(blame=Blame.PROCESS, begun=False) is Verdict.AGAIN
        assert world.faults.unstarted("t") == ""
    assert world.fails(blame=Blame.PROCESS, begun=False) is Verdict.GIVE_UP
    assert world.faults.unstarted("t") == "killed"


def test_processes_that_do_not_come_up_are_not_counted_with_those_that_die(world: World) -> None:
    world.fails(blame=Blame.PROCESS, begun=False)
    for _ in range(RETRIES):
        assert world.fails(blame=Blame.PROCESS) is Verdict.AGAIN
    assert world.fails(blame=Blame.PROCESS) is Verdict.GIVE_UP
    assert world.faults.unstarted("t") == ""
    assert world.faults.account("t") == "its process failed 3 times: killed"


def test_where_it_was_is_not_known(world: World) -> None:
    for _ in range(RETRIES + 1):
        world.fails(node="")
    assert world.later() is Verdict.GIVE_UP
    assert world.asked == 0
