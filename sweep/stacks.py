"""Stacks: which arms are trained together by one trial. No torch here: planning cuts them too."""

import json
from collections.abc import Sequence
from itertools import pairwise

from model.settings import STACK_SHARED
from sweep.arms import Arm

Stack = tuple[Arm, ...]


def shape(arm: Arm) -> tuple[object, ...]:
    """What all arms of a stack have in common: features, batch size, network, some settings."""
    network = json.dumps(arm.network, sort_keys=True)
    shared = (arm.train[key] for key in STACK_SHARED)
    return (arm.corpus, arm.language, arm.features, arm.batch_size, network, *shared)


def cut(arms: Sequence[Arm], width: int, slots: int) -> list[Stack]:
    """Cut arms into stacks of nearly equal size, those that take longest first.

    Every slot gets a stack before any stack is widened. Within a stack arms are ordered by seed,
    because those of one seed read the same mini-batches.

    Args:
        arms: to be trained, in the order in which they are wanted.
        width: most arms of a stack.
        slots: trials that run at once.
    """
    alike: dict[tuple[object, ...], list[Arm]] = {}
    for arm in arms:
        alike.setdefault(shape(arm), []).append(arm)
    stacks = []
    for members in alike.values():
        fair = -(-len(members) * slots // len(arms))  # these arms' share of the slots, rounded up
        number = min(max(fair, -(-len(members) // width)), len(members))
        stacks += _evenly(sorted(members, key=lambda arm: arm.seed), number)
    return sorted(stacks, key=lambda stack: (stack[0].batch_size, -len(stack), stack[0].seed))


def _evenly(arms: Sequence[Arm], number: int) -> list[Stack]:
    """Consecutive pieces whose sizes differ by one at most."""
    ends = [len(arms) * piece // number for piece in range(number + 1)]
    return [tuple(arms[a:b]) for a, b in pairwise(ends)]
