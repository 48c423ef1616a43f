"""One comparison that a user asks for."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from model.metrics import METRICS
from results.asked import check_metric, check_threshold
from results.cells import Cell
from results.comparisons import COMPARISONS, Between
from results.derived import kept_table
from results.fromarrow import from_arrow
from results.judged import Judged, Kept
from results.labels import full_labels
from results.light import rows_where
from results.naming import find_pairs
from results.render import Cell as Shown
from results.render import Table
from results.run import Run
from results.words import points

_OF_FAMILY = (
    "family", "p_holm", "p_max_t", "q_bh", "detectable", "seeds_needed", "texts_needed",
)  # fmt: skip
"""Columns that hang on the other comparisons of a run."""


def compare(
    run: str | Path,
    a: str,
    b: str,
    metric: str,
    language: str | None = None,
    threshold: str = "tuned",
) -> list[dict[str, Any]]:
    """Compare two cells of a run: the same numbers as in its table `comparisons`.

    What is corrected for the number of comparisons is read from that table, where it is current.

    Example:
        >>> compare("runs/sample", "soft_macro_f1", "bce", "macro_f1")  # doctest: +SKIP

    Args:
        run: the run folder.
        a: a loss, or loss@key=value (`results.naming.find_cell`).
        b: another.
        metric: a name in `model.metrics.METRICS`; it chooses the epoch of both.
        language: the only one to compare in; by default each in which both are recorded.
        threshold: for both, one of `results.thresholds.THRESHOLDS`.

    Returns:
        A row of `results.comparisons.COMPARISONS` for each corpus and language.

    Raises:
        RecordError: the metric, the threshold, the language or a cell is unknown, or records are
            damaged or incomplete.
    """
    check_metric(metric)
    check_threshold(threshold)
    judged = Judged(Run(run))
    return [
        _compared(judged, one, other, metric, threshold)
        for one, other in find_pairs(judged.cells, a, b, language)
    ]


def _compared(judged: Judged, a: Cell, b: Cell, metric: str, threshold: str) -> dict[str, Any]:
    """The row of two cells, with what their family corrects."""
    cells = [cell for cell in judged.cells if cell.pair == a.pair]
    both = judged.only([a, b])
    kept: Kept = {
        (cell.key, metric, threshold): both.measure(cell.key, metric, metric, threshold)
        for cell in (a, b)
    }
    between = Between(both, kept, full_labels([cell.columns for cell in cells]))
    row = between.full(a, b, metric, threshold)
    row |= _of_family(judged.run, row)
    return {name: row.get(name) for name in COMPARISONS.names}


def _of_family(run: Run, row: dict[str, Any]) -> dict[str, Any]:
    """What the run's table says of the same two cells, either way round."""
    table = kept_table(run, "comparisons")
    if table is None:
        return {"family": "pair"}
    alike = rows_where(table, metric=row["metric"], threshold=row["threshold"])
    for other in alike.to_pylist():
        if {row["a"], row["b"]} == {other["a"], other["b"]}:
            return {name: other[name] for name in _OF_FAMILY}
    return {"family": "pair"}


def rows_table(rows: Sequence[dict[str, Any]]) -> Table:
    """Comparisons for programs, every column of `COMPARISONS`."""
    return from_arrow(pa.Table.from_pylist(list(rows), schema=COMPARISONS), "comparison")


def comparison_table(row: dict[str, Any]) -> Table:
    """The numbers of one comparison for people, in points; those that there are."""
    found: list[tuple[str, Shown]] = [
        (row["label_a"], f"{100 * row['value_a']:.2f}"),
        (row["label_b"], f"{100 * row['value_b']:.2f}"),
        ("difference", f"{100 * row['difference']:+.2f}".replace("-", "−")),
        ("95% interval", f"[{points(row['lo'], True)}, {points(row['hi'], True)}]"),
        ("covers", row["uncertainty"]),
        *(
            (name, f"{row[column]:.4f}")
            for name, column in _P_VALUES.items()
            if row[column] is not None
        ),
        ("seeds in which the first is better", _superiority(row)),
    ]
    if row["p"] is not None:
        total = row["se"] ** 2 or 1.0
        found += [
            ("standard error", f"{100 * row['se']:.2f}"),
            *(
                (f"of its square, {called}", f"{row[column] / total:.0%}")
                for column, called in _PARTS.items()
            ),
            ("found with 80% power", points(row["detectable"])),
        ]
    return Table(
        "comparison",
        f"{row['label_a']} against {row['label_b']}, {METRICS[row['metric']].label}, "
        f"{row['language']} ({row['corpus']}), threshold {row['threshold']}",
        ("", "value"),
        tuple(found),
    )


_PARTS = {
    "var_seeds": "seeds alone",
    "var_texts": "texts alone",
    "var_interaction": "seeds x texts",
}
"""Parts of a variance by what they are called."""

_P_VALUES = {
    "p, over texts and seeds": "p",
    "p, Holm": "p_holm",
    "p, step-down max-T": "p_max_t",
    "q, Benjamini-Hochberg": "q_bh",
    "p, seeds and texts resampled": "p_bootstrap",
    "p, answers exchanged (these networks)": "p_randomisation",
    "p, signs of seeds flipped (these texts)": "p_sign_flip",
    "the least that flipping signs can give": "sign_flip_floor",
}
"""p values by what they are called."""


def _superiority(row: dict[str, Any]) -> str:
    """Share of seeds with its exact interval."""
    better = row["superiority"] * row["seeds"]
    ends = f"{row['superiority_lo']:.0%} to {row['superiority_hi']:.0%}"
    return f"{better:g} of {row['seeds']} (95% interval {ends})"
