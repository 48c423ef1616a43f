"""Tables 2 and 3 with every column at the epoch which that column's metric chose, for all arms.

So a loss is not judged on a metric at an epoch chosen for another; the paper's own figures for
SM-F1 fit this rule and not the other.
"""

from results.findings import Findings
from results.layout import by_language, heading, scores_table, seeds, where
from results.render import Table


def tables(findings: Findings) -> list[Table]:
    """One table for each corpus and language, named as `by_own_metric` with `_by_each_metric`."""
    found = []
    for stem, group in by_language(findings.scores, "metric"):
        begin, file = heading(group[0])
        title = f"{begin}{where(group[0])}, by each column's metric; {seeds(group)}"
        name = f"{file}{stem}_by_each_metric"
        found.append(scores_table(name, title, group, headline=False))
    return found
