"""Training: pairing, selection, divergence, resuming."""

import copy
from collections.abc import Callable

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from model import get_loss
from model.batches import epoch_batches
from model.catalogue import catalogue
from model.settings import NetworkSettings, TrainSettings
from model.surrogates import Loss
from model.training import Data, Member, Training, batch_order

NETWORK = NetworkSettings(heights=(1, 2, 3), filters=6)


MakeData = Callable[..., Data]


def member(loss: str | Loss = "bce", seed: int = 0, **settings: object) -> Member:
    found = get_loss(loss) if isinstance(loss, str) else loss
    return Member(found, seed, TrainSettings.model_validate({"epochs": 3, **settings}))


DEVICES = ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]


def train(
    data: Data, *members: Member, dtype: torch.dtype = torch.float32, device: str = "cpu"
) -> Training:
    training = Training(members, 8, NETWORK, data, device, dtype)
    while not training.finished:
        training.run_epoch()
    return training


def logits(training: Training, arm: int = 0) -> np.ndarray:
    return training.evaluation(training.network, training.table)[arm].logits["dev"]


def test_training_learns_and_reports_every_split(corpus: MakeData) -> None:
    training = Training([member(epochs=12, learning_rate=0.01)], 8, NETWORK, corpus())
    epochs = [training.run_epoch()[0] for _ in range(12)]
    assert [row["split"] for row in epochs[0]] == ["train", "dev", "dev/a", "dev/b", "test"]
    first, last = epochs[0][0], epochs[-1][0]
    assert last["loss"] < first["loss"]
    assert last["acc"] > first["acc"] + 0.1
    assert epochs[0][1]["loss"] is None
    assert training.finished


def test_the_same_arm_trains_to_the_same_bits_twice(corpus: MakeData) -> None:
    one, two = train(corpus(), member()), train(corpus(), member())
    assert np.array_equal(logits(one), logits(two))


@pytest.mark.parametrize("device", DEVICES)
def test_a_stack_trains_each_arm_as_alone(corpus: MakeData, device: str) -> None:
    data, settings = corpus(), {"epochs": 8}  # 56 steps
    members = [
        *(member(name, 0, **settings) for name in sorted(catalogue())),
        member("soft_macro_f1", 1, warmup_epochs=1, **settings),
        member("soft_macro_f1", 0, learning_rate=3e-3, **settings),
        member("soft_micro_f1", 0, warmup_epochs=1, reset_optimizer=True, **settings),
        member("bce", 2, **settings),
    ]
    stack = train(data, *members, dtype=torch.float64, device=device)
    for arm, alone in enumerate(members):
        single = train(data, alone, dtype=torch.float64, device=device)
        np.testing.assert_allclose(logits(stack, arm), logits(single), rtol=0, atol=1e-9)
        chosen = {c.name: v.epoch for c, v in stack.selections[arm].choices.items()}
        assert chosen == {c.name: v.epoch for c, v in single.selections[0].choices.items()}


def test_a_device_s_shapes_and_mapped_losses_train_to_the_same(corpus: MakeData) -> None:
    members = [member("soft_macro_f1", 0), member("soft_macro_f1", 1), member("bce", 0)]
    as_here = train(corpus(), *members, dtype=torch.float64)
    as_there = Training(members, 8, NETWORK, corpus(), "cpu", torch.float64)
    as_there.cut = False
    while not as_there.finished:
        as_there.run_epoch()
    assert as_there.objective.losses.mapped
    for arm in range(3):
        np.testing.assert_allclose(logits(as_there, arm), logits(as_here, arm), rtol=0, atol=1e-9)


def test_a_step_in_float32_stays_near_float64(corpus: MakeData) -> None:
    trained = []
    for dtype in (torch.float32, torch.float64):
        training = Training(
            [member("soft_accuracy"), member("bce", 1)], 8, NETWORK, corpus(), "cpu", dtype
        )
        orders = torch.from_numpy(np.stack([batch_order(seed, 1, 50) for seed in (0, 1)]))
        windows = training.network.windows
        batches = epoch_batches(training.words, training.targets, orders, 8, windows, cut=True)
        training.begin_epoch()
        for batch, _ in zip(batches, range(5), strict=False):
            training.step(batch, 0.0)
        trained.append(training.network.filters.detach().double())
    torch.testing.assert_close(*trained, rtol=0, atol=1e-5)


def test_batch_order_depends_on_seed_and_epoch_only() -> None:
    assert np.array_equal(batch_order(0, 1, 9), batch_order(0, 1, 9))
    assert not np.array_equal(batch_order(0, 1, 99), batch_order(0, 2, 99))
    assert not np.array_equal(batch_order(0, 1, 99), batch_order(1, 1, 99))
    assert sorted(batch_order(0, 1, 9)) == list(range(9))


def test_resuming_is_bit_exact(corpus: MakeData) -> None:
    through = train(corpus(), member("soft_accuracy", epochs=4, warmup_epochs=1))
    stopped = Training([member("soft_accuracy", epochs=4, warmup_epochs=1)], 8, NETWORK, corpus())
    stopped.run_epoch()
    stopped.run_epoch()
    state = copy.deepcopy(stopped.state_dict())
    resumed = Training([member("soft_accuracy", epochs=4, warmup_epochs=1)], 8, NETWORK, corpus())
    resumed.load_state_dict(state)
    while not resumed.finished:
        resumed.run_epoch()
    assert np.array_equal(logits(resumed), logits(through))
    assert resumed.selections[0].chosen().keys() == through.selections[0].chosen().keys()


def test_the_chosen_epoch_is_the_first_best_on_dev(corpus: MakeData) -> None:
    training = Training([member("soft_macro_f1", epochs=6)], 8, NETWORK, corpus())
    history = []
    while not training.finished:
        rows = {row["split"]: row for row in training.run_epoch()[0]}
        history.append(rows["dev"])
    chosen = {rule.name: choice for rule, choice in training.selections[0].choices.items()}
    assert set(chosen) == {"own", "acc", "macro_f1", "micro_f1"}
    for name, metric in {"own": "macro_f1", "acc": "acc", "micro_f1": "micro_f1"}.items():
        values = [row[metric] for row in history]
        assert chosen[name].epoch == 1 + values.index(max(values))
    assert set(chosen["own"].logits) == {"dev", "test"}


def test_without_a_test_split_each_half_of_dev_chooses(corpus: MakeData) -> None:
    training = Training([member("soft_accuracy", epochs=6)], 8, NETWORK, corpus(test=False))
    history = []
    while not training.finished:
        history.append({row["split"]: row["acc"] for row in training.run_epoch()[0]})
    chosen = {rule.name: choice for rule, choice in training.selections[0].choices.items()}
    assert {"own/a", "own/b", "acc/a", "macro_f1/b"} <= set(chosen)
    for half in "ab":
        values = [row[f"dev/{half}"] for row in history]
        assert chosen[f"own/{half}"].epoch == 1 + values.index(max(values))


def test_a_warm_up_epoch_is_trained_on_bce_and_never_chosen(corpus: MakeData) -> None:
    data = corpus()
    warm = Training([member("soft_accuracy", epochs=3, warmup_epochs=2)], 8, NETWORK, data)
    plain = Training([member("bce", epochs=3)], 8, NETWORK, data)
    for _ in range(2):
        assert warm.run_epoch()[0][0]["loss"] == plain.run_epoch()[0][0]["loss"]
    assert all(choice.epoch == 0 for choice in warm.selections[0].choices.values())
    warm.run_epoch()
    assert all(choice.epoch == 3 for choice in warm.selections[0].choices.values())


def test_a_warm_up_must_leave_an_epoch() -> None:
    with pytest.raises(ValidationError, match="at least one epoch must follow the warm-up"):
        TrainSettings(epochs=2, warmup_epochs=2)


BROKEN = Loss("broken", "", None, "", lambda z, y: (z * torch.nan).sum(), soft=False, wants=())


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(
    "ill", [member(BROKEN), member("bce", learning_rate=1e30)], ids=["NaN loss", "leaps"]
)
def test_a_diverged_arm_leaves_its_neighbours_bits_alone(
    corpus: MakeData, ill: Member, device: str
) -> None:
    data = corpus()
    training = train(data, member("bce"), ill, member("mse", 1), device=device)
    assert training.diverged == [0, 1, 0]
    assert training.selections[1].chosen() == {}
    healthy = train(data, member("bce"), member("bce"), member("mse", 1), device=device)
    for arm in (0, 2):
        assert np.array_equal(logits(training, arm), logits(healthy, arm))


def test_a_diverged_arm_is_frozen_and_alone_ends_its_training(corpus: MakeData) -> None:
    training = Training([member("bce"), member(BROKEN)], 8, NETWORK, corpus())
    assert training.run_epoch()[1] == []
    before = training.network.head_bias.detach().clone()
    training.run_epoch()
    after = training.network.head_bias.detach()
    assert torch.equal(after[1].nan_to_num(7.0), before[1].nan_to_num(7.0))
    assert not torch.equal(after[0], before[0])
    alone = Training([member(BROKEN)], 8, NETWORK, corpus())
    assert alone.run_epoch() == [[]]
    assert alone.finished


def test_bfloat16_products_train_about_as_well(corpus: MakeData) -> None:
    exact, rounded = (
        train(corpus(), member(precision=precision, epochs=12, learning_rate=0.01))
        for precision in ("float32", "bfloat16")
    )
    assert rounded.network.product_dtype == torch.bfloat16
    assert not np.array_equal(logits(exact), logits(rounded))
    assert np.abs(logits(exact) - logits(rounded)).mean() < 0.2 * np.abs(logits(exact)).mean()


if torch.cuda.is_available():

    def test_a_recorded_step_trains_as_the_plain_one(corpus: MakeData) -> None:
        members = [
            member("bce", ramp_epochs=1.0, weight_decay=0.5),
            member("soft_macro_f1", 1, bce_weight=0.3, polarisation=0.1),
        ]
        recorded = train(corpus(), *members, device="cuda")
        assert recorded.graphs
        plain = Training(members, 8, NETWORK, corpus(), "cuda")
        plain.recordable = False
        while not plain.finished:
            plain.run_epoch()
        np.testing.assert_allclose(logits(recorded), logits(plain), atol=1e-3)


def test_arms_of_one_stack_share_their_epochs(corpus: MakeData) -> None:
    with pytest.raises(ValueError, match="arms of one stack differ in epochs"):
        Training([member(epochs=3), member(epochs=4)], 8, NETWORK, corpus())
