"""The losses' values: against scikit-learn, and against their formulas written as plain loops.

In the loops `z` and `y` are logits and targets `[b, C]` and `pi` is the prior, all NumPy arrays.
"""

from collections.abc import Callable
from itertools import product
from math import exp, inf, log, log1p, prod

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn import metrics as sk
from sklearn.utils.class_weight import compute_class_weight
from torch import Tensor

from model import get_loss

Array = NDArray[np.float64]

Y = np.array([[1, 0, 0, 1], [0, 1, 0, 1], [1, 1, 0, 1], [0, 0, 0, 0], [1, 0, 0, 1.0]])
"""A class that is absent (2), one almost always there (3), a text without labels (3)."""
Z = np.random.default_rng(0).normal(0, 2, Y.shape)
PRIOR = np.array([0.4, 0.2, 0.05, 0.7])


def value(name: str, z: Array = Z, y: Array = Y, **parameters: float) -> float:
    loss = get_loss(name, **parameters)
    return loss(torch.tensor(z), torch.tensor(y), prior=torch.tensor(PRIOR)).item()


# At 0/1 outputs, scikit-learn.


def mean_mcc(y: Array, p: Array) -> float:
    return float(np.mean([sk.matthews_corrcoef(a, b) for a, b in zip(y.T, p.T, strict=True)]))


def f_beta(average: str, beta: float, empty: float = 0.0) -> Callable[[Array, Array], float]:
    options = {"beta": beta, "average": average, "zero_division": empty}
    return lambda y, p: -float(sk.fbeta_score(y, p, **options))


def jaccard(average: str) -> Callable[[Array, Array], float]:
    return lambda y, p: -float(sk.jaccard_score(y, p, average=average, zero_division=0))


def double_f1(y: Array, p: Array) -> float:
    options = {"average": "macro", "zero_division": 0}
    return -float(sk.f1_score(y, p, **options) + sk.f1_score(1 - y, 1 - p, **options)) / 2


HARD: dict[str, Callable[[Array, Array], float]] = {
    "soft_micro_fbeta": f_beta("micro", 2),
    "soft_macro_fbeta": f_beta("macro", 2),
    "soft_sample_f1": f_beta("samples", 1, empty=1),
    "soft_sample_fbeta": f_beta("samples", 2, empty=1),
    "soft_micro_jaccard": jaccard("micro"),
    "soft_macro_jaccard": jaccard("macro"),
    "double_soft_f1": double_f1,
    "soft_hamming": lambda y, p: sk.hamming_loss(y, p) - 1,
    "soft_subset_accuracy": lambda y, p: -sk.accuracy_score(y, p),
    "soft_mcc": lambda y, p: 1 - mean_mcc(y, p),
    "sigmoid_f1": lambda y, p: 1 + f_beta("macro", 1)(y, p),
    "anyloss_f1": f_beta("macro", 1),
}


@pytest.mark.filterwarnings("ignore:A single label was found")  # its MCC of it, 0, is meant
@pytest.mark.parametrize("name", HARD)
def test_with_0_1_outputs_it_is_what_scikit_learn_says(name: str) -> None:
    generator = np.random.default_rng(1)
    for _ in range(20):
        y, predicted = generator.integers(0, 2, (2, 6, 4))
        y[:, 1], y[2], predicted[2], predicted[3] = 0, 0, 0, 0
        logits = np.where(predicted, 800.0, -800.0)
        expected = HARD[name](y, predicted)
        assert value(name, logits, y.astype(float)) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("beta", "oracle"), [(0.0, sk.precision_score), (1e6, sk.recall_score), (1.0, sk.f1_score)]
)
def test_beta_goes_from_precision_to_recall(beta: float, oracle: Callable[..., float]) -> None:
    predicted = Z > 0
    logits = np.where(predicted, 800.0, -800.0)
    for average in ("micro", "macro"):
        expected = -oracle(Y, predicted, average=average, zero_division=0)
        found = value(f"soft_{average}_fbeta", logits, beta=beta)
        assert found == pytest.approx(expected, abs=1e-9)
    nonempty = Y.any(axis=1)
    assert value("soft_sample_fbeta", logits[nonempty], Y[nonempty], beta=beta) == pytest.approx(
        -oracle(Y[nonempty], predicted[nonempty], average="samples", zero_division=0), abs=1e-9
    )


# Anywhere, the formula.


def sigmoid(x: float) -> float:
    return 1 / (1 + exp(-x))


def mean_of_entries(of_one: Callable[[float, float, float], float]) -> Callable[..., float]:
    """Of a function of a logit, a target and a prior, the mean over texts and classes."""
    return lambda z, y, pi: float(
        np.mean(
            [of_one(z[i, j], y[i, j], pi[j]) for i, j in product(range(len(z)), range(len(pi)))]
        )
    )


def mean_of_classes(of_one: Callable[[float, float, float, float], float]) -> Callable[..., float]:
    """Of a function of soft tp, fp, fn, tn, the mean over classes."""

    def loss(z: Array, y: Array, pi: Array) -> float:
        o, values = 1 / (1 + np.exp(-z)), []
        for j in range(len(pi)):
            counts = np.zeros(4)
            for a, b in zip(o[:, j], y[:, j], strict=True):
                counts += [b * a, (1 - b) * a, b * (1 - a), (1 - b) * (1 - a)]
            values.append(of_one(*counts))
        return float(np.mean(values))

    return loss


def mean_of_texts(of_one: Callable[[list[float], list[float]], float]) -> Callable[..., float]:
    """Of a function of the gold logits and the other logits of a text, the mean over texts."""
    return lambda z, y, pi: float(
        np.mean([of_one(list(a[b == 1]), list(a[b == 0])) for a, b in zip(z, y, strict=True)])
    )


def ce(z: float, y: float) -> float:
    return -y * log(sigmoid(z)) - (1 - y) * log(sigmoid(-z))


def focal(z: float, y: float, pi: float) -> float:
    p = sigmoid(z)
    return -0.25 * (1 - p) ** 2 * log(p) if y else -0.75 * p**2 * log(1 - p)


def asymmetric(z: float, y: float, pi: float) -> float:
    p = sigmoid(z)
    shifted = max(p - 0.05, 0)
    return -(1 - p) * log(p) if y else -(shifted**4) * log(1 - shifted)


def hill(z: float, y: float, pi: float) -> float:
    p, shifted = sigmoid(z), sigmoid(z - 1)
    return -((1 - shifted) ** 2) * log(shifted) if y else (1.5 - p) * p**2


def mcc(tp: float, fp: float, fn: float, tn: float) -> float:
    spread = (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)
    return 1 - ((tp * tn - fp * fn) / spread**0.5 if spread else 0)


def zlpr(gold: list[float], others: list[float]) -> float:
    return log1p(sum(exp(z) for z in others)) + log1p(sum(exp(-z) for z in gold))


def lsep(gold: list[float], others: list[float]) -> float:
    return log1p(sum(exp(p - q) for p in others for q in gold))


def ranking(gold: list[float], others: list[float]) -> float:
    """With torch's criterion, the sum over pairs divided by the number of classes."""
    if not gold or not others:
        return 0.0
    classes = len(gold) + len(others)
    indices = [*range(len(gold)), *[-1] * len(others)]
    pairs = torch.nn.functional.multilabel_margin_loss(
        torch.tensor([*gold, *others]), torch.tensor(indices)
    )
    return pairs.item() * classes / (len(gold) * len(others))


def order(gold: list[float], others: list[float]) -> float:
    pairs = [exp(sigmoid(p) - sigmoid(q)) for p in others for q in gold]
    return sum(pairs) / len(pairs) if pairs else 0.0


def two_way(z: Array, y: Array, pi: Array) -> float:
    def one_way(z: Array, y: Array) -> float:
        values = []
        for a, b in zip(z, y, strict=True):
            if b.any() and not b.all():
                others = log(sum(exp(v) for v in a[b == 0]))
                golden = 4 * log(sum(exp(-v / 4) for v in a[b == 1]))
                values.append(log1p(exp(others + golden)))
            elif b.all():
                values.append(0.0)
        return float(np.mean(values))

    return one_way(z, y) + one_way(z.T, y.T)


def lovasz(gold: list[float], others: list[float]) -> float:
    """The Lovász extension of the set function: errors M to |M| / |gold or in M|."""
    margins = [*[(1 - z, 1) for z in gold], *[(1 + z, 0) for z in others]]
    value, wrong, false, before = 0.0, 0, 0, 0.0
    for error, y in sorted(margins, reverse=True):
        wrong, false = wrong + 1, false + 1 - y
        jaccard_error = wrong / (len(gold) + false)
        value += max(error, 0) * (jaccard_error - before)
        before = jaccard_error
    return value


def distribution_balanced(z: Array, y: Array, pi: Array) -> float:
    values = []
    for a, b in zip(z, y, strict=True):
        drawn = sum(1 / p for p, label in zip(pi, b, strict=True) if label)
        for logit, label, p in zip(a, b, pi, strict=True):
            r = (1 / p) / drawn if drawn else inf
            weight = 0.1 + (sigmoid(10 * (r - 0.2)) if r < inf else 1)
            x = logit - 0.05 * log(1 / p - 1)
            values.append(weight * (log1p(exp(-x)) if label else log1p(exp(5 * x)) / 5))
    return float(np.mean(values))


def dice(z: Array, y: Array, pi: Array) -> float:
    o = 1 / (1 + np.exp(-z))
    return -float(
        np.mean(
            [
                (2 * sum(a * b for a, b in zip(c, d, strict=True)) + 1)
                / (sum(a * a + b * b for a, b in zip(c, d, strict=True)) + 1)
                for c, d in zip(o.T, y.T, strict=True)
            ]
        )
    )


def amplified_f1(z: Array, y: Array, slope: Callable[[float], float]) -> float:
    values = []
    for c, d in zip(z.T, y.T, strict=True):
        s = [slope(v) for v in c]
        values.append(2 * sum(a * b for a, b in zip(s, d, strict=True)) / (sum(s) + sum(d)))
    return float(np.mean(values))


FORMULAS: dict[str, Callable[[Array, Array, Array], float]] = {
    "soft_hamming": mean_of_entries(lambda z, y, pi: abs(y - sigmoid(z)) - 1),
    "soft_subset_accuracy": mean_of_texts(
        lambda gold, others: -prod([*map(sigmoid, gold), *[sigmoid(-z) for z in others]])
    ),
    "soft_sample_f1": mean_of_texts(
        lambda gold, others: (
            -2 * sum(map(sigmoid, gold)) / (len(gold) + sum(map(sigmoid, [*gold, *others])))
        )
    ),
    "soft_macro_jaccard": mean_of_classes(lambda tp, fp, fn, tn: -tp / (tp + fp + fn)),
    "soft_macro_fbeta": mean_of_classes(lambda tp, fp, fn, tn: -5 * tp / (5 * tp + 4 * fn + fp)),
    "double_soft_f1": mean_of_classes(
        lambda tp, fp, fn, tn: -tp / (2 * tp + fp + fn) - tn / (2 * tn + fp + fn)
    ),
    "soft_mcc": mean_of_classes(mcc),
    "dice": dice,
    "log_dice": mean_of_classes(lambda tp, fp, fn, tn: -log((2 * tp + 1) / (2 * tp + fp + fn + 1))),
    "tversky": mean_of_classes(lambda tp, fp, fn, tn: -tp / (tp + 0.3 * fp + 0.7 * fn)),
    "focal_tversky": mean_of_classes(
        lambda tp, fp, fn, tn: (1 - tp / (tp + 0.3 * fp + 0.7 * fn)) ** 0.75
    ),
    "lovasz_hinge": mean_of_texts(lovasz),
    "sigmoid_f1": lambda z, y, pi: 1 - amplified_f1(z, y, lambda v: sigmoid(2 * v)),
    "anyloss_f1": lambda z, y, pi: -amplified_f1(z, y, lambda v: sigmoid(73 * (sigmoid(v) - 0.5))),
    "balanced_bce": mean_of_entries(
        lambda z, y, pi: ce(z, y) * (0.5 / pi if y else 0.5 / (1 - pi))
    ),
    "label_smoothing": mean_of_entries(lambda z, y, pi: ce(z, 0.95 if y else 0.05)),
    "focal": mean_of_entries(focal),
    "poly_bce": mean_of_entries(lambda z, y, pi: ce(z, y) + abs(y - sigmoid(z))),
    "asymmetric": mean_of_entries(asymmetric),
    "hill": mean_of_entries(hill),
    "logit_adjusted_bce": mean_of_entries(lambda z, y, pi: ce(z + log(pi / (1 - pi)), y)),
    "distribution_balanced": distribution_balanced,
    "zlpr": mean_of_texts(zlpr),
    "two_way": two_way,
    "lsep": mean_of_texts(lsep),
    "pairwise_ranking": mean_of_texts(ranking),
    "correlation_aware_bce": lambda z, y, pi: (
        0.8 * mean_of_entries(lambda z, y, pi: ce(z, y))(z, y, pi)
        + 0.2 * mean_of_texts(order)(z, y, pi)
    ),
    "hinge": mean_of_entries(lambda z, y, pi: max(0, 1 - z if y else 1 + z)),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_it_is_its_formula(name: str) -> None:
    assert value(name) == pytest.approx(FORMULAS[name](Z, Y, PRIOR), rel=1e-12)
    full = np.ones_like(Y)
    assert value(name, Z, full) == pytest.approx(FORMULAS[name](Z, full, PRIOR), rel=1e-12)


def test_weights_balance_as_scikit_learn_balances_one_class() -> None:
    y, z = Y[:, :1], Z[:, :1]
    classes = compute_class_weight("balanced", classes=np.array([0, 1]), y=y[:, 0])
    loss = get_loss("balanced_bce")
    found = loss(torch.tensor(z), torch.tensor(y), prior=torch.tensor(y.mean(axis=0)))
    weights = np.where(y[:, 0] == 1, classes[1], classes[0])
    probabilities = 1 / (1 + np.exp(-z[:, 0]))
    expected = sk.log_loss(y[:, 0], probabilities, sample_weight=weights)
    # scikit-learn divides by the sum of weights, which is the number of texts.
    assert float(found) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("name", "parameters", "same"),
    [
        ("soft_micro_fbeta", {"beta": 1.0}, "soft_micro_f1"),
        ("soft_macro_fbeta", {"beta": 1.0}, "soft_macro_f1"),
        ("soft_sample_fbeta", {"beta": 1.0}, "soft_sample_f1"),
        ("tversky", {"alpha": 0.5, "beta": 0.5}, "soft_macro_f1"),
        ("tversky", {"alpha": 1.0, "beta": 1.0}, "soft_macro_jaccard"),
        ("label_smoothing", {"epsilon": 0.0}, "bce"),
        ("poly_bce", {"epsilon": 0.0}, "bce"),
        ("logit_adjusted_bce", {"temperature": 0.0}, "bce"),
        ("correlation_aware_bce", {"alpha": 0.0}, "bce"),
        ("asymmetric", {"gamma_pos": 0.0, "gamma_neg": 0.0, "clip": 0.0}, "bce"),
    ],
)
def test_a_parameter_s_special_value_is_another_loss(
    name: str, parameters: dict[str, float], same: str
) -> None:
    assert value(name, Z, Y, **parameters) == pytest.approx(value(same), rel=1e-12)


def test_half_of_focal_without_its_power_is_bce() -> None:
    assert value("focal", gamma=0.0, alpha=0.5) == pytest.approx(value("bce") / 2, rel=1e-12)


# Gradients, by hand.


def zlpr_gradient(z: Tensor, y: Tensor) -> Tensor:
    up, down = (1 - y) * z.exp(), y * (-z).exp()
    return (up / (1 + up.sum(1, keepdim=True)) - down / (1 + down.sum(1, keepdim=True))) / len(z)


def lsep_gradient(z: Tensor, y: Tensor) -> Tensor:
    up, down = (1 - y) * z.exp(), y * (-z).exp()
    a, b = up.sum(1, keepdim=True), down.sum(1, keepdim=True)
    return (up * b - down * a) / (1 + a * b) / len(z)


def smoothing_gradient(z: Tensor, y: Tensor) -> Tensor:
    return (z.sigmoid() - (0.9 * y + 0.05)) / z.numel()


def jaccard_gradient(z: Tensor, y: Tensor) -> Tensor:
    o = z.sigmoid()
    shared, union = (y * o).sum(0), (y + o - y * o).sum(0)
    return -(y / union - (1 - y) * shared / union**2) * o * (1 - o) / z.shape[1]


GRADIENTS = {
    "zlpr": zlpr_gradient,
    "lsep": lsep_gradient,
    "label_smoothing": smoothing_gradient,
    "soft_macro_jaccard": jaccard_gradient,
}


@pytest.mark.parametrize("name", GRADIENTS)
def test_its_gradient_is_the_closed_form(name: str) -> None:
    z, y = torch.tensor(Z, requires_grad=True), torch.tensor(Y)
    (gradient,) = torch.autograd.grad(get_loss(name)(z, y), z)
    expected = GRADIENTS[name](z.detach(), y)
    torch.testing.assert_close(gradient, expected, rtol=1e-12, atol=1e-15)


def test_a_class_absent_from_the_batch_is_pushed_down_by_the_losses_that_say_so() -> None:
    for name in ("double_soft_f1", "dice", "log_dice"):
        z = torch.tensor(Z, requires_grad=True)
        (gradient,) = torch.autograd.grad(get_loss(name)(z, torch.tensor(Y)), z)
        assert (gradient[:, 2] > 0).all(), name
