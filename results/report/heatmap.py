"""Where a gain comes from: F1 of every class against the control's, and labels never predicted."""

from collections.abc import Mapping, Sequence
from typing import Any

from results.perclass import MACRO, MICRO
from results.report.boards import Board
from results.report.markup import Content, Html, cell, element, missing, table
from results.report.wording import points, several, signed
from results.words import metric_name

Row = Mapping[str, Any]

_STEPS = (0.01, 0.03, 0.06, 0.12)
"""Gains from which on a colour is the next darker one."""

NEVER = "∅"
"""Marks a label that is never predicted."""


def heatmap(board: Board, per_class: Sequence[Row]) -> Html:
    """A table of gains by loss and class, frequent classes first.

    Args:
        board: the cells.
        per_class: rows of `results.perclass.PER_CLASS` of its corpus, language and metric as what
            chose the epoch.
    """
    rows = [row for row in per_class if row["class"] != MICRO]
    tuned: dict[str, dict[str, Row]] = {}
    for row in rows:
        if row["threshold"] == board.judged_threshold(row["cell"]):
            tuned.setdefault(row["cell"], {})[row["class"]] = row
    supports = {
        row["class"]: row["support"] for row in rows if row["class"] != MACRO and row["seeds"]
    }
    classes = sorted(supports, key=lambda name: -(supports[name] or 0))
    if not classes:
        return element("p", "No arm is ok, so nothing is known of any class.", class_="why")
    head: list[Content] = ["loss"]
    head += [[name, element("small", several(supports[name], "text"))] for name in classes]
    head.append("mean")
    body = []
    for key in [
        *(key for key in board.cells if board.is_control(key)),
        *(key for key in board.cells if not board.is_control(key)),
    ]:
        control = board.judged(key)["control"]
        against = tuned.get(control, {}) if control and control != key else {}
        said = " (control: F1 itself)" if board.is_control(key) else ""
        said = said or ("" if against else " (no control: F1 itself)")
        name = element("th", board.names[key], element("small", said), scope="row")
        mine = tuned.get(key, {})
        body.append([name, *(_shown(mine.get(c), against.get(c)) for c in (*classes, MACRO))])
    title = f"F1 of every class, in points above the control's: {board.title}"
    notes = (
        f"Both with one tuned threshold, at the epoch chosen by {metric_name(board.metric)}; means "
        f"over seeds. Blue: better than the control; orange: worse. {NEVER} a label that every "
        f"seed predicts for no text; {NEVER} 1/3 one that 1 of 3 seeds never predicts. The F1 of "
        "a rare class moves by points when one text does: gains here are not tested."
    )
    return element(
        "div", table(title, head, body, class_="heat"), element("p", notes, class_="notes")
    )


def _shown(row: Row | None, against: Row | None) -> Html:
    """A class's gain with its colour, or its F1 where there is nothing to compare with."""
    if row is None or row["f1"] is None:
        return missing("no score")
    gain = None if against is None or against["f1"] is None else row["f1"] - against["f1"]
    never, seeds = row["never_predicted_seeds"] or 0, row["seeds"]
    mark = f" {NEVER}" + (f" {never}/{seeds}" if never < seeds else "") if never else ""
    text = points(row["f1"], 1) if gain is None else signed(gain, 1)
    return cell(
        [text, element("span", mark, class_="never") if mark else None],
        class_="n" if gain is None else f"n {_colour(gain)}",
        title=f"{row['class'].lower() if row['class'] == MACRO else row['class']}: "
        f"F1 {points(row['f1'])}"
        + ("" if against is None else f", control {points(against['f1'])}"),
    )


def _colour(gain: float) -> str:
    """The class of a gain's colour: up1 to up4, down1 to down4, or even."""
    step = sum(abs(gain) >= least for least in _STEPS)
    return f"{'up' if gain > 0 else 'down'}{step}" if step else "even"
