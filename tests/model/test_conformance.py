"""Every built-in loss conforms, and the suite catches losses that do not."""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from model import get_loss, loss, ratio, soft_metric
from model.catalogue import LossSource, built_in_losses
from model.conformance import CHECKS, ConformanceError, LossConformance, examine
from model.surrogates import Loss, load_loss


class TestBuiltIn(LossConformance):
    @pytest.fixture(autouse=True, params=built_in_losses(), ids=lambda declared: declared.name)
    def _given(self, request: pytest.FixtureRequest) -> None:
        self.loss = load_loss(request.param)


def f1(o: Tensor, y: Tensor) -> Tensor:
    return ratio(2 * (y * o).sum(), (y + o).sum(), empty=0.0)


def entropy(logits: Tensor, y: Tensor) -> Tensor:
    return functional.binary_cross_entropy_with_logits(logits, y)


@soft_metric()
def wrong_sign(o: Tensor, y: Tensor) -> Tensor:
    return 1 - f1(o, y)


@loss()
def nan_without_labels(logits: Tensor, y: Tensor) -> Tensor:
    return (entropy(logits, y) * y.sum()) / y.sum()


@loss()
def infinite_slope(logits: Tensor, y: Tensor) -> Tensor:
    return (torch.sigmoid(logits) - y).abs().sqrt().mean()


@loss()
def float32_overflow(logits: Tensor, y: Tensor) -> Tensor:
    return (torch.log(1 + torch.exp(logits)) - y * logits).mean()


@loss()
def detached(logits: Tensor, y: Tensor) -> Tensor:
    return entropy(logits.detach(), y)


@loss()
def rounded(logits: Tensor, y: Tensor) -> Tensor:
    return (torch.sigmoid(logits).round() - y).square().mean()


@loss()
def partly_detached(logits: Tensor, y: Tensor) -> Tensor:
    return (torch.sigmoid(logits).detach() * (1 - y) * logits).mean() + entropy(logits, y)


@loss()
def forgets_a_class(logits: Tensor, y: Tensor) -> Tensor:
    return entropy(logits[:, :-1], y[:, :-1]) if logits.shape[1] > 1 else entropy(logits, y)


@loss()
def first_texts_count_more(logits: Tensor, y: Tensor) -> Tensor:
    weights = torch.arange(len(y), 0, -1).to(logits)[:, None]
    return (weights * (torch.sigmoid(logits) - y).square()).mean()


@loss()
def smooths_in_place(logits: Tensor, y: Tensor) -> Tensor:
    return entropy(logits, y.mul_(0.9).add_(0.05))


@soft_metric(approximates="macro_f1")
def not_what_it_says(o: Tensor, y: Tensor) -> Tensor:
    return f1(o, y)


@soft_metric()
def unbounded(o: Tensor, y: Tensor) -> Tensor:
    return (y * o).sum()


@loss()
def half_precision(logits: Tensor, y: Tensor) -> Tensor:
    return entropy(logits if logits.dtype == torch.float64 else logits.bfloat16().float(), y)


@loss()
def random(logits: Tensor, y: Tensor) -> Tensor:
    return entropy(logits, y) * (1 + torch.rand(()))


@loss()
def one_value_a_text(logits: Tensor, y: Tensor) -> Tensor:
    return (torch.sigmoid(logits) - y).square().mean(dim=1)


@loss()
def breaks(logits: Tensor, y: Tensor) -> Tensor:
    return logits[:, 99].sum()


@loss(ranks=True)
def ranks_upside_down(logits: Tensor, y: Tensor) -> Tensor:
    return (y * logits).mean() - ((1 - y) * logits).mean()


@loss()
def finite_by_default(logits: Tensor, y: Tensor, *, power: float = 1.0) -> Tensor:
    return (torch.sigmoid(logits) - y).square().clamp(min=1e-12).pow(power).mean()


WRONG = {
    wrong_sign: ("helps_metric", r"takes acc from 0\.\d+ to 0 as it is minimised"),
    nan_without_labels: ("finite", "is nan at 4 x 3 logits all 0, no labels"),
    infinite_slope: (
        "finite",
        "has 12 of 12 gradients not finite at 4 x 3 logits all -100, no labels",
    ),
    float32_overflow: ("finite", "is inf at 4 x 3 logits all 100, no labels"),
    detached: ("reaches_classes", "is cut off from the logits: no gradient reaches them"),
    rounded: ("reaches_classes", "gives gradient to no class of 4, all of them present"),
    partly_detached: ("exact_gradient", r"has gradient -?\d\S+ in a logit along which it rises by"),
    forgets_a_class: ("reaches_classes", "gives gradient to 3 classes only of 4"),
    first_texts_count_more: ("sample_order", r"depends on the order of texts: \d\S+ becomes \d"),
    smooths_in_place: ("pure", "changes 24 of the targets that it is given"),
    not_what_it_says: ("equals_metric", r"is 1 where macro_f1 is 0\.5: labels 01, outputs 01"),
    unbounded: ("bounded", r"is \d\S+, outside \[0, 1\], at random logits"),
    half_precision: (
        "float32",
        r"in float64 and float32: a gradient changes by \d\S+, the largest",
    ),
    ranks_upside_down: ("helps_metric", r"takes acc from 0\.\d+ to 0\.\d+ as it is minimised"),
    finite_by_default.with_parameters({"power": -1.0}): (
        "helps_metric",
        r"takes acc from 0\.\d+ to 0 as it is minimised",
    ),
    random: ("pure", r"gives \d\S+, then \d\S+ for the same batch"),
    one_value_a_text: ("finite", "is a 1-dimensional tensor, expected a single number"),
    breaks: ("finite", "raises IndexError: index 99 is out of bounds"),
}


@pytest.mark.parametrize(
    ("wrong", "caught"), WRONG.items(), ids=lambda item: getattr(item, "name", "")
)
def test_a_wrong_loss_is_caught_with_a_sentence(wrong: Loss, caught: tuple[str, str]) -> None:
    name, sentence = caught
    failures = {found.check: found.said for found in examine(wrong) if not found.passed}
    assert name in failures
    assert re.match(sentence, failures[name])
    assert "\n" not in failures[name]


@pytest.mark.parametrize(
    "wrong",
    [
        wrong_sign, nan_without_labels, infinite_slope, float32_overflow, partly_detached,
        forgets_a_class, first_texts_count_more, not_what_it_says, unbounded, half_precision,
    ],
    ids=lambda wrong: wrong.name,
)  # fmt: skip
def test_one_mistake_fails_one_check(wrong: Loss) -> None:
    assert [found.check for found in examine(wrong) if not found.passed] == [WRONG[wrong][0]]


@pytest.mark.parametrize("declared", built_in_losses(), ids=lambda declared: declared.name)
def test_a_changed_sign_is_caught_in_every_built_in_loss(declared: LossSource) -> None:
    right = load_loss(declared)

    def negated(*arguments: Tensor, **context: Tensor) -> Tensor:
        return -right.function(*arguments, **context)

    with pytest.raises(ConformanceError, match="as it is minimised"):
        CHECKS["helps_metric"](replace(right, function=negated))


@pytest.mark.parametrize(
    "right",
    [get_loss("focal", gamma=0.5), get_loss("two_way", t_pos=1), finite_by_default],
    ids=lambda right: right.name,
)
def test_a_loss_with_other_parameters_is_examined_with_these(right: Loss) -> None:
    assert [found.said for found in examine(right) if not found.passed] == []


def test_a_loss_that_ranks_may_put_its_threshold_anywhere() -> None:
    @loss(ranks=True)
    def drifts(logits: Tensor, y: Tensor) -> Tensor:
        return get_loss("pairwise_ranking")(logits, y) + logits.mean()

    assert CHECKS["helps_metric"](drifts) == "ok"
    with pytest.raises(ConformanceError, match="as it is minimised"):
        CHECKS["helps_metric"](replace(drifts, ranks=False))


def test_how_a_stack_calls_a_loss_and_whether_the_order_of_classes_matters_is_told() -> None:
    @loss()
    def branches(logits: Tensor, y: Tensor) -> Tensor:
        value = (torch.sigmoid(logits) - y).square()
        return (value * torch.arange(1, y.shape[1] + 1)).mean() if y.sum() else value.mean()

    said = {found.check: found.said for found in examine(branches) if found.passed}
    assert said["arms"] == "loop"
    assert said["class_order"] == "matters"
    assert said["equals_metric"] == said["bounded"] == "–"
    assert len(said) == len(CHECKS)
    assert CHECKS["arms"](get_loss("bce")) == "vmap"


def test_a_loss_that_asks_for_prior_meets_classes_in_no_train_text() -> None:
    @loss()
    def rare_first(logits: Tensor, y: Tensor, prior: Tensor) -> Tensor:
        return ((torch.sigmoid(logits) - y).square() / prior).mean()

    with pytest.raises(ConformanceError, match=r"is inf at .*, prior 0"):
        CHECKS["finite"](rare_first)


@pytest.mark.parametrize("name", CHECKS)
def test_the_class_has_a_test_for_each_check(name: str) -> None:
    class Mine(LossConformance):
        loss = one_value_a_text

    test: Callable[[], None] = getattr(Mine(), f"test_{name}")
    assert test.__doc__
    if name in ("equals_metric", "bounded"):
        test()
    else:
        with pytest.raises(ConformanceError, match="is a 1-dimensional tensor"):
            test()
