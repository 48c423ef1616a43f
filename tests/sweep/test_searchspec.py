"""The section `search`: what it may say, and one sentence for what it may not."""

from typing import Any

import pytest
from pydantic import ValidationError

from model.catalogue import catalogue
from model.settings import TrainSettings
from sweep.errors import ExperimentError
from sweep.grid import Grid
from sweep.searchspec import SearchSettings, check_search
from sweep.space import Range, all_settings, size

LOSSES = catalogue([])


def search(space: Any, **changes: Any) -> SearchSettings:
    return SearchSettings.model_validate({"metric": "acc", "tries": 3, "space": space} | changes)


def sentence(space: Any, **changes: Any) -> str:
    """What is said of a wrong section, which pydantic puts the key before."""
    with pytest.raises(ValidationError) as caught:
        search(space, **changes)
    (first, *_) = caught.value.errors()
    return ".".join(map(str, first["loc"])) + ": " + first["msg"].removeprefix("Value error, ")


def test_what_is_written_out_reads_the_same() -> None:
    spec = search(
        {
            "learning_rate": [0.001, 0.01],
            "weight_decay": {"low": 1e-6, "high": 1e-2, "log": True},
            "network.filters": {"low": 32, "high": 256, "step": 32},
            "reset_optimizer": [True, False],
            "loss.gamma": {"low": 0.0, "high": 5},
        }
    )
    assert SearchSettings.model_validate(spec.model_dump(mode="json")) == spec


def test_values_take_the_type_of_their_setting() -> None:
    spec = search({"learning_rate": {"low": 1, "high": 2}, "network.filters": [8.0, 16]})
    assert spec.space == {"learning_rate": Range(low=1.0, high=2.0), "network.filters": (8, 16)}
    assert size(spec.space) == float("inf")
    assert [type(value) for value in spec.space["network.filters"]] == [int, int]


@pytest.mark.parametrize(
    ("space", "said"),
    [
        ({}, "space: Dictionary should have at least 1 item"),
        ({"learning_rate": []}, "space.learning_rate: expected a list of values or"),
        ({"learning_rate": 0.1}, "space.learning_rate: expected a list of values or"),
        ({"learning_rate": [[1]]}, "space.learning_rate: expected numbers, strings, true or"),
        ({"learning_rate": {"low": 1}}, "space.learning_rate: high is required"),
        ({"learning_rate": {"low": 1, "high": 2, "hi": 3}}, "space.learning_rate: unknown key hi;"),
        ({"learning_rate": {"low": 2, "high": 1}}, "space.learning_rate: low is 2 and high is 1"),
        (
            {"weight_decay": {"low": 0, "high": 1, "log": True}},
            "space.weight_decay: with log, low must be above 0",
        ),
        (
            {"weight_decay": {"low": 0, "high": 1, "step": 2}},
            "space.weight_decay: step must be above 0 and at most high - low",
        ),
        ({"learning_rate": [0.1, 0]}, "space: learning_rate: input should be greater than 0"),
        ({"learning_rate": [1, 1.0]}, "space: learning_rate: a value is listed twice"),
        (
            {"network.filters": {"low": 1.5, "high": 4}},
            "space: network.filters: input should be a valid integer",
        ),
        (
            {"network.filters": {"low": 1, "high": 4, "step": 0.5}},
            "space: network.filters: step must be a whole number, not 0.5",
        ),
        (
            {"reset_optimizer": {"low": 0, "high": 1}},
            "space: reset_optimizer: is no number: expected a list of values",
        ),
        ({"epochs": [3]}, "space: epochs: no such setting; there are learning_rate, "),
        ({"filters": [3]}, "space: filters: no such setting; there are learning_rate, "),
    ],
)
def test_a_wrong_space_is_named(space: Any, said: str) -> None:
    assert sentence(space).startswith(said)


@pytest.mark.parametrize(
    ("key", "value"), [("metric", "f1"), ("tries", 0), ("batch", 0), ("seed", -1), ("epochs", 0)]
)
def test_a_wrong_budget_is_named(key: str, value: Any) -> None:
    assert sentence({"learning_rate": [0.1]}, **{key: value}).startswith(f"{key}: ")


def check(space: Any, grid: dict[str, Any], train: TrainSettings, **changes: Any) -> None:
    check_search(search(space, **changes), Grid.model_validate(grid), [train], LOSSES)


@pytest.mark.parametrize(
    ("space", "changes", "said"),
    [
        ({"learning_rate": [0.1]}, {"seed": 1}, "search.seed: 1 is in grid.seed as well"),
        ({"warmup_epochs": [1]}, {}, "search.space.warmup_epochs: is in grid.warmup_epochs"),
        ({"loss.alpha": [0.1]}, {}, r"search.space.loss.alpha: is in grid.loss \(focal\) as well"),
        ({"loss.beta": [1]}, {}, "search.space.loss.beta: no loss of grid.loss has a beta"),
        ({"loss.gamma": ["x"]}, {}, "search.space.loss.gamma: focal: gamma must be a finite"),
        ({"ramp_epochs": [1, 9]}, {}, "search.space.ramp_epochs: ramp_epochs is 9 of 5 epochs"),
        ({"learning_rate": [0.1]}, {"epochs": 1}, "search.epochs: warmup_epochs is 1 of 1 epochs"),
    ],
)
def test_a_search_must_go_with_its_experiment(
    space: Any, changes: dict[str, Any], said: str
) -> None:
    grid = {
        "loss": ["bce", {"name": "focal", "alpha": [0.5]}],
        "seed": [0, 1],
        "warmup_epochs": [1, 2],
    }
    with pytest.raises(ExperimentError, match=f"^{said}"):
        check(space, grid, TrainSettings(epochs=5, warmup_epochs=1), **changes)


def test_a_parameter_is_searched_for_the_losses_that_have_it() -> None:
    spec = search({"learning_rate": [0.1, 0.2], "loss.gamma": {"low": 0, "high": 5}})
    assert list(spec.space_of(LOSSES["bce"])) == ["learning_rate"]
    assert spec.space_of(LOSSES["focal"])["loss.gamma"] == Range(low=0.0, high=5.0)
    only = search({"loss.gamma": [0, 1]})
    assert list(all_settings(only.space_of(LOSSES["bce"]))) == [{}]


def test_values_of_a_range() -> None:
    def values(axis: Range) -> list[int | float]:
        return [axis.at(place) for place in range(axis.count or 0)]

    assert values(Range(low=32, high=130, step=32)) == [32, 64, 96, 128]
    assert values(Range(low=0.0, high=0.3, step=0.1)) == [0.0, 0.1, 0.2, 0.3]
    assert values(Range(low=1, high=3)) == [1, 2, 3]
    assert Range(low=0.0, high=1.0).count is None
    assert Range(low=0.0, high=1.0).nearest(0.123456) == 0.1235
    assert Range(low=32, high=130, step=32).nearest(110.0) == 96
    assert Range(low=32, high=130, step=32).nearest(500.0) == 128


def test_a_range_as_long_as_it_likes_is_never_written_out() -> None:
    space = {"network.filters": Range(low=1, high=10**15)}
    assert size(space) == 10**15
    assert next(all_settings(space)) == {"network.filters": 1}
