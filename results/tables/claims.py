"""The verdicts of a run on the paper's claims; on others: `softsweep claims --claims FILE`."""

from results.claims.shown import claims_table
from results.findings import Findings
from results.render import Table


def tables(findings: Findings) -> list[Table]:
    """One table, `claims`."""
    return [claims_table(findings)] if findings.claims else []
