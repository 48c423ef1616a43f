"""The network equals the plain one built from PyTorch's modules."""

import pytest
import torch

from benchmarks.plain import PlainCNN
from model.batches import Batch, Windows, prepare
from model.cnn import CNN
from model.rmsprop import RMSprop
from model.settings import NetworkSettings
from model.texts import arrange

SETTINGS = NetworkSettings(filters=5)
LENGTH, COLUMNS, CLASSES = 11, 7, 4

TEXTS = {
    "random lengths": [0, 3, 11, 7],
    "full length": [11, 11, 11],
    "empty texts": [0, 0],
    "one text": [5],
    "short": [1, 2, 1, 2, 3],
}


def batch(
    lengths: list[int], words: int = 30, seed: int = 0, positions: int = LENGTH
) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randint(1, words + 1, (len(lengths), positions), generator=generator)
    for row, length in zip(rows, lengths, strict=True):
        row[: positions - length] = 0
    return rows


WINDOWS = Windows.of(SETTINGS.heights)


def prepared(*by_group: torch.Tensor) -> Batch:
    words = torch.stack(by_group)
    return prepare(words, torch.zeros(*words.shape[:2], CLASSES, dtype=torch.float64), WINDOWS)


def table(words: int = 30) -> torch.Tensor:
    rows = torch.randn(
        words + 1, COLUMNS, generator=torch.Generator().manual_seed(1), dtype=torch.float64
    )
    rows[0] = 0
    return rows


def gradients(stack: CNN, arm: int) -> dict[str, torch.Tensor]:
    return {name: grad_of(value)[arm] for name, value in stack.named_parameters()}


def grad_of(parameter: torch.Tensor) -> torch.Tensor:
    assert parameter.grad is not None
    return parameter.grad


def plain_gradients(plain: PlainCNN, stack: CNN) -> dict[str, torch.Tensor]:
    blocks = [grad_of(c.weight).permute(1, 2, 0).flatten(1) for c in plain.convolutions]
    norms = [(grad_of(norm.weight), grad_of(norm.bias)) for norm in plain.norms]
    return {
        "filters": torch.cat(blocks, dim=1),
        "head_weight": grad_of(plain.head.weight).T,
        "head_bias": grad_of(plain.head.bias),
        "input_scale": grad_of(plain.input_norm.weight),
        "input_shift": grad_of(plain.input_norm.bias),
        "map_scale": torch.cat([scale for scale, _ in norms]),
        "map_shift": torch.cat([shift for _, shift in norms]),
    }


@pytest.mark.parametrize("words", [30, 1], ids=["30 words", "1 word"])
@pytest.mark.parametrize(
    ("lengths", "positions"),
    [
        *((lengths, LENGTH) for lengths in TEXTS.values()),
        ([1, 1, 0, 1], 1),  # one vector a text
        ([3, 1, 2], 3),  # fewer positions than the highest filter
        ([300, 150, 2], 300),
    ],
    ids=[*TEXTS, "one position", "three positions", "long texts"],
)
def test_outputs_gradients_and_statistics_equal_the_plain_network_s(
    lengths: list[int], positions: int, words: int
) -> None:
    stack = CNN(SETTINGS, COLUMNS, CLASSES, [0], torch.float64)
    plain = PlainCNN(stack)
    rows, words_of = table(words), batch(lengths, words, positions=positions)
    ours, theirs = stack(rows, prepared(words_of))[0], plain(rows[words_of])
    torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-12)
    ours.square().sum().backward()
    theirs.square().sum().backward()
    expected = plain_gradients(plain, stack)
    for name, gradient in gradients(stack, 0).items():
        torch.testing.assert_close(gradient, expected[name], rtol=1e-8, atol=1e-10, msg=name)
    torch.testing.assert_close(stack.input_mean[0], plain.input_norm.running_mean)
    torch.testing.assert_close(stack.input_var[0], plain.input_norm.running_var)
    for name in ("mean", "var"):
        running = torch.cat([getattr(norm, f"running_{name}") for norm in plain.norms])
        torch.testing.assert_close(getattr(stack, f"map_{name}")[0], running)
    plain.eval()
    torch.testing.assert_close(
        stack.predict(rows, arrange(words_of, WINDOWS))[0],
        plain(rows[words_of]),
        rtol=1e-10,
        atol=1e-12,
    )


@pytest.mark.parametrize(
    ("lengths", "words", "texts"),
    [
        ([0, 3, 11, 7, 9], 30, "new"),
        ([11, 11, 11], 30, "new"),
        ([7, 7, 7, 7], 30, "equal"),
        ([0, 3, 11, 7, 9], 1, "new"),
        ([7, 7, 7], 1, "equal"),
    ],
    ids=["random", "full length", "all equal", "one word", "all equal, one word"],
)
def test_50_training_steps_stay_within_1e_9_of_the_plain_network(
    lengths: list[int], words: int, texts: str
) -> None:
    stack = CNN(SETTINGS, COLUMNS, CLASSES, [3], torch.float64)
    plain = PlainCNN(stack)
    rows = table(words)
    ours = RMSprop(stack.parameters(), [1e-3], rho=0.9, epsilon=1e-7)
    theirs = torch.optim.RMSprop(plain.parameters(), lr=1e-3, alpha=0.9, eps=1e-7)
    for step in range(50):
        read = batch(lengths, words, seed=step)
        if texts == "equal":
            read = read[:1].expand_as(read).contiguous()
        targets = torch.randint(
            0, 2, (len(lengths), CLASSES), generator=torch.Generator().manual_seed(step)
        ).double()
        (stack(rows, prepared(read))[0].sigmoid() - targets).square().mean().backward()
        ours.step()
        theirs.zero_grad()
        (plain(rows[read]).sigmoid() - targets).square().mean().backward()
        theirs.step()
    read = batch([1, 5, 11, 0], words, seed=99)
    plain.eval()
    torch.testing.assert_close(
        stack.predict(rows, arrange(read, WINDOWS))[0], plain(rows[read]), rtol=0, atol=1e-9
    )


def test_each_arm_of_a_stack_gets_the_outputs_and_gradients_it_gets_alone() -> None:
    seeds = [4, 9, 4, 2]
    stack = CNN(SETTINGS, COLUMNS, CLASSES, seeds, torch.float64)
    groups = [batch([2, 7, 11], seed=group) for group in range(3)]
    stack(table(), prepared(*groups)).square().sum().backward()
    texts = arrange(groups[0], WINDOWS)
    for arm, (seed, group) in enumerate(zip(seeds, [0, 1, 0, 2], strict=True)):
        alone = CNN(SETTINGS, COLUMNS, CLASSES, [seed], torch.float64)
        alone(table(), prepared(groups[group])).square().sum().backward()
        for name, gradient in gradients(alone, 0).items():
            torch.testing.assert_close(gradients(stack, arm)[name], gradient, msg=name)
        torch.testing.assert_close(
            stack.predict(table(), texts)[arm], alone.predict(table(), texts)[0]
        )


def test_initial_values_depend_on_the_seed_alone() -> None:
    one, two, other = (CNN(SETTINGS, COLUMNS, CLASSES, seeds) for seeds in ([0], [5, 0], [1]))
    assert torch.equal(one.filters[0], two.filters[1])
    assert not torch.equal(one.filters[0], other.filters[0])


def test_filters_start_glorot_uniform_by_height() -> None:
    stack = CNN(NetworkSettings(heights=(1, 4), filters=50), 100, CLASSES, [0])
    single, quadruple = stack.filters[0][:, :50], stack.filters[0][:, 50:]
    for filters, height in ((single, 1), (quadruple, 4)):
        limit = (6 / (height * (100 + 50))) ** 0.5
        assert limit * 0.99 < filters.abs().max() <= limit
