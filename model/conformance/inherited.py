"""The suite as a class of tests, for those who test with pytest."""

from collections.abc import Callable

from model.conformance.checks import CHECKS, Check
from model.surrogates import Loss


class LossConformance:
    """A test for each check, to be inherited; it imports no pytest.

        from model.conformance import LossConformance
        from my_losses import soft_micro_f2


        class TestSoftMicroF2(LossConformance):
            loss = soft_micro_f2

    A check that a loss is meant to fail is overridden: the test of `finite` is `test_finite`.

    Attributes:
        loss: what is tested, set by the subclass.
    """

    loss: Loss


def _test(check: Check) -> Callable[[LossConformance], None]:
    def test(self: LossConformance) -> None:
        check(self.loss)

    test.__doc__ = check.__doc__
    return test


for _name, _check in CHECKS.items():
    setattr(LossConformance, f"test_{_name}", _test(_check))
