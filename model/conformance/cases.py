"""Batches on which losses are checked, and what a loss gives on them."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.surrogates import Loss

Labels = NDArray[np.bool_]
"""Label sets, `[b, C]`."""

EXTREMES = (100.0, 1e4)
"""Sizes of logits at which a float32 `exp` overflows, or a sigmoid is exactly 0 or 1."""


class ConformanceError(AssertionError):
    """A loss fails a check; the message is one sentence about the loss, with numbers."""


@dataclass(frozen=True)
class Case:
    """A batch and what else a loss may ask for.

    Attributes:
        logits: `[b, C]`.
        targets: 0/1, `[b, C]`.
        prior: train label frequencies, `[C]`.
        progress: 0..1 through training.
        said: what is special about it, in words.
    """

    logits: Tensor
    targets: Tensor
    prior: Tensor
    progress: float = 0.5
    said: str = ""

    def ordered(self, texts: Tensor, classes: Tensor) -> "Case":
        """The same batch with its texts `[b]` and classes `[C]` in another order."""
        return replace(
            self,
            logits=self.logits[texts][:, classes],
            targets=self.targets[texts][:, classes],
            prior=self.prior[classes],
        )

    def copied(self) -> "Case":
        """The same batch in memory of its own; gradients still reach these logits."""
        return replace(
            self,
            logits=self.logits.clone(),
            targets=self.targets.clone(),
            prior=self.prior.clone(),
        )

    def to(self, dtype: torch.dtype) -> "Case":
        """The same batch in another precision."""
        return replace(
            self,
            logits=self.logits.to(dtype),
            targets=self.targets.to(dtype),
            prior=self.prior.to(dtype),
        )


def evaluate(loss: Loss, case: Case) -> tuple[Tensor, Tensor]:
    """A loss and its gradient `[b, C]`, on copies: a loss that changes its arguments spoils none.

    Raises:
        ConformanceError: it is not one number, or does not depend on the logits.
    """
    logits = case.logits.clone().requires_grad_()
    value = apply(loss, replace(case, logits=logits).copied())
    if not value.requires_grad:
        raise ConformanceError("is cut off from the logits: no gradient reaches them")
    (gradient,) = torch.autograd.grad(value, logits, materialize_grads=True)
    return value.detach(), gradient


def apply(loss: Loss, case: Case) -> Tensor:
    """A loss as it is called in training.

    Raises:
        ConformanceError: it is not one number.
    """
    value: object = loss(case.logits, case.targets, prior=case.prior, progress=case.progress)
    if not isinstance(value, Tensor):
        raise ConformanceError(f"is a {type(value).__name__}, expected a tensor")
    if value.ndim:
        raise ConformanceError(f"is a {value.ndim}-dimensional tensor, expected a single number")
    return value


def mixed_case(seed: int, texts: int = 6, classes: int = 4, spread: float = 1.0) -> Case:
    """A random float64 batch in which every text and every class has both labels.

    Args:
        seed: of its numbers.
        texts: at least as many as classes.
        classes: at least 2.
        spread: standard deviation of its logits.
    """
    generator = torch.Generator().manual_seed(seed)
    logits = spread * torch.randn(texts, classes, generator=generator, dtype=torch.float64)
    targets = (torch.rand(texts, classes, generator=generator) < 0.4).double()
    for text in range(texts):
        targets[text, text % classes] = 1
        targets[text, (text + 1) % classes] = 0
    prior = 0.05 + 0.45 * torch.rand(classes, generator=generator, dtype=torch.float64)
    return Case(logits, targets, prior)


def decided_case(gold: Labels, predicted: Labels) -> Case:
    """A float64 batch of outputs that are exactly 0 or 1."""
    sides = torch.from_numpy(predicted).double() * 2 - 1
    prior = torch.full((gold.shape[1],), 0.3, dtype=torch.float64)
    return Case(1e4 * sides, torch.from_numpy(gold).double(), prior)


def label_sets() -> Iterator[tuple[Labels, Labels]]:
    """Gold and predicted labels: every pair of up to two texts and classes, then random ones."""
    for shape in ((1, 1), (1, 2), (2, 1), (2, 2)):
        sets = [
            np.array(bits, dtype=bool).reshape(shape)
            for bits in itertools.product((0, 1), repeat=shape[0] * shape[1])
        ]
        yield from itertools.product(sets, sets)
    generator = np.random.default_rng(0)
    for _ in range(50):
        shape = (int(generator.integers(1, 20)), int(generator.integers(1, 8)))
        gold = generator.random(shape) < generator.random(shape[1])
        yield gold, generator.random(shape) < generator.random(shape[1])


def edge_cases() -> Iterator[Case]:
    """Float32 batches at the edges of what training meets."""
    generator = torch.Generator().manual_seed(0)
    for texts, classes in ((4, 3), (1, 3), (4, 1), (1, 1)):
        some = (torch.rand(texts, classes, generator=generator) < 0.5).float()
        absent, unlabelled = some.clone(), some.clone()
        absent[:, 0] = 0
        unlabelled[0] = 0
        labels = {
            "no labels": torch.zeros(texts, classes),
            "all labels": torch.ones(texts, classes),
            "a class in no text": absent,
            "a text without labels": unlabelled,
            "random labels": some,
        }
        for name, targets in labels.items():
            sides = 2 * targets - 1
            logits = {"all 0": torch.zeros(texts, classes)}
            logits["random"] = torch.randn(texts, classes, generator=generator)
            for size in EXTREMES:
                logits[f"all {size:g}"] = torch.full((texts, classes), size)
                logits[f"all {-size:g}"] = torch.full((texts, classes), -size)
                logits[f"{size:g} on the right side"] = size * sides
                logits[f"{size:g} on the wrong side"] = -size * sides
            for where, values in logits.items():
                said = f"{texts} x {classes} logits {where}, {name}"
                yield Case(values, targets, torch.linspace(0.1, 0.5, classes), said=said)


def all_edge_cases(loss: Loss) -> Iterator[Case]:
    """The edge cases, and where a loss asks for them, each of `prior` and `progress` at 0 and 1.

    A small train split may have a class in none of its texts, or in all.
    """
    for case in edge_cases():
        yield case
        for end in (0.0, 1.0):
            if "prior" in loss.wants:
                prior = torch.full_like(case.prior, end)
                yield replace(case, prior=prior, said=f"{case.said}, prior {end:g}")
            if "progress" in loss.wants:
                yield replace(case, progress=end, said=f"{case.said}, progress {end:g}")
