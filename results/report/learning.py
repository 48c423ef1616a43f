"""Learning curves: what the script draws, and the same as tables for who has none."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from model.metrics import METRICS, Floats
from results.baselines import CONTROL
from results.cells import Cell
from results.curves import SOFT, SPLITS, Curves
from results.report.boards import short_names
from results.report.markup import Content, Html, element, missing, number, table
from results.report.wording import language_word, points
from results.words import metric_name

Row = Mapping[str, Any]
Pair = tuple[str, str]

NOTE = (
    "Lines are means over seeds, bands reach from the lowest seed to the highest. Metrics are in "
    "points at threshold 0.5 on the whole split; dev chooses epochs, so its best values flatter."
)
"""What the curves are."""

_UNIT = 1e-4
"""Values in [0, 1] are whole numbers of this in the data: 0.5485 is 5485."""


def curve_data(
    cells: Sequence[Cell],
    curves: Curves,
    pairs: Sequence[Pair],
    places: Mapping[str, Mapping[str, int]],
) -> dict[str, Any]:
    """What the script draws.

    Args:
        cells: the run's.
        curves: of the run.
        pairs: corpora and languages, as the page numbers them.
        places: of the cells to draw, the place of each by metric.

    Returns:
        `columns` with their labels; `cells`, each with its pair, name, loss, batch size, places,
        and by split and column a curve: means over seeds, and where there are several seeds their
        least and greatest values.
    """
    drawn = {found.key: found for found in cells if found.key in places}
    names = _names(list(drawn.values()))
    found = [
        {
            "pair": pairs.index(of.pair),
            "name": names[of.key],
            "batch": of.facts["batch_size"],
            "places": places[of.key],
            "control": of.facts["loss"] == CONTROL,
            "seeds": len(of.ok),
            "curves": by_split,
        }
        for of in drawn.values()
        if (by_split := _curves(curves, of))
    ]
    columns = {name: metric_name(name) for name in METRICS}
    columns |= {SOFT[name]: f"soft {metric_name(name)}" for name in METRICS if name in SOFT}
    return {"columns": columns | {"loss": "loss, mean over batches"}, "cells": found}


def _names(cells: Sequence[Cell]) -> dict[str, str]:
    """What cells are called among those of their corpus and language, without batch size."""
    names: dict[str, str] = {}
    for pair in {of.pair for of in cells}:
        named = short_names([of.columns for of in cells if of.pair == pair])
        names |= named
    return {of.key: names[of.key].removesuffix(f" b={of.facts['batch_size']}") for of in cells}


def _curves(curves: Curves, of: Cell) -> dict[str, dict[str, list[list[float | None]]]]:
    """A cell's curves by split and column."""
    found: dict[str, dict[str, list[list[float | None]]]] = {}
    for split in SPLITS:
        columns = [*METRICS, *SOFT.values(), *(["loss"] if split == "train" else [])]
        for column in columns:
            values = curves.of_cell(of, split, column)
            if values.size and not np.isnan(values).all():
                found.setdefault(split, {})[column] = _compact(values, column == "loss")
    return found


def _compact(values: Floats, loss: bool) -> list[list[float | None]]:
    """Means over seeds `[E]`; with several seeds their least and greatest values as well."""
    rows = [values.mean(axis=0)]
    if len(values) > 1:
        rows += [values.min(axis=0), values.max(axis=0)]
    return [[_short(value, loss) for value in row.tolist()] for row in rows]


def _short(value: float, loss: bool) -> float | None:
    if not np.isfinite(value):
        return None
    return float(f"{value:.4g}") if loss else round(value / _UNIT)


def convergence_table(
    corpus: str, language: str, metric: str, rows: Sequence[Row], names: Mapping[str, str]
) -> Html:
    """How fast and how far each cell learns.

    Args:
        corpus: name of the corpus.
        language: its language.
        metric: a name in `model.metrics.METRICS`.
        rows: of `results.convergence.CONVERGENCE`, of these three.
        names: of the cells to show, in order.
    """
    by_cell: dict[str, dict[str, Row]] = {}
    for row in rows:
        by_cell.setdefault(row["cell"], {})[row["split"]] = row
    splits = [split for split in SPLITS if any(split in found for found in by_cell.values())]
    head: list[Content] = ["loss", "best epoch on dev", "epochs to 99%", "updates to 99%"]
    head += [f"{split}, {end}" for split in splits for end in ("best", "last")]
    body = []
    for key, name in names.items():
        found = by_cell.get(key, {})
        dev = found.get("dev")
        body.append(
            [
                element("th", name, scope="row"),
                *(_plain(dev, of) for of in ("best_epoch", "epochs_to_99", "updates_to_99")),
                *(
                    _value(found.get(split), of)
                    for split in splits
                    for of in ("best_value", "final_value")
                ),
            ]
        )
    title = f"Learning: {metric_name(metric)}, {language_word(language)} ({corpus})"
    return table(title, head, body, sortable=True)


def _plain(row: Row | None, column: str) -> Html:
    """An epoch or a number of updates, mean over seeds."""
    if row is None or row[column] is None:
        return missing((row or {}).get("reason") or "not measured")
    return number(f"{row[column]:,.1f}".removesuffix(".0"), sort=row[column])


def _value(row: Row | None, column: str) -> Html:
    if row is None or row[column] is None:
        return missing((row or {}).get("reason") or "not measured")
    return number(points(row[column]), sort=row[column])
