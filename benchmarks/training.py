"""Training on a CPU: softsweep's network against the same one in PyTorch's own modules."""

from collections.abc import Callable, Iterator
from functools import partial

import torch

from benchmarks.corpora import COLUMNS, english_size
from benchmarks.measure import Row, against, alternate
from benchmarks.plain_training import PlainTraining
from model import get_loss
from model.batches import epoch_batches
from model.settings import NetworkSettings, TrainSettings
from model.training import Data, Member, Training

TITLE = "Training: steps and epochs of one arm at the English size (ours with their preparation)"
SIZES = (16, 32, 64, 128)
PEAK = 2048
"""Rows and columns of the matrices whose product counts as the machine's peak."""


def rows(quick: bool) -> Iterator[Row]:
    """Steps by batch size, threads and precision; epochs; share of the peak; rounding errors."""
    data = english_size(0.05 if quick else 1.0)
    for threads in (1, 2):
        torch.set_num_threads(threads)
        for size in SIZES[:: 3 if quick else 1]:
            yield from _steps(data, size, threads, quick)
    torch.set_num_threads(1)
    yield from _epochs(data, runs=1)
    yield from _peaks(data, quick)
    yield from _rounding(data)


def training(data: Data, size: int, precision: str = "float32") -> Training:
    """One arm of the paper's network."""
    settings = TrainSettings.model_validate({"precision": precision})
    return Training([Member(get_loss("bce"), 0, settings)], size, NetworkSettings(), data)


def run_steps(ours: Training, texts: torch.Tensor) -> None:
    """Prepare and train the mini-batches of texts given by number, `[m]`."""
    ours.begin_epoch()
    order = texts.expand(len(ours.network.group_seeds), -1)
    size, windows = ours.batch_size, ours.network.windows
    batches = epoch_batches(ours.words, ours.targets, order, size, windows, cut=ours.cut)
    for batch in batches:
        ours.step(batch, 0.0)


def _steps(data: Data, size: int, threads: int, quick: bool) -> Iterator[Row]:
    count = 4 if quick else max(8, 320 // size)
    texts = torch.randperm(len(data.splits["train"].words))[: count * size]
    count = len(texts) // size
    exact, rounded = training(data, size), training(data, size, "bfloat16")
    plain = PlainTraining(exact, data)
    cores = "one thread" if threads == 1 else f"{threads} threads"
    for name, ours in (("float32", exact), ("bfloat16 products", rounded)):
        a, b = alternate(
            partial(run_steps, ours, texts), partial(plain.steps, texts), 2 if quick else 5
        )
        yield against(f"step, b = {size}, {cores}, {name}", 1e3 * a / count, 1e3 * b / count, "ms")


def _epochs(data: Data, runs: int) -> Iterator[Row]:
    texts = len(data.splits["train"].words)
    for precision in ("float32", "bfloat16"):
        ours = training(data, SIZES[0], precision)
        plain = PlainTraining(ours, data)
        peers: dict[str, Callable[[], None]] = {"plain loop": plain.epoch}
        if precision == "float32":
            peers["Keras-style loop"] = plain.fit_epoch
        for name, peer in peers.items():
            a, b = alternate(ours.run_epoch, peer, runs)
            case = f"epoch of {texts} texts, b = {SIZES[0]}, one thread, {precision}, {name}"
            yield against(case, a, b, "s", "every split evaluated")


def _peaks(data: Data, quick: bool) -> Iterator[Row]:
    """What a step's two products reach of the machine's own peak, and how much of it they are."""
    size, runs = SIZES[0], 5 if quick else 20
    texts = torch.arange(4 * size)
    for precision in ("float32", "bfloat16"):
        ours = training(data, size, precision)
        windows = ours.network.windows
        batches = epoch_batches(ours.words, ours.targets, texts[None], size, windows, cut=True)
        words = 1 + next(iter(batches)).words.shape[1]
        taps = ours.network.filters.shape[2]
        dtype = ours.network.product_dtype
        left, right = torch.randn(PEAK, PEAK).to(dtype), torch.randn(PEAK, PEAK).to(dtype)
        rows_, filters = torch.randn(words, COLUMNS).to(dtype), torch.randn(COLUMNS, taps).to(dtype)
        gradient = torch.randn(words, taps).to(dtype)

        def products(
            rows_: torch.Tensor = rows_,
            filters: torch.Tensor = filters,
            gradient: torch.Tensor = gradient,
        ) -> None:
            rows_ @ filters
            rows_.T @ gradient

        step, floor = alternate(partial(run_steps, ours, texts), products, runs)
        _, peak = alternate(products, partial(torch.mm, left, right), 3)
        operations = 4 * words * COLUMNS * taps
        note = "ratio is the share of the peer"
        fastest = 2 * PEAK**3 / peak / 1e9
        reached = 4 * operations / step / 1e9
        yield Row(
            f"{precision} products of a step, b = {size}, against a large square product",
            reached,
            fastest,
            "GFLOP/s",
            reached / fastest,
            note,
        )
        case = f"step, b = {size}, {precision}, against its two products alone"
        yield Row(case, 250 * step, 1e3 * floor, "ms", 4 * floor / step, f"{note}: the floor")


def _rounding(data: Data) -> Iterator[Row]:
    """How far bfloat16 products move the outputs and gradients of the first mini-batch."""
    size = SIZES[0]
    found = []
    for precision in ("float32", "bfloat16"):
        ours = training(data, size, precision)
        ours.begin_epoch()
        order, windows = torch.arange(size)[None], ours.network.windows
        (batch,) = epoch_batches(ours.words, ours.targets, order, size, windows, cut=True)
        logits = ours.network(ours.table, batch)
        ours.objective(logits, batch.targets, 0.0).sum().backward()
        gradient = ours.network.filters.grad
        assert gradient is not None
        found.append({"logits": logits.detach(), "gradient of the filters": gradient})
    exact, rounded = found
    for name, value in exact.items():
        error = 100 * float((rounded[name] - value).norm() / value.norm())
        note = "a maximum that moves to another position takes its gradient along"
        case = f"bfloat16 against float32: {name}, norm of the difference"
        yield Row(case, error, None, "%", None, note if "gradient" in name else "")
