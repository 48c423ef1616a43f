"""`softsweep losses --check`: what it prints, its exit status."""

import csv
import io
from collections.abc import Callable
from pathlib import Path

import pytest

from model.catalogue import built_in_losses, read_losses
from model.conformance import CHECKS
from sweep.checking import check_losses

Command = Callable[..., tuple[int, str, str]]

GOOD = """
from model import ratio, soft_metric

@soft_metric(label="Mine", approximates="micro_f1")
def mine(o, y):
    return ratio(2 * (o * y).sum(), o.sum() + y.sum(), empty=0.0)
"""

WRONG = """
@soft_metric(label="Theirs")
def theirs(o, y):
    return 1 - ratio(2 * (o * y).sum(), o.sum() + y.sum(), empty=0.0)
"""


@pytest.fixture
def check(tmp_path: Path, softsweep: Command) -> Command:
    """Checks a file of this text: exit status, standard output, standard error."""

    def run(text: str, *options: str) -> tuple[int, str, str]:
        path = tmp_path / "losses.py"
        path.write_text(text)
        return softsweep("losses", path, "--check", *options)

    return run


def test_losses_that_conform_are_exit_status_0(check: Command) -> None:
    status, out, err = check(GOOD)
    assert (status, err) == (0, "")
    assert "│ mine │ ok" in out
    assert "bce" not in out  # those of the file only


def test_a_loss_that_does_not_is_exit_status_1_and_a_sentence(
    check: Command,
) -> None:
    status, out, err = check(GOOD + WRONG)
    assert (status, err) == (1, "")
    assert "theirs takes acc from 0.4583 to 0 as it is minimised (helps metric)\n" in out
    assert out.count("│ no ") == 1
    assert "12 arms: An arm of a stack gets what it gets alone" in out


def test_programs_get_a_row_for_each_loss_and_check(
    check: Command,
) -> None:
    status, out, _ = check(GOOD + WRONG, "--format", "csv")
    assert status == 1
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [(row["loss"], row["check"]) for row in rows] == [
        (name, checked) for name in ("mine", "theirs") for checked in CHECKS
    ]
    (failed,) = (row for row in rows if row["passed"] == "False")
    assert failed["check"] == "helps_metric"
    assert failed["said"] == "takes acc from 0.4583 to 0 as it is minimised"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("x = 1", "losses.py: no function decorated"),
        (GOOD + "\ndef (:", "losses.py, line 8: not valid Python"),
        (GOOD + "\nnope()", "losses.py: NameError"),
        (GOOD + "\nexit(3)", "losses.py: SystemExit"),
        (GOOD.replace("mine", "bce"), "losses.py: bce, labelled Mine, is already declared"),
    ],
)
def test_a_wrong_file_is_exit_status_2(check: Command, text: str, named: str) -> None:
    status, out, err = check(text)
    assert (status, out) == (2, "")
    assert err.startswith("softsweep: ")
    assert err.count("\n") == 1
    assert named in err


def test_a_loss_that_exits_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "exits.py"
    path.write_text("from model import loss\n@loss()\ndef exits(z, y):\n    exit(3)\n")
    found = check_losses(read_losses(path))["exits"]
    said = {finding.said for finding in found if not finding.passed}
    assert said == {"raises LossError: exits called exit(3)"}


@pytest.mark.slow
def test_without_a_file_the_built_in_losses_are_checked(softsweep: Command) -> None:
    status, out, _ = softsweep("losses", "--check", "--format", "csv")
    assert not status
    rows = csv.DictReader(io.StringIO(out))
    assert {row["loss"] for row in rows} == {declared.name for declared in built_in_losses()}
