"""The answers at the top of the page: a sentence for each metric, by corpus and language."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from results.report.markup import Html, element
from results.report.wording import language_word
from results.words import metric_name

if TYPE_CHECKING:
    from results.answers import Answer


def answers(found: "Sequence[Answer]") -> Html:
    """What to train with, metric by metric.

    Args:
        found: answers of `results.answers`, which holds every number of the sentences.
    """
    if not found:
        return element("p", "No arm is ok, so there is nothing to answer from.", class_="why")
    by_pair: dict[tuple[str, str], list[Html]] = {}
    for answer in found:
        card = element(
            "li",
            element("h4", metric_name(answer.metric)),
            element("p", answer.sentence),
            class_="answer",
        )
        by_pair.setdefault((answer.language, answer.corpus), []).append(card)
    return element(
        "div",
        [
            element(
                "div",
                element("h3", f"{language_word(language)} ({corpus})"),
                element("ul", cards, class_="answers"),
            )
            for (language, corpus), cards in by_pair.items()
        ],
    )
