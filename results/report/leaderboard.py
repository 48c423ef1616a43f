"""The leaderboard of a metric: values with their intervals drawn, and the difference to control."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from results.layout import TUNED_MARK, Score, only_ranks
from results.report.boards import Board
from results.report.comparisons import reason_of
from results.report.markup import Content, Html, cell, element, missing, number, table
from results.report.wording import interval, p_value, points, several, signed
from results.words import metric_name

Row = Mapping[str, Any]

_WIDTH, _HEIGHT = 170, 22
"""Size of an interval's drawing in pixels."""


@dataclass(frozen=True)
class Scale:
    """Maps values in [0, 1] to pixels of a drawing.

    Attributes:
        low: value at the left end.
        high: value at the right end.
        ticks: round values between them.
    """

    low: float
    high: float
    ticks: tuple[float, ...]

    def at(self, value: float) -> float:
        """Where a value lies, in pixels; one beyond an end lies at the end."""
        value = min(max(value, self.low), self.high)
        return round(6 + (_WIDTH - 12) * (value - self.low) / (self.high - self.low), 1)


def scale_of(
    values: Sequence[float], intervals: Sequence[tuple[float | None, float | None]]
) -> Scale:
    """A scale that holds most values and their intervals, with two to five round ticks.

    One far from the others, or with a far wider interval, does not squeeze them: it is cut.
    """
    halves = sorted((high - low) / 2 for low, high in intervals if low is not None and high)
    margin = max(2 * halves[len(halves) // 2] if halves else 0.0, 0.002)
    ordered = sorted(values) or [0.0, 1.0]
    first, third = ordered[len(ordered) // 4], ordered[-1 - len(ordered) // 4]
    low = max(ordered[0], first - 3 * (third - first)) - margin
    high = min(ordered[-1], third + 3 * (third - first)) + margin
    step = 10 ** math.floor(math.log10(high - low))
    step = next(step * part for part in (0.2, 0.5, 1, 2) if (high - low) / (step * part) < 5)
    first = math.ceil(low / step)
    ticks = [round(step * place, 9) for place in range(first, math.floor(high / step) + 1)]
    return Scale(low, high, tuple(ticks))


def leaderboard(board: Board, to_control: Mapping[str, Row]) -> Html:
    """The leaderboard of a board, as a table that can be sorted, and what its columns mean.

    Args:
        board: the cells.
        to_control: rows of comparisons with the control by cell, at tuned thresholds.
    """
    judged = {key: board.judged(key) for key in board.cells}
    control = {
        key: judged[found["control"]]["value"]
        for key, found in judged.items()
        if found["control"] in judged
    }
    values = [found["value"] for found in judged.values()] + list(control.values())
    ends = [_ends(found) for found in judged.values()]
    scale = scale_of([value for value in values if value is not None], ends)
    several_b = len({found["batch_size"] for found in judged.values()}) > 1
    settings = sorted({name for found in board.settings.values() for name in found})
    corrected = any(row["p_max_t"] is not None for row in to_control.values())
    head: list[Content] = [
        "rank",
        "loss",
        *(name.replace("_", " ") for name in settings),
        *(["batch size"] if several_b else []),
        ["95% interval", _axis(scale)],
        "tuned threshold",
        "to tuned BCE",
        *(["p, corrected"] if corrected else []),
        "at 0.5",
        "per label",
        "seeds",
        "labels never predicted",
    ]
    rows = []
    for place, (key, found) in enumerate(judged.items(), start=1):
        never = board.first(key)["never_predicted"]
        rows.append(
            [
                number(place, sort=place),
                element("th", board.losses[key], TUNED_MARK * only_ranks(found), scope="row"),
                *(_setting(board.settings[key].get(setting)) for setting in settings),
                *([number(found["batch_size"], sort=found["batch_size"])] if several_b else []),
                cell(_whisker(found, control.get(key), scale), sort=found["value"], class_="draw"),
                _value(found, both=True),
                _difference(found),
                *([_p(to_control.get(key), found)] if corrected else []),
                _value(board.cells[key].get("0.5"), "only ranks" if only_ranks(found) else ""),
                _value(board.cells[key].get("per label")),
                _seeds(found),
                missing(found["status"])
                if never is None
                else cell(
                    [len(never), element("small", ", ".join(never)) if never else None],
                    sort=len(never),
                    class_="n never",
                ),
            ]
        )
    title = f"Leaderboard: {board.title}"
    return element(
        "div",
        table(title, head, rows, sortable=True, class_="board"),
        _notes(board, list(judged.values())),
    )


def _ends(score: Score) -> tuple[float | None, float | None]:
    """The interval that is drawn: over texts and seeds, with one seed over texts."""
    if score["both_lo"] is not None:
        return score["both_lo"], score["both_hi"]
    return score["lo"], score["hi"]


def _axis(scale: Scale) -> Html:
    """The ticks above a column of drawings."""
    texts = [
        element("text", f"{100 * tick:g}", x=scale.at(tick), y=11, text_anchor="middle")
        for tick in scale.ticks
    ]
    return element("svg", texts, width=_WIDTH, height=14, aria_hidden="true", class_="axis")


def _whisker(score: Score, control: float | None, scale: Scale) -> Html | None:
    """A value as a dot, its interval as a line, its control as an upright one.

    The numbers stand beside it, so it says nothing to a screen reader.
    """
    if score["value"] is None:
        return None
    low, high = _ends(score)
    middle = _HEIGHT / 2
    shapes = [
        element("line", x1=scale.at(tick), x2=scale.at(tick), y1=0, y2=_HEIGHT, class_="tick")
        for tick in scale.ticks
    ]
    if control is not None:
        at = scale.at(control)
        shapes.append(element("line", x1=at, x2=at, y1=0, y2=_HEIGHT, class_="control"))
    if low is not None and high is not None:
        kind = "whisker" if score["both_lo"] is not None else "whisker texts"
        ends = {"x1": scale.at(low), "x2": scale.at(high)}
        shapes.append(element("line", **ends, y1=middle, y2=middle, class_=kind))
        inside = [end for end in (low, high) if scale.low <= end <= scale.high]
        shapes += [
            element("line", x1=at, x2=at, y1=middle - 4, y2=middle + 4, class_="whisker")
            for at in map(scale.at, inside)
        ]
    at = scale.at(score["value"])
    if score["value"] < scale.low:
        shapes.append(element("path", d=f"M{at - 5} {middle}l8 -5v10z", class_="dot"))
    else:
        shapes.append(element("circle", cx=at, cy=middle, r=4, class_="dot"))
    return element("svg", shapes, width=_WIDTH, height=_HEIGHT, aria_hidden="true")


def _value(score: Score | None, why: str = "", both: bool = False) -> Html:
    """A cell with a value and its interval, or why there is none."""
    if score is None:
        return missing(why or "no dev logits recorded")
    if score["value"] is None:
        return missing(score["status"])
    low, high = _ends(score) if both else (score["lo"], score["hi"])
    mark = "†" if score["seeds_failed"] else ""
    return number(
        [points(score["value"]), mark, element("small", interval(low, high))], sort=score["value"]
    )


def _difference(score: Score) -> Html:
    """The difference to the control, or why there is none."""
    if score["control"] == score["cell"]:
        return cell("control", sort=0, class_="n")
    if score["to_control"] is None:
        return missing(_no_difference(score))
    ends = interval(score["to_control_lo"], score["to_control_hi"], sign=True)
    one = "¹" if score["control_seeds"] == 1 else ""
    return number(
        [signed(score["to_control"]), one, element("small", ends)], sort=score["to_control"]
    )


def _no_difference(score: Score) -> str:
    """Why a cell is compared with no control."""
    if score["value"] is None:
        return str(score["status"])
    if score["threshold"] != "tuned":
        return "no tuned threshold"
    return "no BCE of these settings"


def _p(row: Row | None, score: Score) -> Html:
    """A corrected p-value, or why there is none."""
    if score["control"] == score["cell"]:
        return cell("", sort="")
    found = row["p_max_t"] if row else None
    if found is None:
        return missing(reason_of(row) if row else _no_difference(score))
    return number(p_value(found), sort=found)


def _setting(value: str | None) -> Html:
    return missing("–") if value is None else cell(value)


def _seeds(score: Score) -> Html:
    """How many seeds are in a value, of how many, and their spread."""
    said = f"{score['seeds_ok']}"
    if score["seeds_ok"] < score["seeds"]:
        said += f" of {score['seeds']}"
    spread = None if score["seed_sd"] is None else f"sd {points(score['seed_sd'])}"
    return number([said, element("small", spread) if spread else None], sort=score["seeds_ok"])


def _notes(board: Board, judged: Sequence[Score]) -> Html:
    """What the columns mean and what they leave unsaid."""
    word, first = metric_name(board.metric), judged[0]
    notes = [
        f"Each arm's epoch was chosen by {word}. The dot is {word} in points with one threshold "
        f"tuned on what chose the epoch, over {several(first['texts'], 'text')}; the line its 95% "
        "interval over texts and seeds; the upright line its control, BCE of the same settings "
        "with a tuned threshold; a line without an end goes on, and an arrow lies further left. "
        "Intervals at 0.5 and per label are over texts alone."
    ]
    if any(score["seeds_ok"] == 1 for score in judged):
        notes.append(
            "A dashed line is of one seed: it covers the choice of texts, and says nothing of how "
            "other seeds would do."
        )
    if any(score["control_seeds"] == 1 for score in judged):
        notes.append("¹ one shared seed: the interval is over texts alone.")
    if any(score["seeds_failed"] for score in judged):
        notes.append("† seeds that diverged or failed are left out.")
    if any(only_ranks(score) for score in judged):
        notes.append(f"{TUNED_MARK} a loss that only ranks labels has no value at 0.5.")
    if not any(score["control"] for score in judged):
        notes.append("No BCE was trained with these settings, so nothing is compared with it.")
    if board.left_out:
        notes.append(
            f"The best {len(judged)} are shown; {board.left_out} more are in "
            f"leaderboard_{board.metric}_{board.language}.csv."
        )
    return element("div", [element("p", note) for note in notes], class_="notes")
