"""A leaderboard for every metric: all losses, best first, with their control."""

from collections.abc import Sequence

from model.metrics import METRICS
from results.layout import Score
from results.render import Table
from results.standings import leaderboards


def tables(scores: Sequence[Score]) -> list[Table]:
    """One table for each metric, corpus and language: `leaderboard_macro_f1_en`."""
    return [table for metric in METRICS for table in leaderboards(scores, metric)]
