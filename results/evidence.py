"""Scores and comparisons of a run, made together: what is scored is kept to be compared."""

from dataclasses import dataclass
from itertools import groupby
from typing import Any

import pyarrow as pa

from results.baselines import Controls, add_stars
from results.cells import Cell
from results.comparisons import COMPARISONS, Comparisons
from results.declared import confirmatory
from results.judged import Judged, Kept
from results.pairing import paired
from results.run import Run
from results.scores import SCORES, Scorer

Row = dict[str, Any]


_FEW = 100
"""Cells of a run up to which what was measured is kept: some 2 MB each, with five seeds."""


@dataclass(frozen=True)
class Evidence:
    """What a run shows.

    Attributes:
        scores: a table of `results.scores.SCORES`.
        comparisons: a table of `results.comparisons.COMPARISONS`.
    """

    scores: pa.Table
    comparisons: pa.Table


def evidence_of(judged: Judged) -> Evidence:
    """Score every cell of a run and compare them.

    Raises:
        RecordError: records are damaged or incomplete.
    """
    scored: list[tuple[Cell, list[Row]]] = []
    comparisons = Comparisons(judged, confirmatory(judged.run))
    for pair, group in groupby(judged.cells, key=lambda cell: cell.pair):
        cells = list(group)
        scorer = Scorer(judged, judged.texts[pair], judged.resamples(pair))
        of_pair = [(cell, list(scorer.rows(cell))) for cell in cells]
        controls = Controls(cells)
        _add_controls(of_pair, controls, scorer.kept)
        comparisons.add(cells, controls, scorer.kept)
        if len(judged.cells) <= _FEW:
            judged.kept |= scorer.kept
        scored += of_pair
    add_stars(scored)
    return Evidence(
        pa.Table.from_pylist([row for _, rows in scored for row in rows], schema=SCORES),
        pa.Table.from_pylist(comparisons.rows(), schema=COMPARISONS),
    )


def score_table(run: Run) -> pa.Table:
    """The scores of a run, a table of `results.scores.SCORES`.

    Raises:
        RecordError: records are damaged or incomplete.
    """
    return evidence_of(Judged(run)).scores


def _add_controls(scored: list[tuple[Cell, list[Row]]], controls: Controls, kept: Kept) -> None:
    """Write what each score differs by from its control's at a tuned threshold."""
    for cell, rows in scored:
        control = controls.of(cell)
        if control is None:
            continue
        for row in rows:
            metric = row["metric"]
            values = kept.get((cell.key, metric, row["threshold"]))
            of_control = kept.get((control.key, metric, "tuned"))
            if row["chosen_by"] != metric or values is None or of_control is None:
                continue
            row |= {"control": control.key, "control_seeds": 0}
            if (found := paired(values, of_control)) is not None:
                low, high = found.interval
                row |= {
                    "to_control": found.value,
                    "to_control_lo": low,
                    "to_control_hi": high,
                    "control_seeds": len(found.seeds),
                }
