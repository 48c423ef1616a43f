"""Arms trained together: a stack against its arms one after another, and against processes."""

import multiprocessing
import time
from collections.abc import Iterator
from functools import partial

import torch

from benchmarks.corpora import english_size
from benchmarks.measure import Row, against, alternate
from benchmarks.plain_training import PlainTraining
from benchmarks.training import run_steps
from model import get_loss
from model.settings import NetworkSettings, TrainSettings
from model.training import Data, Member, Training

TITLE = "Stacks, b = 16: time per step of K arms trained together"
SIZE = 16
LOSSES = ("soft_accuracy", "soft_macro_f1", "soft_micro_f1", "bce", "mse")
PROCESSES = 2


def rows(quick: bool) -> Iterator[Row]:
    """On this CPU, and on its GPU where there is one."""
    data = english_size(0.05 if quick else 0.2)
    steps = 4 if quick else 16
    torch.set_num_threads(1)
    for losses, seeds in ((5, 1), (1, 5), (5, 2)):
        together, alone = _arms(losses, seeds), losses * seeds
        stack = _training(together, data)
        singles = [_training([member], data) for member in together]
        texts = torch.arange(steps * SIZE)
        a, b = alternate(
            partial(run_steps, stack, texts), partial(_in_turn, singles, texts), 1 if quick else 5
        )
        case = f"CPU, one thread, losses x seeds = {losses} x {seeds}, one after another"
        yield against(case, 1e3 * a / steps / alone, 1e3 * b / steps / alone, "ms an arm")
    yield _against_processes(data, steps, quick)
    if torch.cuda.is_available():
        yield from _on_gpu(data, steps)


def _arms(losses: int, seeds: int) -> list[Member]:
    settings = TrainSettings()
    return [
        Member(get_loss(loss), seed, settings) for seed in range(seeds) for loss in LOSSES[:losses]
    ]


def _training(members: list[Member], data: Data, device: str = "cpu") -> Training:
    return Training(members, SIZE, NetworkSettings(), data, device)


def _in_turn(singles: list[Training], texts: torch.Tensor) -> None:
    for one in singles:
        run_steps(one, texts)


def _against_processes(data: Data, steps: int, quick: bool) -> Row:
    """A stack on all threads against as many arms shared out over processes of one thread."""
    arms = _arms(2, 2)
    torch.set_num_threads(PROCESSES)
    stack = _training(arms, data)
    run = partial(run_steps, stack, torch.arange(steps * SIZE))
    run()
    began = time.perf_counter()
    run()
    ours = time.perf_counter() - began
    torch.set_num_threads(1)
    share = len(arms) // PROCESSES
    with multiprocessing.get_context("spawn").Pool(PROCESSES) as pool:
        jobs = [(share, steps, 0.05 if quick else 0.2)] * PROCESSES
        peer = max(pool.starmap(_in_a_process, jobs))
    case = f"CPU, {PROCESSES} threads, {len(arms)} arms, {PROCESSES} processes"
    scale = 1e3 / steps / len(arms)
    return against(case, ours * scale, peer * scale, "ms an arm", "processes already started")


def _in_a_process(arms: int, steps: int, share: float) -> float:
    """Seconds that one process takes for its arms, one after another."""
    torch.set_num_threads(1)
    data = english_size(share)
    singles = [_training([member], data) for member in _arms(arms, 1)]
    texts = torch.arange(steps * SIZE)
    _in_turn(singles, texts)
    began = time.perf_counter()
    _in_turn(singles, texts)
    return time.perf_counter() - began


def _on_gpu(data: Data, steps: int) -> Iterator[Row]:
    texts = torch.arange(steps * SIZE, device="cuda")
    for losses, seeds in ((1, 1), (5, 1), (5, 2), (5, 4), (5, 8)):
        arms = losses * seeds
        stack = _training(_arms(losses, seeds), data, "cuda")
        plain = PlainTraining(_training(_arms(1, 1), data, "cuda"), data)

        def ours(stack: Training = stack) -> None:
            run_steps(stack, texts)
            torch.cuda.synchronize()

        def peer(plain: PlainTraining = plain) -> None:
            plain.steps(texts)
            torch.cuda.synchronize()

        a, b = alternate(ours, peer, 3)
        case = f"GPU, losses x seeds = {losses} x {seeds}, plain modules one after another"
        note = "plain: one arm measured"
        yield against(case, 1e3 * a / steps / arms, 1e3 * b / steps, "ms an arm", note)
