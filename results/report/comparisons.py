"""The matrix of all pairs, and every loss against its control."""

from collections.abc import Mapping, Sequence
from typing import Any

from results import words
from results.comparisons import MOST_CELLS
from results.contrast import ALPHA, ONE_SEED
from results.multiplicity import holm
from results.report.boards import Board
from results.report.markup import Content, Html, cell, element, missing, number, table
from results.report.wording import interval, p_value, points, signed
from results.words import caveats, verdict

Row = Mapping[str, Any]
Places = tuple[int, int]
"""Of a pair of cells among those of a board."""


def against_control(board: Board, rows: Sequence[Row]) -> dict[str, Row]:
    """Comparisons of the board's cells with their controls at tuned thresholds, by cell.

    Args:
        board: the cells.
        rows: of `results.comparisons.COMPARISONS`.
    """
    return {
        row["a"]: row
        for row in rows
        if row["family"] != "pair"
        and row["threshold"] == "tuned"
        and (row["corpus"], row["language"], row["metric"]) == _of(board)
    }


def reason_of(row: Row) -> str:
    """Why a comparison lacks numbers, short enough for a cell of a table."""
    return "one seed" if row["reason"] == ONE_SEED else row["reason"] or "–"


def control_table(board: Board, to_control: Mapping[str, Row]) -> Html:
    """Every loss against its control: the default test, its corrections, and what would decide."""
    head: list[Content] = [
        "loss",
        "difference",
        "p",
        "p, max-T",
        "p, Holm",
        "q, B–H",
        "p, bootstrap",
        "p, randomisation",
        "share of seeds better",
        "would be found",
        "seeds needed",
        "shared seeds",
    ]
    rows = []
    for key in board.cells:
        row = to_control.get(key)
        if row is None:
            continue
        ends = interval(row["lo"], row["hi"], sign=True)
        why = reason_of(row)
        rows.append(
            [
                element("th", board.names[key], scope="row"),
                missing(why)
                if row["difference"] is None
                else number(
                    [signed(row["difference"]), element("small", ends)], sort=row["difference"]
                ),
                _p(row["p"], why),
                _p(row["p_max_t"], why),
                _p(row["p_holm"], why),
                _p(row["q_bh"], why),
                _p(row["p_bootstrap"], why),
                _p(row["p_randomisation"], why),
                _superior(row),
                missing(why)
                if row["detectable"] is None
                else number(points(row["detectable"]), sort=row["detectable"]),
                missing("–")
                if row["seeds_needed"] is None
                else number(row["seeds_needed"], sort=row["seeds_needed"]),
                number(row["seeds"], sort=row["seeds"]),
            ]
        )
    if not rows:
        return element("p", "No loss has a control to be compared with.", class_="why")
    title = f"Every loss against BCE of the same settings, tuned thresholds: {board.title}"
    notes = (
        "Difference in points with its 95% interval over texts and seeds, and its p-value; the "
        "p-value corrected by step-down max-T and by Holm for all comparisons of its family, over "
        "losses, settings, metrics and languages, and for losses that are explored the rate of "
        "false discoveries by Benjamini and Hochberg. Would be found: the smallest difference that "
        "so many seeds and texts show with 80% power after correction. Seeds needed: as many would "
        "show the observed difference so. – not made for losses "
        "declared beforehand (q), for those that are explored (randomisation), or where it is "
        "decided already (seeds needed)."
    )
    unlike = sorted({row["unlike"] for row in to_control.values() if row["unlike"]})
    return element(
        "div",
        table(title, head, rows, sortable=True),
        element(
            "div",
            element("p", notes),
            [element("p", f"Not all trained alike: {said}.") for said in unlike],
            class_="notes",
        ),
    )


def _p(value: float | None, why: str) -> Html:
    return missing(why) if value is None else number(p_value(value), sort=value)


def _superior(row: Row) -> Html:
    """The share of seeds in which A is better, with its exact interval in percent."""
    if row["superiority"] is None:
        return missing(reason_of(row))
    low, high = row["superiority_lo"], row["superiority_hi"]
    ends = "" if low is None else f"{100 * low:.0f} to {100 * high:.0f}%"
    share = f"{100 * row['superiority']:.0f}%"
    return number([share, element("small", ends)], sort=row["superiority"])


def matrix(board: Board, rows: Sequence[Row]) -> tuple[Html, dict[str, Any]]:
    """All pairs of a board, row minus column in points, and the pair in focus in words.

    Args:
        board: the cells.
        rows: of `results.comparisons.COMPARISONS`.

    Returns:
        The table, and for each pair of rows of it (`"3-0"`) the sentence that describes it.
    """
    keys = list(board.cells)
    place = {key: index for index, key in enumerate(keys)}
    found: dict[Places, Row] = {}
    for row in rows:
        here = (row["corpus"], row["language"], row["metric"]) == _of(board)
        if here and row["threshold"] == "tuned" and row["a"] in place and row["b"] in place:
            found.setdefault((place[row["a"]], place[row["b"]]), row)
    if len(keys) == 1:
        why = "There is one cell, and nothing to compare it with."
        return element("p", why, class_="why"), {}
    pairs = len(keys) * (len(keys) - 1) // 2
    if len(found) < pairs and all(row["family"] != "pair" for row in found.values()):
        why = (
            f"The {pairs:,} pairs of these {len(keys)} cells are not compared with each other: "
            f"that is done for up to {MOST_CELLS} cells. Below, each is compared with its control."
        )
        return element("p", why, class_="why"), {}
    head: list[Content] = [
        "row − column",
        *(element("abbr", index + 1, title=board.names[key]) for index, key in enumerate(keys)),
    ]
    corrected = _corrected(found)
    sentences = {
        f"{a}-{b}": _sentence(row, corrected.get((a, b)), len(corrected))
        for (a, b), row in found.items()
    }
    body = []
    for a, key in enumerate(keys):
        cells = [element("th", element("b", a + 1), " ", board.names[key], scope="row")]
        cells += [_pair(a, b, found, corrected) for b in range(len(keys))]
        body.append(cells)
    title = f"All pairs, tuned thresholds: {board.title}"
    dense = " dense" if len(keys) > 12 else ""
    return table(title, head, body, class_=f"matrix{dense}"), sentences


def _pair(a: int, b: int, found: Mapping[Places, Row], corrected: Mapping[Places, float]) -> Html:
    """Row minus column, marked where the corrected p-value is below 5%."""
    if a == b:
        return cell("", class_="self")
    key, sign = ((a, b), 1) if (a, b) in found else ((b, a), -1)
    row = found.get(key)
    if row is None or row["difference"] is None:
        return cell("·", class_="n none", data_pair_of=f"{a}-{b}")
    difference = sign * row["difference"]
    significant = corrected.get(key, 1.0) < ALPHA
    mark = ("▲" if difference > 0 else "▼") if significant else ""
    better = "better" if difference > 0 else "worse"
    return cell(
        [signed(difference, 1), element("span", mark, class_="mark") if mark else None],
        class_=f"n {better}" if significant else "n",
        data_pair_of=f"{a}-{b}",
    )


def _corrected(found: Mapping[Places, Row]) -> dict[Places, float]:
    """P-values of the pairs that were tested, corrected for their number by Holm."""
    tested = {pair: row["p"] for pair, row in found.items() if row["p"] is not None}
    return dict(zip(tested, holm(list(tested.values())).tolist(), strict=True))


def _sentence(row: Row, corrected: float | None, pairs: int) -> str:
    """A comparison in the words of `softsweep compare`, and what its p-value is among all pairs."""
    said = [verdict(row), *(caveats(row) if row["family"] != "pair" else [])]
    if corrected is not None and pairs > 1:
        said.append(f"Among the {pairs} pairs of this matrix {words.p_value(corrected)} (Holm).")
    return " ".join(said)


def _of(board: Board) -> tuple[str, str, str]:
    return board.corpus, board.language, board.metric
