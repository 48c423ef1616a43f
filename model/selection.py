"""Which epoch of an arm is reported: chosen on dev, never on what it is scored on.

A rule names a metric and the texts it looks at. With a test split, rules look at dev and test is
scored: `own`, `acc`, `macro_f1`, `micro_f1`. Without one, dev is cut into halves a and b; `acc/a`
looks at half a, and half b is scored at the epoch it chose. Ties go to the earlier epoch.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from model.metrics import METRICS

HALVES = ("a", "b")


@dataclass(frozen=True)
class Rule:
    """A name, the hard metric to maximise and the rows of `epochs` to read it from."""

    name: str
    metric: str
    split: str


def rules(own_metric: str, has_test: bool) -> list[Rule]:
    """All rules by which an arm's epochs are chosen; `own` is the metric its loss approximates."""
    metrics = {"own": own_metric} | {name: name for name in METRICS}
    if has_test:
        return [Rule(name, metric, "dev") for name, metric in metrics.items()]
    return [
        Rule(f"{name}/{half}", metric, f"dev/{half}")
        for name, metric in metrics.items()
        for half in HALVES
    ]


@dataclass
class Choice:
    """The best epoch so far by one rule, with the logits `[m, C]` of each split kept of it."""

    epoch: int = 0
    value: float = -1.0
    logits: dict[str, NDArray[np.float32]] = field(default_factory=dict)


class Selection:
    """The choices of one arm, kept up to date epoch by epoch."""

    def __init__(self, own_metric: str, has_test: bool) -> None:
        self.choices = {rule: Choice() for rule in rules(own_metric, has_test)}

    def consider(
        self,
        epoch: int,
        scores: Mapping[str, Mapping[str, float]],
        logits: Mapping[str, NDArray[np.float32]],
    ) -> None:
        """Let each rule take this epoch if it is better than all before.

        Args:
            epoch: 1-based.
            scores: metric values by split (or half) and metric name.
            logits: `[m, C]` of the splits to keep.
        """
        better = {
            rule: value
            for rule, choice in self.choices.items()
            if (value := scores[rule.split][rule.metric]) > choice.value
        }
        if better:
            copies = {name: array.copy() for name, array in logits.items()}  # not a view of a stack
            self.choices |= {rule: Choice(epoch, value, copies) for rule, value in better.items()}

    def chosen(self) -> dict[int, tuple[list[str], dict[str, NDArray[np.float32]]]]:
        """Chosen epochs, each with the names of its rules and its logits by split."""
        epochs: dict[int, tuple[list[str], dict[str, NDArray[np.float32]]]] = {}
        for rule, choice in self.choices.items():
            if choice.epoch:
                epochs.setdefault(choice.epoch, ([], choice.logits))[0].append(rule.name)
        return dict(sorted(epochs.items()))
