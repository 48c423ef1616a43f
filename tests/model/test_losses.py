"""The soft metrics are what equations 9 to 14 say."""

import ast
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from torch import Tensor

from model import get_loss
from model.catalogue import (
    LossSource,
    built_in_losses,
    catalogue,
    parse_losses,
    read_losses,
)
from model.errors import LossError
from model.metrics import METRICS, statistics
from model.surrogates import Loss, load_loss

APPROXIMATING = [loss for loss in built_in_losses() if loss.approximates]
SHAPES = st.tuples(st.integers(1, 9), st.integers(1, 6))


@st.composite
def two_label_sets(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    shape = draw(SHAPES)
    return draw(arrays(bool, shape)), draw(arrays(bool, shape))


@pytest.mark.parametrize("declared", APPROXIMATING, ids=lambda loss: loss.name)
@given(sets=two_label_sets())
def test_a_soft_metric_equals_its_hard_metric_on_every_0_1_output(
    declared: LossSource, sets: tuple[np.ndarray, np.ndarray]
) -> None:
    gold, predicted = sets
    soft = load_loss(declared).function(
        torch.tensor(predicted, dtype=torch.float64), torch.tensor(gold, dtype=torch.float64)
    )
    hard = METRICS[declared.own_metric](statistics(gold, predicted).sum(axis=0))
    assert float(soft) == pytest.approx(float(hard), abs=1e-12)


def test_the_paper_s_losses_are_among_them() -> None:
    labels = {loss.name: loss.label for loss in built_in_losses()}
    assert (
        labels
        == {
            "soft_accuracy": "SAcc",
            "soft_micro_f1": "Sm-F1",
            "soft_macro_f1": "SM-F1",
            "bce": "BCE",
            "mse": "MSE",
        }
        | labels
    )


def eq_12(o: Tensor, y: Tensor) -> Tensor:
    m = len(o)
    i = (y * o).sum(1, keepdim=True)
    u = (y + o - y * o).sum(1, keepdim=True)
    return -(1 / m) * (y * u - (1 - y) * i) / u**2


def eq_13(o: Tensor, y: Tensor) -> Tensor:
    n, d = (y * o).sum(), (y + o).sum()
    return -2 * (y * d - n) / d**2


def eq_14(o: Tensor, y: Tensor) -> Tensor:
    n, d = (y * o).sum(0), (y + o).sum(0)
    return -(2 / o.shape[1]) * (y * d - n) / d**2


CLOSED_FORMS = {"soft_accuracy": eq_12, "soft_micro_f1": eq_13, "soft_macro_f1": eq_14}


@pytest.mark.parametrize("name", CLOSED_FORMS)
def test_autograd_equals_the_closed_form_gradient(name: str) -> None:
    generator = torch.Generator().manual_seed(0)
    for m, n in [(1, 1), (2, 11), (16, 11), (39, 2)]:
        o = torch.rand(m, n, generator=generator, dtype=torch.float64).requires_grad_()
        y = torch.randint(0, 2, (m, n), generator=generator).double()
        (gradient,) = torch.autograd.grad(-get_loss(name).function(o, y), o)
        torch.testing.assert_close(gradient, CLOSED_FORMS[name](o.detach(), y), rtol=1e-12, atol=0)


@pytest.mark.parametrize("declared", built_in_losses(), ids=lambda loss: loss.name)
def test_gradients_pass_gradcheck(declared: LossSource) -> None:
    generator = torch.Generator().manual_seed(1)
    logits = torch.randn(5, 4, generator=generator, dtype=torch.float64).requires_grad_()
    targets = torch.randint(0, 2, (5, 4), generator=generator)
    prior = torch.tensor([0.1, 0.2, 0.4, 0.8], dtype=torch.float64)
    loss = load_loss(declared)
    assert torch.autograd.gradcheck(lambda z: loss(z, targets, prior=prior, progress=0.5), logits)


def test_a_class_absent_from_the_batch_gets_gradient_0_under_soft_macro_f1() -> None:
    o = torch.rand(6, 3).requires_grad_()
    y = torch.ones(6, 3)
    y[:, 1] = 0
    (gradient,) = torch.autograd.grad(get_loss("soft_macro_f1").function(o, y), o)
    assert (gradient[:, 1] == 0).all()
    assert (gradient[:, [0, 2]] != 0).all()


def test_a_text_without_labels_gets_gradient_0_under_soft_accuracy() -> None:
    o = torch.rand(4, 3).requires_grad_()
    y = torch.ones(4, 3)
    y[2] = 0
    (gradient,) = torch.autograd.grad(get_loss("soft_accuracy").function(o, y), o)
    assert (gradient[2] == 0).all()
    assert (gradient[[0, 1, 3]] != 0).all()


def test_undefined_ratios_take_the_official_scorer_s_values() -> None:
    nothing = torch.zeros(2, 3)
    assert get_loss("soft_accuracy").function(nothing, nothing) == 1
    assert get_loss("soft_micro_f1").function(nothing, nothing) == 0
    assert get_loss("soft_macro_f1").function(nothing, nothing) == 0


@pytest.mark.parametrize(
    "criterion",
    [get_loss("soft_micro_f1"), get_loss("focal", gamma=1.0)],
    ids=lambda criterion: criterion.name,
)
def test_get_loss_serves_an_ordinary_training_loop(criterion: Loss) -> None:
    torch.manual_seed(0)
    texts, targets = torch.randn(64, 5), (torch.randn(64, 2) > 0).int()
    layer = torch.nn.Linear(5, 2)
    optimizer = torch.optim.SGD(layer.parameters(), lr=1.0)
    before = criterion(layer(texts), targets).item()
    for _ in range(20):
        optimizer.zero_grad()
        criterion(layer(texts), targets).backward()
        optimizer.step()
    assert criterion(layer(texts), targets).item() < before - 0.2 * abs(before)


def test_an_unknown_loss_names_those_that_exist() -> None:
    with pytest.raises(LossError, match=r"unknown loss 'bec'; known: .*\bbce, .*\bmse\b"):
        get_loss("bec")


USER_FILE = """
from model import ratio, soft_metric

@soft_metric(label="Sm-F2", source="eq. 10 with beta = 2")
def soft_micro_f2(o, y):
    '''5 N / (4 Σy + Σo)'''
    tp = (o * y).sum()
    return ratio(5 * tp, 4 * y.sum() + o.sum(), empty=0.0)
"""


def test_a_user_s_loss_is_one_function_in_one_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(USER_FILE, encoding="utf-8")
    declared = catalogue([path])["soft_micro_f2"]
    assert (declared.label, declared.source) == ("Sm-F2", "eq. 10 with beta = 2")
    assert declared.formula == "5 N / (4 Σy + Σo)"
    assert declared.own_metric == "acc"
    loss = load_loss(declared)
    y = torch.tensor([[1.0, 0.0]])
    assert loss(torch.tensor([[200.0, -200.0]]), y) == -1


def test_declaring_a_loss_runs_none_of_its_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(USER_FILE + "\nraise SystemExit\n", encoding="utf-8")
    assert "soft_micro_f2" in catalogue([path])


def test_a_loss_may_ask_for_the_prior_and_the_progress_of_training() -> None:
    text = """
from model import loss

@loss(label="L")
def asks(logits, y, prior, progress):
    return (logits * prior).sum() * progress
"""
    (declared,) = parse_losses(text, "mine.py")
    logits, prior = torch.ones(1, 2), torch.tensor([1.0, 2.0])
    assert load_loss(declared)(logits, logits, prior=prior, progress=0.5) == 1.5
    with pytest.raises(LossError, match="asks needs prior="):
        load_loss(declared)(logits, logits, progress=0.5)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def f(:", "line 1: not valid Python"),
        ("x = 1", "no function decorated with @soft_metric or @loss"),
        ("@loss('L')\ndef f(z, y): ...", "by keyword"),
        ("@loss(name='L')\ndef f(z, y): ...", "unknown argument name"),
        ("@loss(label=L)\ndef f(z, y): ...", "label must be a literal string"),
        ("@loss(label=3)\ndef f(z, y): ...", "label must be a literal string"),
        ("@loss\ndef f(z, y): ...", r"write @loss\(label=...\), with parentheses"),
        (
            "@soft_metric(approximates='hamming')\ndef f(o, y): ...",
            "approximates unknown metric 'hamming'; known: acc, macro_f1, micro_f1",
        ),
    ],
)
def test_a_bad_loss_file_is_one_sentence(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "mine.py"
    path.write_text(text)
    with pytest.raises(LossError, match=message) as caught:
        read_losses(path)
    assert "mine.py" in str(caught.value)


def test_two_losses_of_one_name_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text("@loss(label='L')\ndef bce(z, y): ...")
    with pytest.raises(LossError, match=r"mine\.py: bce, labelled L, is already .* in bce\.py"):
        catalogue([path])
    path.write_text("@loss(label='SAcc')\ndef other(z, y): ...")
    with pytest.raises(LossError, match=r"already declared in soft_accuracy\.py"):
        catalogue([path])


def test_each_built_in_file_documents_its_formula_and_source() -> None:
    for declared in built_in_losses():
        assert declared.formula
        assert declared.source
        assert ast.get_docstring(ast.parse(declared.text)), declared.file
        assert Path(declared.file).stem == declared.name


def test_what_a_user_s_file_keeps_does_not_pass_to_the_next_trial(tmp_path: Path) -> None:
    path = tmp_path / "keeps.py"
    path.write_text(
        "from model import loss\nseen = []\n@loss()\ndef keeps(z, y):\n"
        "    seen.append(1)\n    return z.sum() * len(seen)\n"
    )
    (declared,) = read_losses(path)
    ones = torch.ones(1, 2)
    for _ in range(2):
        assert load_loss(declared)(ones, ones) == 2
