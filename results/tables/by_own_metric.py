"""Tables 2 and 3 by the paper's protocol: an arm's own metric chooses its epoch."""

from results.findings import Findings
from results.layout import by_language, heading, scores_table, seeds, where
from results.render import Table


def tables(findings: Findings) -> list[Table]:
    """One table for each corpus and language: `table2_en`, `table3_es`, `scores_{language}`."""
    found = []
    for stem, group in by_language(findings.scores, "own"):
        begin, file = heading(group[0])
        title = f"{begin}{where(group[0])}, by the arm's own metric; {seeds(group)}"
        found.append(scores_table(file + stem, title, group))
    return found
