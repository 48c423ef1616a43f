"""Arm keys change when, and only when, something that decides the result changes."""

from dataclasses import replace
from typing import Any

import pytest

from features import Features, FeatureSpec, build
from model.catalogue import catalogue
from sweep.arms import OFF, Arm, expand
from sweep.experiment import load_experiment


@pytest.fixture(scope="module")
def features(tmp_path_factory: pytest.TempPathFactory) -> Features:
    spec = {
        "corpus": {"reader": "sample", "train": 20, "dev": 5, "test": 0},
        "language": "en",
        "vectors": {
            "kind": "skipgram",
            "dimension": 2,
            "epochs": 1,
            "workers": 1,
            "text": "sample",
        },
    }
    return build(FeatureSpec.model_validate(spec), None, tmp_path_factory.mktemp("cache"))


@pytest.fixture
def arm(features: Features, tiny: dict[str, Any]) -> Arm:
    experiment, losses = load_experiment(tiny)
    return expand(experiment, {"en": features}, losses)[0]


@pytest.mark.parametrize(
    "change",
    [
        {"corpus": "other"},
        {"language": "es"},
        {"features": "0" * 64},
        {"loss": "mse"},
        {"loss_sha256": "0" * 64},
        {"batch_size": 32},
    ],
    ids=lambda change: next(iter(change)),
)
def test_key_and_cell_change_with_what_is_trained(arm: Arm, change: dict[str, Any]) -> None:
    other = replace(arm, **change)
    assert other.key != arm.key
    assert other.cell != arm.cell


@pytest.mark.parametrize("section", ["train", "network"])
def test_key_and_cell_change_with_every_setting(arm: Arm, section: str) -> None:
    settings = getattr(arm, section)
    for key in settings:
        change: dict[str, Any] = {section: {**settings, key: "another value"}}
        other = replace(arm, **change)
        assert other.key != arm.key, key
        assert other.cell != arm.cell, key


def test_the_seed_changes_the_key_but_not_the_cell(arm: Arm) -> None:
    other = replace(arm, seed=1)
    assert other.key != arm.key
    assert other.cell == arm.cell


def test_names_for_people_change_neither(arm: Arm) -> None:
    assert replace(arm, label="another").key == arm.key


def test_expand_lists_every_combination_longest_first(
    features: Features, tiny: dict[str, Any]
) -> None:
    experiment, losses = load_experiment(
        tiny, ["grid.batch_size=[64, 16]", "grid.seed=[0, 1, 2]", "grid.warmup_epochs=[0, 1]"]
    )
    arms = expand(experiment, {"en": features}, losses)
    assert len(arms) == len({arm.key for arm in arms}) == 2 * 3 * 2 * 2
    assert [arm.batch_size for arm in arms] == [16] * 12 + [64] * 12
    assert len({arm.cell for arm in arms}) == 8


def test_an_arm_does_not_depend_on_what_else_is_wanted(
    features: Features, tiny: dict[str, Any]
) -> None:
    few, _ = load_experiment(tiny)
    more, _ = load_experiment(tiny, ["grid.loss=[mse, bce, soft_macro_f1]", "grid.seed=[5, 0]"])
    losses = catalogue()
    keys = {arm.key for arm in expand(few, {"en": features}, losses)}
    assert keys < {arm.key for arm in expand(more, {"en": features}, losses)}


def test_parameters_of_a_loss_make_arms_and_its_defaults_the_plain_one(
    features: Features, tiny: dict[str, Any]
) -> None:
    grid = "grid.loss=[focal, {name: focal, gamma: [1, 2]}]"
    experiment, losses = load_experiment(tiny, [grid])
    plain, other = expand(experiment, {"en": features}, losses)
    assert plain.parameters == {}
    assert other.parameters == {"gamma": 1.0}
    assert plain.cell != other.cell
    assert plain.settings["loss.gamma"] == 2.0
    assert other.settings["loss.gamma"] == 1.0
    assert plain.settings["loss.alpha"] == other.settings["loss.alpha"] == 0.25
    assert "gamma:1.0" in other.signature


def test_a_setting_that_is_off_leaves_the_key_as_before_it_existed(arm: Arm) -> None:
    before = replace(
        arm,
        train={k: v for k, v in arm.train.items() if k not in OFF["train"]},
        network={k: v for k, v in arm.network.items() if k not in OFF["network"]},
    )
    assert before.key == arm.key


def test_only_a_loss_without_threshold_says_that_it_ranks(
    features: Features, tiny: dict[str, Any]
) -> None:
    experiment, losses = load_experiment(tiny, ["grid.loss=[lsep, bce]"])
    ranking, other = expand(experiment, {"en": features}, losses)
    assert ranking.settings["ranks"] is True
    assert "ranks" not in other.settings
