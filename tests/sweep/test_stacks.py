"""Stacks hold arms that can be trained together, evenly, and leave no slot idle."""

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from model.settings import NetworkSettings, TrainSettings
from sweep.arms import Arm
from sweep.stacks import cut, shape

ARM = Arm(
    corpus="toy",
    language="en",
    features="f",
    loss="bce",
    label="BCE",
    own_metric="acc",
    loss_sha256="0",
    parameters={},
    defaults={},
    ranks=False,
    batch_size=16,
    seed=0,
    train=TrainSettings().model_dump(),
    network=NetworkSettings().model_dump(mode="json"),
)

arms = st.lists(
    st.builds(
        lambda language, loss, size, seed: replace(
            ARM, language=language, loss=loss, batch_size=size, seed=seed
        ),
        st.sampled_from(["en", "es"]),
        st.sampled_from(["bce", "mse", "soft_accuracy"]),
        st.sampled_from([16, 32]),
        st.integers(0, 20),
    ),
    unique_by=lambda arm: arm.key,
    min_size=1,
    max_size=60,
)
widths = st.integers(1, 70)
slots = st.integers(1, 20)


@given(arms, widths, slots)
def test_every_arm_is_in_one_stack_with_arms_of_its_shape(
    arms: Sequence[Arm], width: int, slots: int
) -> None:
    stacks = cut(arms, width, slots)
    assert sorted(arm.key for stack in stacks for arm in stack) == sorted(arm.key for arm in arms)
    assert all(len({shape(arm) for arm in stack}) == 1 for stack in stacks)


@given(arms, widths, slots)
def test_every_slot_has_a_stack_before_any_is_widened(
    arms: Sequence[Arm], width: int, slots: int
) -> None:
    stacks = cut(arms, width, slots)
    fair = -(-len(arms) // slots)
    assert all(1 <= len(stack) <= min(width, fair) for stack in stacks)
    assert len(stacks) >= min(slots, len(arms))


@given(arms, widths, slots)
def test_stacks_of_one_shape_are_even_and_in_order_of_seeds(
    arms: Sequence[Arm], width: int, slots: int
) -> None:
    stacks = cut(arms, width, slots)
    for kind in {shape(arm) for arm in arms}:
        alike = [stack for stack in stacks if shape(stack[0]) == kind]
        sizes = [len(stack) for stack in alike]
        assert max(sizes) - min(sizes) <= 1
        seeds = sorted([arm.seed for arm in stack] for stack in alike)
        assert [seed for stack in seeds for seed in stack] == sorted(
            arm.seed for stack in alike for arm in stack
        )


@given(arms, widths, slots)
def test_the_longest_come_first(arms: Sequence[Arm], width: int, slots: int) -> None:
    work = [(stack[0].batch_size, -len(stack)) for stack in cut(arms, width, slots)]
    assert work == sorted(work)


def test_whole_seed_groups_share_a_stack() -> None:
    grid = [
        replace(ARM, loss=loss, seed=seed)
        for loss in ("bce", "mse", "soft_accuracy")
        for seed in range(4)
    ]
    assert [{arm.seed for arm in stack} for stack in cut(grid, 6, 1)] == [{0, 1}, {2, 3}]


def test_arms_may_differ_in_what_is_compared_and_in_nothing_else() -> None:
    def together(**changes: object) -> bool:
        other = replace(ARM, seed=1, **changes)  # type: ignore[arg-type]
        return len(cut([ARM, other], 2, 1)) == 1

    train, network = dict(ARM.train), dict(ARM.network)
    assert together(loss="mse", loss_sha256="1", train=train | {"learning_rate": 0.1})
    assert together(train=train | {"warmup_epochs": 3, "reset_optimizer": True})
    assert not together(train=train | {"epochs": 3})
    assert not together(train=train | {"rho": 0.5})
    assert not together(network=network | {"filters": 3})
    assert not together(batch_size=32)
    assert not together(language="es")
    assert not together(features="g")


def test_nothing_to_do_is_no_stack() -> None:
    assert cut([], 4, 2) == []
