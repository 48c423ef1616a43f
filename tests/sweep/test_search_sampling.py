"""What a study asks next follows from what it was told, and from nothing else."""

import math
import subprocess
import sys
from ast import literal_eval
from collections.abc import Callable
from typing import Any

import pytest

from sweep.sampling import Try, next_settings
from sweep.space import Range, Setting, Space

SPACE: Space = {
    "rate": Range(low=1e-4, high=1e-1, log=True),
    "filters": Range(low=32, high=256, step=32),
    "decay": Range(low=0.0, high=1.0, step=0.3),
    "kind": ("a", "b"),
}
SMALL: Space = {"rate": (0.1, 0.2, 0.3), "kind": ("a", "b")}
BATCH = 3

Ask = Callable[[list[Try], int], list[Setting]]


def ask(told: list[Try], batch: int) -> list[Setting]:
    return next_settings(SPACE, told, BATCH, tries=100, seed=batch)


def value(setting: Setting) -> float:
    rate = setting["rate"]
    assert isinstance(rate, float)
    return 1 - abs(math.log10(rate) + 2.5) / 4 - 0.2 * (setting["kind"] == "b")


def tell(told: list[Try], batch: int, settings: list[Setting]) -> None:
    for setting in settings:
        status = ("ok", "ok", "pruned", "ok", "diverged", "ok", "failed")[len(told) % 7]
        known = value(setting) if status in ("ok", "pruned") else None
        told.append(Try(len(told), batch, setting, "arm", known, status, 5))


def study(batches: int, asking: Ask = ask) -> list[Try]:
    told: list[Try] = []
    for batch in range(batches):
        tell(told, batch, asking(told, batch))
    return told


def test_a_study_made_again_from_what_it_was_told_asks_the_same() -> None:
    whole = study(6)
    for batch in range(6):
        again = ask([attempt for attempt in whole if attempt.batch < batch], batch)
        assert again == [attempt.setting for attempt in whole if attempt.batch == batch]


def test_another_process_asks_the_same() -> None:
    told = study(4)
    program = (
        "from sweep.sampling import Try, next_settings\nfrom sweep.space import Range\n"
        f"print(next_settings({SPACE!r}, {told!r}, {BATCH}, 100, 4))"
    )
    out = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert literal_eval(out.stdout) == ask(told, 4)


def test_asking_again_with_a_sampler_that_went_on_gives_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The trap: it shows that the tests above can fail."""
    import optuna

    kept: dict[int | None, Any] = {}
    real = optuna.samplers.TPESampler

    def one_sampler(seed: int, **options: Any) -> Any:
        return kept.setdefault(None, real(seed=0, **options))

    monkeypatch.setattr(optuna.samplers, "TPESampler", one_sampler)
    whole = study(6)
    kept.clear()  # another process
    again = ask([attempt for attempt in whole if attempt.batch < 5], 5)
    assert again != [attempt.setting for attempt in whole if attempt.batch == 5]


def test_settings_lie_in_the_space_and_are_never_tried_twice() -> None:
    settings = [attempt.setting for attempt in study(8)]
    assert len({tuple(setting.items()) for setting in settings}) == len(settings) == 24
    for setting in settings:
        assert list(setting) == list(SPACE)
        assert 1e-4 <= float(setting["rate"]) <= 1e-1
        assert setting["filters"] in range(32, 257, 32)
        assert setting["decay"] in (0.0, 0.3, 0.6, 0.9)
        assert setting["kind"] in ("a", "b")


def test_the_sampler_learns() -> None:
    values = [value(attempt.setting) for attempt in study(12)]
    at_random = 1 - 0.75 / 4 - 0.2 / 2
    assert sum(values[18:]) / 18 > at_random + 0.1


def test_a_space_of_no_more_settings_than_tries_is_gone_through_in_order() -> None:
    rates, kinds = (0.1, 0.2, 0.3), ("a", "b")
    every: list[Setting] = [{"rate": rate, "kind": kind} for rate in rates for kind in kinds]
    assert next_settings(SMALL, [], 4, tries=6, seed=0) == every[:4]
    told = [Try(i, 0, setting, "arm", 0.5, "ok", 3) for i, setting in enumerate(every[:4])]
    assert next_settings(SMALL, told, 4, tries=6, seed=1) == every[4:]
    assert next_settings({}, [], 4, tries=1, seed=0) == [{}]


def test_a_space_with_one_setting_more_than_tries_is_sampled_without_repeats() -> None:
    told: list[Try] = []
    for batch in range(2):
        tell_all = next_settings(SMALL, told, 4, tries=5, seed=batch)
        told += [Try(0, batch, setting, "arm", 0.5, "ok", 3) for setting in tell_all]
    assert len({tuple(attempt.setting.items()) for attempt in told}) == len(told) == 6


def test_it_is_quiet(capfd: pytest.CaptureFixture[str]) -> None:
    study(3)
    assert capfd.readouterr() == ("", "")
