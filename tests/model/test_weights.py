"""Weights that were kept give the outputs that were recorded."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from model.errors import WeightsError
from model.settings import NetworkSettings, TrainSettings
from model.surrogates import get_loss
from model.texts import arrange
from model.training import Data, Member, Training
from model.weights import WeightsFile, open_weights

MakeData = Callable[..., Data]

NETWORK = NetworkSettings(heights=(1, 2), filters=3)


@pytest.fixture
def trained(corpus: MakeData) -> Callable[..., Training]:
    """A stack of three arms that kept its weights."""

    def train(test: bool = True, **settings: Any) -> Training:
        given = TrainSettings(epochs=5, **settings)
        arms = [("bce", 0), ("soft_macro_f1", 0), ("bce", 1)]
        members = [Member(get_loss(name), seed, given) for name, seed in arms]
        training = Training(members, 8, NETWORK, corpus(test), keep_weights=True)
        while not training.finished:
            training.run_epoch()
        return training

    return train


def write(training: Training, arm: int, path: Path) -> WeightsFile:
    facts = {
        "network": NETWORK.model_dump(),
        "precision": training.settings.precision,
        "labels": ["x", "y", "z"],
    }
    path.write_bytes(training.keepers[arm].to_bytes(facts))
    return open_weights(path)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_weights_give_the_outputs_of_their_epoch(
    trained: Callable[..., Training], corpus: MakeData, tmp_path: Path, precision: str
) -> None:
    training = trained(precision=precision)
    dev = torch.tensor(corpus().splits["dev"].words)
    for arm in range(3):
        file = write(training, arm, tmp_path / f"{arm}.safetensors")
        for rule, choice in training.selections[arm].choices.items():
            network = file.network(file.rules[rule.name])
            logits = network.predict(training.table, arrange(dev, network.windows))[0]
            assert file.rules[rule.name] == choice.epoch
            np.testing.assert_allclose(logits, choice.logits["dev"], rtol=0, atol=1e-6)


def test_only_chosen_epochs_are_kept(trained: Callable[..., Training]) -> None:
    for keeper in trained().keepers:
        assert set(keeper.rules) == {"own", "acc", "macro_f1", "micro_f1"}
        assert set(keeper.weights) == set(keeper.rules.values())


def test_without_a_test_split_all_of_dev_chooses_as_well(
    trained: Callable[..., Training],
) -> None:
    with_test, without = trained().keepers[1], trained(test=False).keepers[1]
    assert {"own/a", "own/b", "own"} <= set(without.rules)
    assert {rule: without.rules[rule] for rule in with_test.rules} == with_test.rules


def test_keeping_weights_changes_nothing_else(
    trained: Callable[..., Training], corpus: MakeData
) -> None:
    keeping = trained()
    plain = Training(keeping.members, 8, NETWORK, corpus())
    while not plain.finished:
        plain.run_epoch()
    assert plain.keepers == []
    for name, value in plain.network.state_dict().items():
        assert torch.equal(value, keeping.network.state_dict()[name])


@pytest.mark.parametrize("size", [0, 5, 300])
def test_a_damaged_file_is_named(
    trained: Callable[..., Training], tmp_path: Path, size: int
) -> None:
    path = tmp_path / "cut.safetensors"
    write(trained(), 0, path)
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(WeightsError, match=r"cut\.safetensors is damaged \(.*: delete it"):
        open_weights(path)


def test_other_bytes_than_were_written_are_found(
    trained: Callable[..., Training], tmp_path: Path
) -> None:
    path = tmp_path / "flipped.safetensors"
    write(trained(), 0, path)
    content = bytearray(path.read_bytes())
    content[-4] ^= 1  # the lowest bit of the last number
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"flipped\.safetensors is damaged \(other bytes than"):
        every_network(open_weights(path))


def every_network(file: WeightsFile) -> None:
    for epoch in file.rules.values():
        file.network(epoch)


def test_a_file_of_something_else_is_named(tmp_path: Path) -> None:
    from safetensors.torch import save

    path = tmp_path / "other.safetensors"
    path.write_bytes(save({"x": torch.zeros(2)}))
    with pytest.raises(WeightsError, match="other"):
        open_weights(path)
    path.write_bytes(save({"1.x": torch.zeros(2)}, {"softsweep": '{"rules": {"own": 1}}'}))
    with pytest.raises(WeightsError, match="other"):
        open_weights(path).network(1)
