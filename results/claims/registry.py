"""Claims that are more than an order of cells: one function each, found by their modules.

A new one is a function in a file of this folder:

    @claim(20, "the loss is never above 0", "eqs. 9 to 11", LOSSES)
    def never_positive(loss, measures, pair):
        ...
        return Opinion(CONFIRMED, f"It is {highest:.2f} at most.")
"""

import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import results.claims
from results.claims.decision import Opinion
from results.claims.measures import Measures, Pair

LOSSES = {"soft_accuracy": "SAcc", "soft_macro_f1": "SM-F1", "soft_micro_f1": "Sm-F1"}
"""The paper's losses, and what it calls them."""

OWN_METRIC = {"soft_accuracy": "acc", "soft_macro_f1": "macro_f1", "soft_micro_f1": "micro_f1"}
"""The metric that each of them approximates."""

PLAIN = {"warmup_epochs": 0}
"""How the paper trained."""

Judge = Callable[[str, Measures, Pair], Opinion]
"""What judges a claim of one of its subjects, on a corpus and language."""


@dataclass(frozen=True)
class Function:
    """A claim judged by a function.

    Attributes:
        number: of the claim.
        words: what it says.
        source: where it is from.
        judge: the function; it may raise RecordError where nothing can be said.
        subjects: what it is asked of in turn, and what each is called; one without a name for none.
        languages: the only ones that it is about; empty for all.
    """

    number: str
    words: str
    source: str
    judge: Judge
    subjects: Mapping[str, str]
    languages: tuple[str, ...]


_FOUND: dict[str, Function] = {}


def claim(
    number: int,
    words: str,
    source: str,
    subjects: Mapping[str, str] | None = None,
    languages: tuple[str, ...] = (),
) -> Callable[[Judge], Judge]:
    """Register a function as a claim of the paper.

    Args:
        number: the claim's.
        words: what it says.
        source: where the paper says so.
        subjects: what it says it of, by the name that the function is given; by default one claim,
            for which that is empty.
        languages: those that it is about; by default all.
    """

    def register(judge: Judge) -> Judge:
        found = Function(str(number), words, source, judge, subjects or {"": ""}, languages)
        _FOUND[f"{judge.__module__}.{judge.__qualname__}"] = found
        return judge

    return register


def functions() -> list[Function]:
    """Every claim of the modules in this folder."""
    for module in sorted(module.name for module in pkgutil.iter_modules(results.claims.__path__)):
        import_module(f"results.claims.{module}")
    return [*_FOUND.values()]


def paper_file() -> Path:
    """The paper's claims of order."""
    return Path(__file__).with_name("paper.yaml")
