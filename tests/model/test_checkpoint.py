"""A training's state: every bit of it comes back, and a resumed training is the same one."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from model import get_loss
from model.checkpoint import State, StateError, from_bytes, to_bytes
from model.settings import NetworkSettings, TrainSettings
from model.surrogates import Loss
from model.training import Data, Member, Training

MakeData = Callable[..., Data]
EPOCHS = 6

arrays = hnp.arrays(
    st.sampled_from([np.float32, np.float64, np.int64, np.uint8]),
    hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
)
facts = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.text(min_size=1), arrays, max_size=4), st.dictionaries(st.text(), facts))
def test_what_is_restored_is_what_was_saved(
    tensors: dict[str, np.ndarray], said: dict[str, Any]
) -> None:
    tensors.pop("__metadata__", None)  # which safetensors keeps for itself
    state = State({name: torch.from_numpy(array) for name, array in tensors.items()}, said)
    again = from_bytes(to_bytes(state))
    assert again.facts == said
    assert set(again.tensors) == set(tensors)
    for name, array in tensors.items():
        restored = again.tensors[name].numpy()
        assert (restored.dtype, restored.shape) == (array.dtype, array.shape)
        assert restored.tobytes() == array.tobytes()  # NaN and -0 as well


@given(st.binary(max_size=64))
def test_other_bytes_are_no_state(data: bytes) -> None:
    with pytest.raises(StateError):
        from_bytes(data)


@pytest.mark.parametrize("cut", [0, 7, 40, -1])
def test_a_state_cut_off_is_none(cut: int) -> None:
    with pytest.raises(StateError):
        from_bytes(to_bytes(State({"a": torch.zeros(3)}, {"b": 1}))[:cut])


def late(logits: torch.Tensor, y: torch.Tensor, progress: float) -> torch.Tensor:
    return logits.square().sum() * (torch.nan if progress > 0.5 else 1e-3)


LATE = Loss("late", "", None, "", late, soft=False, wants=("progress",))


def members() -> list[Member]:
    """What makes a training's state: each setting that changes in the middle, several seeds."""
    given: list[tuple[str | Loss, int, dict[str, Any]]] = [
        ("soft_macro_f1", 0, {"warmup_epochs": 2, "reset_optimizer": True}),
        ("bce", 1, {"ramp_epochs": 2.5, "weight_decay": 0.1}),
        (LATE, 0, {}),
        ("soft_accuracy", 3, {"bce_weight": 0.3, "polarisation": 0.1, "warmup_epochs": 1}),
        ("mse", 1, {"learning_rate": 0.01}),
    ]
    return [
        Member(
            get_loss(loss) if isinstance(loss, str) else loss,
            seed,
            TrainSettings.model_validate({"epochs": EPOCHS, **settings}),
        )
        for loss, seed, settings in given
    ]


def start(data: Data, keep_weights: bool) -> Training:
    network = NetworkSettings(heights=(1, 2, 3), filters=6, dropout=0.2)
    return Training(members(), 8, network, data, keep_weights=keep_weights)


def run_on(training: Training, epochs: int = EPOCHS) -> list[Any]:
    """What so many further epochs say; one arm is stopped after the third epoch."""
    said: list[Any] = []
    for _ in range(epochs):
        if training.finished:
            break
        said += [[row | {"seconds": None} for row in rows] for rows in training.run_epoch()]
        if training.epoch == 3:
            training.stop(4)
    return said


def bits(training: Training) -> dict[str, bytes]:
    return {name: t.numpy().tobytes() for name, t in training.state_dict().tensors.items()}


@pytest.mark.parametrize("test", [True, False])
@pytest.mark.parametrize("keep_weights", [True, False])
def test_resuming_after_any_epoch_is_bit_exact(
    corpus: MakeData, test: bool, keep_weights: bool
) -> None:
    data = corpus(test=test)
    through = start(data, keep_weights)
    said = run_on(through)
    assert through.diverged[2] == 4
    assert through.stopped[4] == 3
    for epoch in range(1, EPOCHS):
        begun = start(data, keep_weights)
        first = run_on(begun, epoch)
        resumed = start(data, keep_weights)
        resumed.load_state_dict(from_bytes(to_bytes(begun.state_dict())))
        assert bits(resumed) == bits(begun)
        assert resumed.state_dict().facts == begun.state_dict().facts
        assert first + run_on(resumed) == said
        assert bits(resumed) == bits(through)
        assert resumed.state_dict().facts == through.state_dict().facts
        for one, other in zip(resumed.selections, through.selections, strict=True):
            assert one.chosen().keys() == other.chosen().keys()
        for kept, whole in zip(resumed.keepers, through.keepers, strict=True):
            assert kept.to_bytes({}) == whole.to_bytes({})


def test_the_state_of_another_training_is_refused(corpus: MakeData) -> None:
    data = corpus()
    state = start(data, keep_weights=False).state_dict()
    other = Training(members()[:2], 8, NetworkSettings(heights=(1,), filters=6), data)
    with pytest.raises(StateError, match="its tensors have other shapes"):
        other.load_state_dict(state)
