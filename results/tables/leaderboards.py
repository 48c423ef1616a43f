"""A leaderboard for every metric: all losses, best first, with their control."""

from model.metrics import METRICS
from results.findings import Findings
from results.render import Table
from results.standings import leaderboards


def tables(findings: Findings) -> list[Table]:
    """One table for each metric, corpus and language: `leaderboard_macro_f1_en`."""
    return [table for metric in METRICS for table in leaderboards(findings.scores, metric)]
