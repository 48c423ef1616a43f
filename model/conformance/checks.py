"""The checks: each takes a loss and gives a word, or raises a sentence that says what is wrong."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from model.conformance.cases import (
    Case,
    ConformanceError,
    Labels,
    all_edge_cases,
    apply,
    decided_case,
    evaluate,
    label_sets,
    mixed_case,
)
from model.metrics import METRICS, statistics
from model.stack_losses import StackLosses
from model.surrogates import Loss
from model.thresholds import tune

Check = Callable[[Loss], str]
"""Returns `OK`, `NOT_ASKED` or a word of information; raises `ConformanceError`."""

OK = "ok"
NOT_ASKED = "–"

CHECKS: dict[str, Check] = {}
"""Every check by name, in the order of this file."""


@dataclass(frozen=True)
class Finding:
    """What a check finds.

    Attributes:
        check: name of the check.
        passed: whether the loss passes.
        said: the check's word where it passes, a sentence where not.
    """

    check: str
    passed: bool
    said: str


def examine(loss: Loss) -> list[Finding]:
    """What every check finds on a loss."""
    findings = []
    for name, run in CHECKS.items():
        try:
            findings.append(Finding(name, True, run(loss)))
        except ConformanceError as failure:
            findings.append(Finding(name, False, str(failure)))
        except Exception as error:  # the loss's own
            sentence = " ".join(f"raises {type(error).__name__}: {error}".split())
            findings.append(Finding(name, False, sentence))
    return findings


def check(function: Check) -> Check:
    """Register a check under the function's own name."""
    CHECKS[function.__name__] = function
    return function


@check
def equals_metric(loss: Loss) -> str:
    """A soft metric equals the hard metric that it approximates on every 0/1 output."""
    if not (loss.soft and loss.approximates):
        return NOT_ASKED
    for gold, predicted in label_sets():
        hard = float(METRICS[loss.approximates](statistics(gold, predicted).sum(axis=0)))
        soft = -float(apply(loss, decided_case(gold, predicted)))
        if not abs(soft - hard) <= 1e-9:
            raise ConformanceError(
                f"is {soft:.4g} where {loss.approximates} is {hard:.4g}: "
                f"labels {_written(gold)}, outputs {_written(predicted)}"
            )
    return OK


def _written(labels: Labels) -> str:
    """One digit a class, texts apart: `10 01`."""
    return " ".join("".join("01"[label] for label in text) for text in labels.astype(int))


@check
def bounded(loss: Loss) -> str:
    """A soft metric is in [0, 1]."""
    if not loss.soft:
        return NOT_ASKED
    random = [mixed_case(seed, spread=3) for seed in range(20)]
    for case in [*random, *all_edge_cases(loss)]:
        value = -float(apply(loss, case.copied()))
        if not -1e-6 <= value <= 1 + 1e-6:
            where = case.said or "random logits"
            raise ConformanceError(f"is {value:.4g}, outside [0, 1], at {where}")
    return OK


@check
def finite(loss: Loss) -> str:
    """Value and gradient are finite in float32, without labels, with all, at extreme logits."""
    for case in all_edge_cases(loss):
        value, gradient = evaluate(loss, case)
        if not value.isfinite():
            raise ConformanceError(f"is {float(value)} at {case.said}")
        if wrong := int((~gradient.isfinite()).sum()):
            raise ConformanceError(
                f"has {wrong} of {gradient.numel()} gradients not finite at {case.said}"
            )
    return OK


@check
def exact_gradient(loss: Loss) -> str:
    """The gradient is that of the value (gradcheck, float64).

    Random logits lie beside the kinks of piecewise linear losses.
    """
    for seed in range(2):
        case = mixed_case(seed, texts=4, classes=3)
        evaluate(loss, case)

        def value(logits: Tensor, case: Case = case) -> Tensor:
            return apply(loss, replace(case, logits=logits).copied())

        if not torch.autograd.gradcheck(
            value, case.logits.clone().requires_grad_(), raise_exception=False
        ):
            raise ConformanceError(_slopes(loss, case))
    return OK


def _slopes(loss: Loss, case: Case) -> str:
    """The entry at which gradient and central difference are furthest apart."""
    _, said = evaluate(loss, case)
    measured = torch.zeros_like(said)
    for entry in range(said.numel()):
        step = torch.zeros_like(said)
        step.view(-1)[entry] = 1e-6
        above, below = (
            evaluate(loss, replace(case, logits=case.logits + side * step))[0] for side in (1, -1)
        )
        measured.view(-1)[entry] = (above - below) / 2e-6
    worst = int((measured - said).abs().argmax())
    return (
        f"has gradient {float(said.view(-1)[worst]):.4g} in a logit along which it rises by "
        f"{float(measured.view(-1)[worst]):.4g}"
    )


@check
def reaches_classes(loss: Loss) -> str:
    """Every class that some texts have and some have not gets some gradient."""
    reached = torch.stack([evaluate(loss, mixed_case(seed))[1] != 0 for seed in range(3)])
    of_class = reached.any(dim=1).any(dim=0)
    if not of_class.all():
        none = "no class" if not of_class.any() else f"{int(of_class.sum())} classes only"
        raise ConformanceError(f"gives gradient to {none} of {len(of_class)}, all of them present")
    return OK


@check
def sample_order(loss: Loss) -> str:
    """The order of texts does not matter."""
    if said := _order_matters(loss, texts=True):
        raise ConformanceError(f"depends on the order of texts: {said}")
    return OK


@check
def class_order(loss: Loss) -> str:
    """The order of classes does not matter, or it "matters": no failure."""
    return "matters" if _order_matters(loss, texts=False) else OK


def _order_matters(loss: Loss, *, texts: bool) -> str:
    """What another order changes; nothing where nothing."""
    for seed in range(3):
        case = mixed_case(seed)
        orders = [torch.arange(size) for size in case.logits.shape]
        moved = 0 if texts else 1
        generator = torch.Generator().manual_seed(seed)
        orders[moved] = torch.randperm(len(orders[moved]), generator=generator)
        value, gradient = evaluate(loss, case)
        other = evaluate(loss, case.ordered(*orders))
        if said := _differ((value, gradient[orders[0]][:, orders[1]]), other, 1e-9):
            return said
    return ""


@check
def float32(loss: Loss) -> str:
    """Float32 gives what float64 gives, to 1e-3 of the value and of the largest gradient."""
    for seed in range(3):
        case = mixed_case(seed, texts=16, classes=11, spread=2).to(torch.float32)
        double, single = (
            evaluate(loss, case.to(dtype)) for dtype in (torch.float64, torch.float32)
        )
        if said := _differ(double, (single[0].double(), single[1].double()), 1e-3):
            raise ConformanceError(f"in float64 and float32: {said}")
    return OK


def _differ(one: tuple[Tensor, Tensor], other: tuple[Tensor, Tensor], tolerance: float) -> str:
    """How two values, or else two gradients, differ; nothing where they do not.

    Args:
        one: value and gradient `[b, C]`.
        other: the same of another calculation.
        tolerance: relative to the value where it is above 1, and to the largest gradient.
    """
    (value, gradient), (changed, moved) = one, other
    if not torch.allclose(value, changed, rtol=tolerance, atol=tolerance, equal_nan=True):
        return f"{float(value):.6g} becomes {float(changed):.6g}"
    largest = float(gradient.nan_to_num().abs().max())
    if not torch.allclose(gradient, moved, rtol=0, atol=tolerance * largest, equal_nan=True):
        off = float((gradient - moved).abs().max())
        return f"a gradient changes by {off:.3g}, the largest is {largest:.3g}"
    return ""


@check
def descends(loss: Loss) -> str:
    """Ten small steps against the gradient lower it."""
    for seed in range(3):
        case = mixed_case(seed)
        before = float(evaluate(loss, case)[0])
        after = float(evaluate(loss, _descended(loss, case, steps=10, reach=0.02))[0])
        if not after < before:
            raise ConformanceError(
                f"goes from {before:.6g} to {after:.6g} in 10 steps against its gradient"
            )
    return OK


@check
def helps_metric(loss: Loss) -> str:
    """Minimising it does not lower its hard metric where every logit is free to move.

    Where it ranks, at the threshold that is best.
    """
    for seed in range(3):
        case = mixed_case(seed, spread=0.5)
        before, after = (
            _metric(loss, at) for at in (case, _descended(loss, case, steps=60, reach=0.1))
        )
        if after < before:
            raise ConformanceError(
                f"takes {loss.own_metric} from {before:.4g} to {after:.4g} as it is minimised"
            )
    return OK


def _descended(loss: Loss, case: Case, *, steps: int, reach: float) -> Case:
    """The case after steps against the gradient, each moving no logit by more than `reach`."""
    for _ in range(steps):
        _, gradient = evaluate(loss, case)
        largest = gradient.abs().max()
        if largest == 0:
            break
        case = replace(case, logits=case.logits - reach * gradient / largest)
    return case


def _metric(loss: Loss, case: Case) -> float:
    threshold = tune(case.logits, case.targets)[loss.own_metric] if loss.ranks else 0.0
    gold, predicted = case.targets.bool().numpy(), (case.logits >= threshold).numpy()
    return float(METRICS[loss.own_metric](statistics(gold, predicted).sum(axis=0)))


@check
def pure(loss: Loss) -> str:
    """It leaves its arguments as they are, and gives the same again."""
    case, given = mixed_case(0), mixed_case(0)
    first, second = (float(apply(loss, given)) for _ in range(2))
    for name in ("logits", "targets", "prior"):
        if changed := int((getattr(case, name) != getattr(given, name)).sum()):
            raise ConformanceError(f"changes {changed} of the {name} that it is given")
    if first != second:
        raise ConformanceError(f"gives {first:.6g}, then {second:.6g} for the same batch")
    return OK


@check
def arms(loss: Loss) -> str:
    """An arm of a stack gets what it gets alone; on a GPU by one call (vmap) or singly (loop)."""
    prior = mixed_case(0).prior
    cases = [replace(mixed_case(seed), prior=prior) for seed in range(3)]
    cases[1] = replace(cases[1], targets=torch.zeros_like(cases[1].targets))
    alone = [evaluate(loss, case) for case in cases]

    stack = StackLosses.of([loss] * len(cases), prior, map_equal=True)
    how = "vmap" if stack.mapped else "loop"
    logits = torch.stack([case.logits for case in cases]).requires_grad_()
    targets = torch.stack([case.targets for case in cases])
    values = stack(logits.clone(), targets, cases[0].progress)
    (gradients,) = torch.autograd.grad(values.sum(), logits)
    for arm, expected in enumerate(alone):
        if said := _differ(expected, (values[arm].detach(), gradients[arm]), 1e-6):
            raise ConformanceError(f"alone and in a stack ({how}), arm {arm + 1} of 3: {said}")
    return how
