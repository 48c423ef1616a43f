"""What the page shows of each corpus, language and metric: which cells, in what order, their names.

Leaderboard, heat map and matrix of a metric have the same cells in the same order, so that a reader
finds a loss at the same place in each.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from model.metrics import METRICS
from results.labels import cell_labels, named, of_loss, told_apart
from results.layout import Score, is_first
from results.report.wording import language_word
from results.standings import of_search_by
from results.words import metric_name

MOST = 100
"""Cells of a board, the best; the tables beside the page hold all."""


@dataclass(frozen=True)
class Board:
    """The cells of one corpus, language and metric, best first; epochs chosen by that metric.

    Attributes:
        corpus: its name.
        language: its code.
        metric: a name in `model.metrics.METRICS`.
        cells: their scores by threshold, by key.
        names: what cells are called beside each other, by key.
        losses: their losses alone, with parameters, by key.
        settings: the settings in which cells differ, other than parameters of losses, by key.
        left_out: cells beyond the best `MOST`.
    """

    corpus: str
    language: str
    metric: str
    cells: Mapping[str, Mapping[str, Score]]
    names: Mapping[str, str]
    losses: Mapping[str, str]
    settings: Mapping[str, Mapping[str, str]]
    left_out: int

    @property
    def title(self) -> str:
        """Metric, language and corpus."""
        return f"{metric_name(self.metric)}, {language_word(self.language)} ({self.corpus})"

    def first(self, key: str) -> Score:
        """A cell's score at the threshold that its loss is first judged by."""
        return next(filter(is_first, self.cells[key].values()))

    def judged(self, key: str) -> Score:
        """A cell's score at one tuned threshold; where no dev logits are recorded, its first."""
        return self.cells[key].get("tuned") or self.first(key)

    def judged_threshold(self, key: str) -> str | None:
        """The threshold of `judged`; None for a cell that is not on the board."""
        return str(self.judged(key)["threshold"]) if key in self.cells else None

    def is_control(self, key: str) -> bool:
        """Whether others are compared with a cell."""
        return bool(self.judged(key)["control"] == key)


def boards_of(scores: Sequence[Score]) -> list[Board]:
    """The boards of a run, by corpus and language, then metric.

    Args:
        scores: rows of `results.scores.SCORES`.
    """
    groups: dict[tuple[str, str, str], list[Score]] = {}
    for score in scores:
        if score["metric"] == score["chosen_by"]:
            key = (score["corpus"], score["language"], score["metric"])
            groups.setdefault(key, []).append(score)
    order = list(METRICS)
    return [
        _board(*key, groups[key])
        for key in sorted(groups, key=lambda key: (key[1], key[0], order.index(key[2])))
    ]


def _board(corpus: str, language: str, metric: str, scores: Sequence[Score]) -> Board:
    cells: dict[str, dict[str, Score]] = {}
    for score in of_search_by(metric, scores)[0]:
        cells.setdefault(score["cell"], {})[score["threshold"]] = score
    firsts = {key: next(filter(is_first, cell.values())) for key, cell in cells.items()}
    names = short_names(list(firsts.values()))
    apart = told_apart(list(firsts.values()))

    def place(key: str) -> tuple[float, str, int]:
        value = (cells[key].get("tuned") or firsts[key])["value"]
        return (-1.0 if value is None else value, names[key], firsts[key]["batch_size"])

    ranked = sorted(sorted(cells), key=lambda key: (-place(key)[0], *place(key)[1:]))
    settings = {
        key: {name: value for name, value in apart[key].items() if not of_loss(name)}
        for key in ranked[:MOST]
    }
    return Board(
        corpus,
        language,
        metric,
        {key: cells[key] for key in ranked[:MOST]},
        names,
        loss_names(list(firsts.values())),
        settings,
        len(ranked[MOST:]),
    )


def loss_names(rows: Sequence[Score]) -> dict[str, str]:
    """Each cell's loss with its own parameters, where losses of that name differ in them, by key.

    Args:
        rows: one for each cell, with the columns of `results.scores.SCORES` that name it.
    """
    return {
        row["cell"]: named(
            row["label"], {name: value for name, value in apart.items() if of_loss(name)}
        )
        for found in [told_apart(rows)]
        for row in rows
        for apart in [found[row["cell"]]]
    }


def short_names(rows: Sequence[Score]) -> dict[str, str]:
    """What cells are called beside each other, by key.

    A loss with its own parameters, the settings in which cells differ that would else be called the
    same, and the batch size where there are several.

    Args:
        rows: as `loss_names` takes them.
    """
    losses = loss_names(rows)
    alike: dict[tuple[str, int], list[Score]] = {}
    for row in rows:
        alike.setdefault((losses[row["cell"]], row["batch_size"]), []).append(row)
    several = len({row["batch_size"] for row in rows if row["batch_size"]}) > 1
    return {
        key: name + (f" b={batch}" if several and batch else "")  # imported systems have none
        for (_, batch), group in alike.items()
        for key, name in _apart(group, losses).items()
    }


def _apart(group: Sequence[Score], losses: Mapping[str, str]) -> dict[str, str]:
    """Names of cells that have one loss and batch size."""
    if len(group) == 1:
        return {row["cell"]: losses[row["cell"]] for row in group}
    return cell_labels(group)
