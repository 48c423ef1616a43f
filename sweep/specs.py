"""Trials as they travel to workers: names and settings, nothing large."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from model.catalogue import LossSource
from results.mirror import uri_of
from sweep.checkpoints import stacks_under_way
from sweep.plan import Plan
from sweep.pruning import Bar
from sweep.stacks import Stack, cut
from sweep.workers import Allotment

NO_BARS: Mapping[str, Sequence[Bar]] = MappingProxyType({})


@dataclass(frozen=True)
class TrialSpec:
    """What a worker needs to know: names and settings, a few kilobytes.

    Attributes:
        name: begins the names of the parts that will be written; no other trial has it.
        run: run folder.
        features: folder of the feature cache entry.
        arms: the stack.
        losses: the losses of its arms, by name, with their source text.
        device: `cpu`, `cuda` or `mps`.
        width: most arms to train together.
        threads: of the trial's arithmetic.
        bars: what stops arms early, by their keys; an arm is stopped when all its bars say so.
        keep_weights: whether arms leave the weights of their chosen epochs.
        stall_after: seconds without a step after which the trial counts as hung; 0 for never.
        store: URI of the run, where it lies in a store; `run` is then the driver's mirror.
        cache_store: URI of the feature cache, where that lies in one.
    """

    name: str
    run: Path
    features: Path
    arms: Stack
    losses: Mapping[str, LossSource]
    device: str
    width: int
    threads: int
    bars: Mapping[str, Sequence[Bar]] = field(default_factory=dict)
    keep_weights: bool = False
    stall_after: float = 0.0
    store: str = ""
    cache_store: str = ""

    @property
    def epochs(self) -> int:
        """Epochs that the stack trains."""
        return int(self.arms[0].train["epochs"])

    @property
    def all_words(self) -> str:
        """The trial as people know it."""
        return self.words(range(len(self.arms)))

    def words(self, chunk: range) -> str:
        """Some of the arms, by their indices, as people know them."""
        first = self.arms[chunk[0]].words
        return first if len(chunk) == 1 else f"{first} and {len(chunk) - 1} more"


def trial_specs(
    plan: Plan, allotment: Allotment, bars: Mapping[str, Sequence[Bar]] = NO_BARS
) -> list[TrialSpec]:
    """The trials that train what is to do: those under way first, then those that take longest.

    Args:
        plan: what is to do.
        allotment: how trials are run.
        bars: what stops arms early, by their keys.
    """
    run, width = plan.job.run, allotment.width
    under_way = stacks_under_way(run, plan.todo, allotment.device, width)
    left = {arm.key for stack in under_way for arm in stack}
    rest = [arm for arm in plan.todo if arm.key not in left]
    attempt = secrets.token_hex(4)  # an arm that failed before is recorded under another name
    return [
        TrialSpec(
            name=f"{stack[0].key}-{attempt}",
            run=run,
            features=plan.features[stack[0].language].path,
            arms=stack,
            losses={arm.loss: plan.job.losses[arm.loss] for arm in stack},
            device=allotment.device,
            width=width,
            threads=allotment.threads,
            bars={arm.key: bars[arm.key] for arm in stack if arm.key in bars},
            keep_weights=plan.job.keep_weights,
            stall_after=allotment.stall_after,
            store=uri_of(run),
            cache_store=uri_of(plan.job.cache),
        )
        for stack in [*under_way, *cut(rest, width, allotment.slots)]
    ]


def halves(spec: TrialSpec, first: int) -> list[TrialSpec]:
    """Trials of the arms from `first` on, in two halves; one trial where there is one such arm."""
    rest = spec.arms[first:]
    cuts = (rest[: len(rest) // 2], rest[len(rest) // 2 :])
    return [
        replace(spec, name=f"{spec.name}{letter}", arms=arms)
        for letter, arms in zip("ab", cuts, strict=True)
        if arms
    ]
