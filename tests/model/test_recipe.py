"""How an arm is trained: hybrids, the polariser, ramps, decay, dropout, and ending it early."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn

from benchmarks.plain import PlainCNN
from model import get_loss
from model.cnn import kept_features
from model.settings import NetworkSettings, TrainSettings
from model.training import Data, Member, Training, batch_order

MakeData = Callable[..., Data]
NETWORK = {"heights": (1, 2, 3), "filters": 6}
EVERYTHING: dict[str, Any] = {
    "epochs": 4,
    "warmup_epochs": 1,
    "bce_weight": 0.3,
    "polarisation": 0.2,
    "ramp_epochs": 1.5,
    "weight_decay": 0.5,
    "learning_rate": 3e-3,
}


def member(loss: str, seed: int = 0, **settings: Any) -> Member:
    return Member(get_loss(loss), seed, TrainSettings.model_validate({"epochs": 3, **settings}))


def start(
    data: Data, *members: Member, dropout: float = 0.0, dtype: torch.dtype = torch.float32
) -> Training:
    network = NetworkSettings.model_validate(NETWORK | {"dropout": dropout})
    return Training(members, 8, network, data, "cpu", dtype)


def finish(training: Training) -> Training:
    while not training.finished:
        training.run_epoch()
    return training


def logits(training: Training, arm: int = 0) -> np.ndarray:
    return training.evaluation(training.network, training.table)[arm].logits["dev"]


def train_plainly(ours: Training, settings: TrainSettings, dropout: float) -> PlainCNN:
    """PyTorch's modules, optimiser and autograd, with every setting written out."""
    plain = PlainCNN(ours.network)
    decayed = [plain.head.weight, *(c.weight for c in plain.convolutions)]
    optimizer = torch.optim.RMSprop(plain.parameters(), lr=1.0, alpha=0.9, eps=1e-7)
    entropy, soft = nn.BCEWithLogitsLoss(), get_loss("soft_accuracy")
    kept = torch.empty(0)

    def drop(_: nn.Module, features: tuple[Tensor]) -> tuple[Tensor]:
        return (features[0] * kept / (1 - dropout),) if plain.training else features

    plain.head.register_forward_pre_hook(drop)
    texts, steps = len(ours.targets), 7
    for epoch in range(1, settings.epochs + 1):
        order = torch.from_numpy(batch_order(0, epoch, texts))
        for step, read in enumerate(order.split(8), start=1):
            kept = kept_features([0], epoch, step, dropout, len(read), 18)[0]
            z, y = plain(ours.table[ours.words[read]]), ours.targets[read]
            value = entropy(z, y)
            if epoch > settings.warmup_epochs:
                o, w = z.sigmoid(), settings.bce_weight
                polariser = settings.polarisation * (4 * o * (1 - o)).mean()
                value = (1 - w) * soft(z, y) + w * value + polariser
            optimizer.zero_grad()
            value.backward()
            done = (epoch - 1) * steps + step
            rate = settings.learning_rate * min(1.0, done / (settings.ramp_epochs * steps))
            optimizer.param_groups[0]["lr"] = rate
            with torch.no_grad():
                for weight in decayed:
                    weight -= rate * settings.weight_decay * weight
            optimizer.step()
    return plain.eval()


def test_everything_at_once_equals_the_plain_network_s_training(corpus: MakeData) -> None:
    data, arm = corpus(), member("soft_accuracy", **EVERYTHING)
    plain = train_plainly(start(data, arm, dtype=torch.float64), arm.settings, dropout=0.4)
    ours = finish(start(data, arm, dropout=0.4, dtype=torch.float64))
    words = torch.from_numpy(data.splits["dev"].words).long()
    expected = plain(ours.table[words]).detach().numpy()
    np.testing.assert_allclose(logits(ours), expected, rtol=0, atol=1e-6)  # kept as float32


@pytest.mark.parametrize("cut", [True, False])
def test_a_stack_of_mixed_settings_trains_each_arm_as_alone(corpus: MakeData, cut: bool) -> None:
    data = corpus()
    members = [
        member("soft_macro_f1"),
        member("soft_macro_f1", 1, bce_weight=0.5, ramp_epochs=0.5),
        member("soft_macro_f1", polarisation=0.5, warmup_epochs=1),
        member("lsep", 1, weight_decay=1.0, bce_weight=0.1),
        member("bce", ramp_epochs=2.0, weight_decay=0.1),
    ]
    stack = start(data, *members, dropout=0.3, dtype=torch.float64)
    stack.cut = cut
    finish(stack)
    for arm, alone in enumerate(members):
        single = finish(start(data, alone, dropout=0.3, dtype=torch.float64))
        np.testing.assert_allclose(logits(stack, arm), logits(single), rtol=0, atol=1e-9)
        chosen = [choice.epoch for choice in stack.selections[arm].choices.values()]
        assert chosen == [choice.epoch for choice in single.selections[0].choices.values()]


def test_an_arm_keeps_its_bits_beside_one_that_has_every_setting(corpus: MakeData) -> None:
    everything = EVERYTHING | {"epochs": 3}
    one = finish(start(corpus(), member("bce"), member("soft_accuracy", **everything)))
    other = finish(start(corpus(), member("bce"), member("soft_accuracy")))
    assert np.array_equal(logits(one), logits(other))
    assert not np.array_equal(logits(one, 1), logits(other, 1))


@pytest.mark.parametrize(
    "changed",
    [{"bce_weight": 0.5}, {"polarisation": 0.1}, {"ramp_epochs": 1.0}, {"weight_decay": 1.0}],
    ids=lambda changed: next(iter(changed)),
)
def test_each_setting_changes_training(corpus: MakeData, changed: dict[str, Any]) -> None:
    plain = finish(start(corpus(), member("soft_macro_f1")))
    other = finish(start(corpus(), member("soft_macro_f1", **changed)))
    assert np.abs(logits(other) - logits(plain)).max() > 1e-4


def test_neither_hybrid_nor_polariser_is_in_the_warm_up(corpus: MakeData) -> None:
    mixed = start(corpus(), member("mse", warmup_epochs=1, bce_weight=0.5, polarisation=1.0))
    plain = start(corpus(), member("mse", warmup_epochs=1))
    first = [training.run_epoch()[0][0]["loss"] for training in (mixed, plain)]
    second = [training.run_epoch()[0][0]["loss"] for training in (mixed, plain)]
    assert first[0] == first[1]
    assert second[0] != second[1]


def test_after_its_ramp_an_arm_has_its_whole_rate(corpus: MakeData) -> None:
    training = start(corpus(), member("bce", ramp_epochs=1.3), member("bce", ramp_epochs=3.0))
    rates = []
    while not training.finished:
        training.run_epoch()
        rates.append((training.optimizer._rate / 1e-3).tolist())
    assert rates == [pytest.approx(r) for r in ([1 / 1.3, 1 / 3], [1, 2 / 3], [1, 1])]
    assert training.optimizer._rate[0] == torch.tensor(1e-3)


def test_resuming_within_a_ramp_is_bit_exact(corpus: MakeData) -> None:
    settings = EVERYTHING | {"ramp_epochs": 3.5}
    members = [member("soft_accuracy", **settings), member("two_way", 1, **settings)]
    through = start(corpus(), *members, dropout=0.2)
    through.run_epoch()
    state = copy.deepcopy(through.state_dict())
    finish(through)
    resumed = start(corpus(), *members, dropout=0.2)
    resumed.load_state_dict(state)
    finish(resumed)
    for arm in range(2):
        assert np.array_equal(logits(resumed, arm), logits(through, arm))
        assert resumed.selections[arm].chosen().keys() == through.selections[arm].chosen().keys()


def test_dropout_is_drawn_from_seed_epoch_and_step_alone() -> None:
    kept = kept_features([0, 1], 1, 1, 0.25, 500, 20)
    assert kept.shape == (2, 500, 20)
    assert torch.equal(kept[1], kept_features([1], 1, 1, 0.25, 500, 20)[0])
    assert kept.float().mean() == pytest.approx(0.75, abs=0.01)
    for other in ([1, 1, 1], [0, 2, 1], [0, 1, 2]):
        seed, epoch, step = other
        assert not torch.equal(kept[0], kept_features([seed], epoch, step, 0.25, 500, 20)[0])


def test_arms_of_one_seed_lose_the_same_features(corpus: MakeData) -> None:
    members = [member("bce"), member("bce"), member("bce", 1)]
    training = finish(start(corpus(), *members, dropout=0.5, dtype=torch.float64))
    without = finish(start(corpus(), *members, dtype=torch.float64))
    np.testing.assert_allclose(logits(training, 0), logits(training, 1), rtol=0, atol=1e-6)
    assert np.abs(logits(training, 0) - logits(without, 0)).max() > 1e-3


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"bce_weight": 1.0}, "bce_weight\n.*less than 1"),
        ({"polarisation": -0.1}, "polarisation\n.*greater than or equal to 0"),
        ({"polarisation": float("inf")}, "polarisation\n.*finite number"),
        ({"weight_decay": -1.0}, "weight_decay\n.*greater than or equal to 0"),
        ({"ramp_epochs": 3.5}, "ramp_epochs is 3.5 of 3 epochs"),
    ],
)
def test_a_setting_out_of_range_is_refused(settings: dict[str, float], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        TrainSettings.model_validate({"epochs": 3, **settings})
    with pytest.raises(ValidationError, match="dropout"):
        NetworkSettings(dropout=1.0)


def test_a_stopped_arm_is_frozen_and_leaves_its_neighbours_bits_alone(corpus: MakeData) -> None:
    members = [member("bce"), member("mse", weight_decay=1.0, ramp_epochs=3.0)]
    training = start(corpus(), *members)
    training.run_epoch()
    chosen = [choice.epoch for choice in training.selections[1].choices.values()]
    training.stop(1)
    before = [p.detach()[1].clone() for p in training.network.parameters()]
    for _ in range(2):
        rows = training.run_epoch()
        assert rows[0]
        assert rows[1] == []
    assert training.stopped == [0, 1]
    assert training.diverged == [0, 0]
    for parameter, old in zip(training.network.parameters(), before, strict=True):
        assert torch.equal(parameter[1], old)
    assert chosen == [choice.epoch for choice in training.selections[1].choices.values()]
    assert np.array_equal(logits(training), logits(finish(start(corpus(), *members))))


def test_a_training_whose_arms_are_all_stopped_is_finished(corpus: MakeData) -> None:
    training = start(corpus(), member("bce"), member("mse"))
    with pytest.raises(ValueError, match="after an epoch, not before the first"):
        training.stop(0)
    training.run_epoch()
    training.stop(0)
    assert not training.finished
    training.run_epoch()
    training.stop(0)
    training.stop(1)
    assert training.stopped == [1, 2]
    assert training.finished


def test_stopping_survives_a_resume(corpus: MakeData) -> None:
    members = [member("bce"), member("mse", weight_decay=1.0)]
    training = start(corpus(), *members)
    training.run_epoch()
    training.stop(1)
    resumed = start(corpus(), *members)
    resumed.load_state_dict(copy.deepcopy(training.state_dict()))
    finish(training)
    finish(resumed)
    assert resumed.stopped == [0, 1]
    for ours, theirs in zip(
        resumed.network.parameters(), training.network.parameters(), strict=True
    ):
        assert torch.equal(ours, theirs)
