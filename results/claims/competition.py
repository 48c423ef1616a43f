"""Claim 18: the places in the shared task."""

from results.claims.decision import UNDECIDED, Opinion
from results.claims.measures import Measure, Measures, Pair
from results.claims.registry import PLAIN, claim
from results.layout import PAPER_BATCH
from results.pairing import mean
from results.words import points

PLACES = {"en": "7th of 34", "es": "1st of 13"}
"""Where the paper places itself by accuracy."""


@claim(
    18,
    "SAcc would be 7th of 34 (English) and 1st of 13 (Spanish) in SemEval-2018",
    "conclusions: Acc 56.39 and 47.33",
    languages=("en", "es"),
)
def place(subject: str, measures: Measures, pair: Pair) -> Opinion:
    """Not for a run to say: the scores of the other systems are not at hand."""
    cell = measures.cell(pair, "soft_accuracy", {"b": PAPER_BATCH, **PLAIN})
    found = mean(measures.of(cell, Measure("acc")))
    low, high = found.interval
    split = measures.findings.judged.texts[pair].split
    return Opinion(
        UNDECIDED,
        f"{PLACES[pair[1]]} is by scores of other systems on the test set, which are not recorded "
        f"here. SAcc on {split}: {points(found.value)}, 95% interval {points(low)} to "
        f"{points(high)}.",
    )
