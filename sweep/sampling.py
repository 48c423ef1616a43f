"""Which settings a study tries next: all of a small space in order, else Optuna's TPE.

A batch of settings is a function of what was told before it and of nothing else. Optuna's sampler
keeps a random state that a study made again from its trials lacks, so that study would suggest
other settings; here every batch has a sampler of its own, seeded by the number of the batch.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from model.parameters import Value
from sweep.space import Choices, Range, Setting, Space, all_settings, size

if TYPE_CHECKING:
    import optuna
    from optuna.distributions import BaseDistribution

LEARNS_FROM = 4
"""Told tries from which on TPE draws; before, it has too little to learn from."""

REDRAWN = 20
"""Times that a setting which was tried already is drawn again."""


@dataclass(frozen=True)
class Try:
    """What a study tried, and what became of it.

    Attributes:
        number: from 0.
        batch: of settings asked for together, from 0.
        setting: the setting.
        arm: key of the arm that was trained with it.
        value: what the study maximises; None where it is not known.
        status: `ok`, `pruned`, `diverged` or `failed`.
        epochs: epochs that it was judged on.
    """

    number: int
    batch: int
    setting: Setting
    arm: str
    value: float | None
    status: str
    epochs: int


def next_settings(
    space: Space, told: Sequence[Try], count: int, tries: int, seed: int
) -> list[Setting]:
    """The next batch: settings that were not tried before.

    Args:
        space: what is tried.
        told: the tries of all earlier batches, in order.
        count: settings to ask for; there are fewer where the space ends.
        tries: that the study will have; a space of no more settings is gone through in order.
        seed: of this batch's sampler.
    """
    known = [attempt.setting for attempt in told]
    if size(space) <= tries:
        return list(islice((s for s in all_settings(space) if s not in known), count))
    with _quiet():
        study = _study(space, told, seed)
        settings: list[Setting] = []
        while len(settings) < count and (setting := _draw(study, space, known)):
            settings.append(setting)
            known.append(setting)
    return settings


def _draw(study: "optuna.Study", space: Space, known: Sequence[Setting]) -> Setting | None:
    """A setting that is not known yet; None where four digits tell no more of them apart."""
    distributions = {name: _distribution(axis) for name, axis in space.items()}
    for _ in range(REDRAWN):
        drawn = study.ask(distributions).params
        setting = {name: _rounded(drawn[name], axis) for name, axis in space.items()}
        if setting not in known:
            return setting
    return next((setting for setting in all_settings(space) if setting not in known), None)


def _rounded(value: Value, axis: Choices | Range) -> Value:
    """A value with few digits: a setting is read by people."""
    return value if not isinstance(axis, Range) or isinstance(value, str) else axis.nearest(value)


def _study(space: Space, told: Sequence[Try], seed: int) -> "optuna.Study":
    """A study that was told of these tries."""
    import optuna

    sampler = optuna.samplers.TPESampler(
        n_startup_trials=LEARNS_FROM, constant_liar=True, seed=seed
    )
    study = optuna.create_study(direction="maximize", sampler=sampler)
    distributions = {name: _distribution(axis) for name, axis in space.items()}
    for attempt in told:
        study.add_trial(
            optuna.trial.create_trial(
                params=attempt.setting, distributions=distributions, **_outcome(attempt)
            )
        )
    return study


def _outcome(attempt: Try) -> dict[str, Any]:
    """What Optuna is told of a try.

    A pruned one ranks behind all that went to the end. One that diverged ranks last, so that the
    sampler keeps away from there; one that failed says nothing about its setting.
    """
    from optuna.trial import TrialState

    if attempt.status == "ok":
        return {"state": TrialState.COMPLETE, "value": attempt.value}
    if attempt.status == "pruned":
        reached = {attempt.epochs: attempt.value}
        return {"state": TrialState.PRUNED, "intermediate_values": reached}
    return {"state": TrialState.PRUNED if attempt.status == "diverged" else TrialState.FAIL}


def _distribution(axis: Choices | Range) -> "BaseDistribution":
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if not isinstance(axis, Range):
        return CategoricalDistribution(axis)
    high = axis.high if axis.count is None else axis.at(axis.count - 1)  # where steps end
    if isinstance(axis.low, int):
        return IntDistribution(axis.low, int(high), log=axis.log, step=int(axis.step or 1))
    return FloatDistribution(axis.low, high, log=axis.log, step=axis.step)


@contextmanager
def _quiet() -> Iterator[None]:
    """While entered, Optuna says nothing."""
    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)
