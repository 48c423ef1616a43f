"""Table 1: texts of each class in each split, of what a run was trained and scored on."""

from results.corpus import corpus_table
from results.findings import Findings
from results.render import Table


def tables(findings: Findings) -> list[Table]:
    """One table, `table1`, of every recorded corpus and language."""
    if not findings.corpora:
        return []
    return [corpus_table("table1", "Table 1: texts by class and split", findings.corpora)]
