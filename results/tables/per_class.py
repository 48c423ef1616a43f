"""Tables 4 and 5: precision, recall and F1 of every class, SM-F1 beside Sm-F1 as in the paper.

Each by the arm's own metric, which is the paper's rule, and by macro-F1, under which both arms are
judged alike. Any other two arms: `softsweep per-class`.
"""

from dataclasses import replace

from results.classes import Row, classes_table, named_arms, title_of
from results.findings import Findings
from results.labels import cell_labels
from results.layout import PAPER_BATCH, by_language, cell_order, heading
from results.render import Table

PAIR = ("soft_macro_f1", "soft_micro_f1")
"""The losses of the paper's tables."""

_NUMBERS = {"en": 4, "es": 5}
"""Numbers of the paper's tables of classes, by language."""


def tables(findings: Findings) -> list[Table]:
    """Two tables for each corpus and language: `table4_en` and `table4_en_by_macro_f1`."""
    found = []
    for rule, suffix in (("own", ""), ("macro_f1", "_by_macro_f1")):
        for stem, rows in by_language(findings.per_class, rule):
            cells = [_cells(rows, loss) for loss in PAIR]
            if not all(cells):
                continue
            first = [of_loss[0] for of_loss in cells]
            begin, file = heading(rows[0], _NUMBERS, "Classes")
            name, title = f"{file}{stem}{suffix}", title_of(begin, first)
            table = classes_table(name, title, named_arms(first))
            if others := sum(map(len, cells)) - len(first):
                named = cell_labels([of_cell[0] for of_loss in cells for of_cell in of_loss])
                shown = " and ".join(named[of_cell[0]["cell"]] for of_cell in first)
                note = f"Shown: {shown}. {others} other arms: `softsweep per-class` shows any two."
                table = replace(table, notes=(*table.notes, note))
            found.append(table)
    return found


def _cells(rows: list[Row], loss: str) -> list[list[Row]]:
    """The rows of each cell of a loss, that of the paper's batch size and plainest name first."""
    cells: dict[tuple[str, str | None], list[Row]] = {}
    for row in rows:
        if row["loss"] == loss:
            cells.setdefault((row["cell"], row["searched_by"]), []).append(row)
    named = cell_labels([of_cell[0] for of_cell in cells.values()])
    return sorted(
        cells.values(),
        key=lambda rows: (rows[0]["batch_size"] != PAPER_BATCH, cell_order(rows[0], named)),
    )
