"""The parameters of losses: read without running a file, checked, given to the function."""

from math import exp, log

import pytest
import torch
from torch import Tensor

from model import get_loss, loss
from model.catalogue import built_in_losses, catalogue, checked_parameters, parse_losses
from model.errors import LossError
from model.stack_losses import StackLosses
from model.surrogates import load_loss

FILE = """
from model import loss

@loss(label="L", ranks=True)
def mine(logits, y, *, prior, progress=0.0, steep=-2.0, power=4 / 3, n=3, mean=True, of="texts"):
    '''what it is given'''
    scale = {"texts": 1.0, "classes": 10.0}[of]
    return scale * (steep * logits).sum() + power + n + mean
"""
DEFAULTS = {"steep": -2.0, "power": 4 / 3, "n": 3, "mean": True, "of": "texts"}


def test_parameters_are_what_has_a_literal_default() -> None:
    (declared,) = parse_losses(FILE, "mine.py")
    assert declared.parameters == DEFAULTS
    assert declared.ranks
    assert {declared: 1}  # hashable
    assert load_loss(declared).parameters == DEFAULTS
    assert load_loss(declared).ranks


def test_file_and_signature_agree_in_every_built_in_loss() -> None:
    for declared in built_in_losses():
        loaded = load_loss(declared)
        assert declared.parameters == loaded.parameters
        assert declared.ranks == loaded.ranks
    ranking = {declared.name for declared in built_in_losses() if declared.ranks}
    assert ranking == {"lsep", "pairwise_ranking", "two_way"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("@loss()\ndef f(z, y, *, a=b): ...", "line 2: f: default of a must be a literal number"),
        ("@loss()\ndef f(z, y,\n  a=None): ...", "line 3: f: default of a must be a literal"),
        ("@loss()\ndef f(z, y, a=[1]): ...", "default of a must be a literal"),
        ("@loss()\ndef f(z, y, a=1 / 0): ...", "default of a must be a literal"),
        ("@loss()\ndef f(z, y, a='x' / 2): ...", "default of a must be a literal"),
        ("@loss()\ndef f(z, y, a): ...", "line 2: f: a needs a default: a loss is given two"),
        ("@loss()\ndef f(z, y, *, a): ...", "a needs a default"),
        ("@loss(ranks=1)\ndef f(z, y): ...", "line 1: f: ranks must be True or False"),
        ("@loss(ranks=yes)\ndef f(z, y): ...", "ranks must be True or False"),
        ("@soft_metric(ranks=True)\ndef f(o, y): ...", "unknown argument ranks; expected label"),
        ("@loss(**all)\ndef f(o, y): ...", "unknown argument None; expected label"),
    ],
)
def test_an_ill_declared_parameter_is_one_sentence(text: str, message: str) -> None:
    with pytest.raises(LossError, match=f"^mine.py, .*{message}"):
        parse_losses(text, "mine.py")


def test_a_decorated_function_is_held_to_the_same() -> None:
    with pytest.raises(LossError, match="f: default of a must be a literal number"):

        @loss()
        def f(logits: Tensor, y: Tensor, a: object = None) -> Tensor:
            return logits


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"gama": 1.0}, "focal has no parameter 'gama'; its parameters: gamma, alpha"),
        ({"gamma": "2"}, "focal: gamma must be a finite number, not '2'"),
        ({"gamma": True}, "focal: gamma must be a finite number, not True"),
        ({"gamma": float("nan")}, "focal: gamma must be a finite number, not nan"),
    ],
)
def test_what_is_given_must_fit(given: dict[str, float], message: str) -> None:
    for refuse in (
        lambda: get_loss("focal", **given),
        lambda: checked_parameters(catalogue()["focal"], given),
    ):
        with pytest.raises(LossError, match=message):
            refuse()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"n": 2.0}, "mine: n must be a whole number, not 2.0"),
        ({"mean": 1}, "mine: mean must be true or false, not 1"),
        ({"of": 1}, "mine: of must be a string, not 1"),
        ({"prior": 1.0}, "mine has no parameter 'prior'"),
    ],
)
def test_each_type_has_its_words(given: dict[str, float], expected: str) -> None:
    (declared,) = parse_losses(FILE, "mine.py")
    with pytest.raises(LossError, match=expected):
        load_loss(declared, given)
    with pytest.raises(LossError, match="bce has no parameter 'x'; it has none"):
        get_loss("bce", x=1)


def test_a_loss_is_called_with_its_parameters() -> None:
    (declared,) = parse_losses(FILE, "mine.py")
    other = load_loss(declared, {"steep": 1, "of": "classes", "mean": False})
    ones = torch.ones(1, 2)
    for loss_, expected in ((other, 23 + 4 / 3), (other.with_parameters({"n": 0}), 20 + 4 / 3)):
        found = loss_(ones, ones, prior=ones[0], progress=0.0)
        assert found.item() == pytest.approx(expected)
    assert checked_parameters(declared, {"steep": 1}) == DEFAULTS | {"steep": 1.0}


def test_focal_with_another_gamma_is_its_formula() -> None:
    z, y = torch.tensor([[0.5, -1.0]]), torch.tensor([[1, 1]])
    p = [1 / (1 + exp(-0.5)), 1 / (1 + exp(1.0))]
    expected = sum(-0.4 * (1 - q) ** 1.0 * log(q) for q in p) / 2
    assert get_loss("focal", gamma=1, alpha=0.4)(z, y).item() == pytest.approx(expected, rel=1e-6)


def test_losses_are_equal_where_function_and_parameters_are() -> None:
    assert get_loss("focal", gamma=2) == get_loss("focal")
    assert get_loss("focal", gamma=1) == get_loss("focal").with_parameters({"gamma": 1.0})
    assert get_loss("focal", gamma=1) != get_loss("focal")
    members = [get_loss("focal", gamma=gamma) for gamma in (1, 2, 1, 2)]
    stack = StackLosses.of(members, torch.full((3,), 0.3), map_equal=True)
    assert [arms.tolist() for arms, _ in stack.mapped] == [[0, 2], [1, 3]]
