"""Tables 2 and 3 by the paper's protocol: an arm's own metric chooses its epoch."""

from collections.abc import Sequence

from results.layout import Score, by_language, scores_table, seeds, where
from results.render import Table

NUMBERS = {"en": ("Table 2: ", "table2_"), "es": ("Table 3: ", "table3_")}
"""Title and file stem of the languages that the paper has a table of; others: `scores_`."""


def tables(scores: Sequence[Score]) -> list[Table]:
    """One table for each corpus and language: `table2_en`, `table3_es`, `scores_{language}`."""
    found = []
    for stem, group in by_language(scores, "own"):
        number, file = NUMBERS.get(group[0]["language"], ("", "scores_"))
        title = f"{number}{where(group[0])}, by the arm's own metric; {seeds(group)}"
        found.append(scores_table(file + stem, title, group))
    return found
