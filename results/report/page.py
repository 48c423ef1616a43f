"""The page: its sections in order, put into the template with styles, script and data."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from results.findings import Findings
from results.parts import whole_file
from results.report.answered import answers
from results.report.boards import Board, boards_of, short_names
from results.report.comparisons import against_control, control_table, matrix
from results.report.cost import cost
from results.report.heatmap import heatmap
from results.report.leaderboard import leaderboard
from results.report.learning import NOTE, convergence_table, curve_data
from results.report.markup import Content, Html, data_block, details, element, join
from results.report.provenance import provenance
from results.report.trouble import arms_gone_wrong, broken_parts, never_predicted
from results.report.wording import language_word, several
from results.words import metric_name

REFRESH = 30
"""Seconds after which a browser loads the page again while its run goes on."""


@dataclass(frozen=True)
class Progress:
    """How far a run is that has not ended.

    Attributes:
        recorded: arms of those wanted that are recorded.
        wanted: arms wanted.
        going: whether it goes on; False where it was stopped.
    """

    recorded: int
    wanted: int
    going: bool


def report(findings: Findings, progress: Progress | None = None) -> str:
    """The page of a run: one HTML file that needs nothing else.

    While a run has not ended there are no scores, answers and comparisons: they would be made over
    and over, and whoever looks at p-values until he likes them finds differences that are not
    there.

    Args:
        findings: what is known of the run.
        progress: how far it is; None where it has ended.

    Raises:
        RecordError: records are damaged or incomplete.
    """
    return _Page(findings, progress).whole()


def write_report(findings: Findings, progress: Progress | None = None) -> Path:
    """Write the page as `<run>/tables/report.html`, whole or not at all.

    Args:
        findings: what is known of the run.
        progress: how far it is; None where it has ended.

    Returns:
        Where it is.

    Raises:
        RecordError: records are damaged or incomplete, or it cannot be written.
    """
    page = report(findings, progress).encode()
    path = findings.run.path / "tables" / "report.html"
    with whole_file(path, lasting=False) as file:
        file.write(page)
    return path


def _resource(name: str) -> str:
    return (files("results.report") / name).read_text(encoding="utf-8")


class _Page:
    """A page in the making."""

    def __init__(self, findings: Findings, progress: Progress | None) -> None:
        self.findings = findings
        self.progress = progress
        self.arms: list[dict[str, Any]] = findings.run.arms_table.to_pylist()
        self.scores = [] if progress else findings.scores
        self.boards = boards_of(self.scores)
        pairs = {(arm["corpus"], arm["language"]) for arm in self.arms}
        self.pairs = sorted(pairs, key=lambda pair: pair[::-1])
        self.metrics = list(dict.fromkeys(row["metric"] for row in findings.convergence))
        self.data: dict[str, Any] = {}

    def whole(self) -> str:
        """The page."""
        name = self.findings.run.path.resolve().name
        sections = list(self._sections())
        links = [element("li", element("a", title, href=f"#{key}")) for key, title, _ in sections]
        main = [
            element(
                "section",
                element("h2", title, " ", element("a", "#", href=f"#{key}", class_="anchor",
                                                  aria_label=f"Link to {title}")),
                content,
                id=key,
            )
            for key, title, content in sections
        ]  # fmt: skip
        main.insert(1, self._toolbar())  # it governs what follows the answers
        return Template(_resource("report.html")).substitute(
            title=join(f"{name}: softsweep report"),
            refresh=self._refresh(),
            style=_resource("report.css"),
            name=join(name),
            summary=self._summary(),
            progress=self._said_of_progress(),
            links=join(links),
            main=join(main),
            data=data_block("data", self.data),
            script=_resource("report.js"),
        )

    def _sections(self) -> Iterator[tuple[str, str, Content]]:
        if self.progress:
            yield "answers", "The answer", self._no_answer_yet()
        else:
            yield "answers", "The answer", answers(self.findings.answers)
            yield "leaderboard", "Leaderboard", self._of_boards(self._leaderboard)
        yield "curves", "Learning curves", self._curves()
        if not self.progress:
            yield "classes", "Class by class", self._of_boards(self._heatmap)
            yield "comparisons", "Comparisons", self._of_boards(self._comparisons)
        yield "cost", "Cost", cost(self.arms)
        yield (
            "trouble",
            "What went wrong",
            [
                broken_parts(self.findings.run),
                arms_gone_wrong(self.arms),
                never_predicted(self.scores),
            ],
        )
        now = datetime.now(UTC)
        yield "provenance", "Provenance", provenance(self.findings.run, self.arms, self.scores, now)
        yield "reading", "How to read this", Html(_resource("reading.html"))

    def _summary(self) -> Html:
        """The run in a line."""
        seeds = len({arm["seed"] for arm in self.arms})
        losses = len({arm["loss"] for arm in self.arms})
        where = [f"{language_word(language)} ({corpus})" for corpus, language in self.pairs]
        counts = [several(losses, "loss", "losses"), several(seeds, "seed")]
        return join(f"{' and '.join(where)}: {several(len(self.arms), 'arm')}, {', '.join(counts)}")

    def _refresh(self) -> Html:
        """What makes a browser load the page again, only while there is more to come."""
        if not (self.progress and self.progress.going):
            return Html("")
        return element("meta", http_equiv="refresh", content=REFRESH)

    def _said_of_progress(self) -> Html:
        if not self.progress:
            return Html("")
        done, of = self.progress.recorded, self.progress.wanted
        state = (
            f"The run went on when this page was written, at {datetime.now(UTC):%Y-%m-%d %H:%M} "
            f"UTC; it loads itself again every {REFRESH} seconds. Should it stay as it is, "
            "softsweep status tells whether the run still goes on."
            if self.progress.going
            else "The run was stopped; run it again to go on."
        )
        bar = element("progress", value=done, max=of, aria_label="arms recorded")
        said = element("p", element("b", f"Arms {done:,} of {of:,} recorded."), f" {state}")
        return element("div", bar, said, class_="progress", role="status")

    def _no_answer_yet(self) -> Html:
        return element(
            "p",
            "Scores, comparisons and answers are made when the run has ended: who looks at tests "
            "while they fill finds differences that are not there. Below is what has been measured "
            "so far.",
            class_="why",
        )

    def _toolbar(self) -> Html:
        """What chooses the panels that are shown; of use with the script only."""
        pairs = [
            element("option", f"{language_word(language)} ({corpus})", value=place)
            for place, (corpus, language) in enumerate(self.pairs)
        ]
        metrics = [element("option", metric_name(name), value=name) for name in self.metrics]
        chosen = [
            element("label", f"{name} ", element("select", options, id=f"choose-{key}"))
            for name, key, options in (("corpus", "pair", pairs), ("judged by", "metric", metrics))
            if len(options) > 1
        ]
        return element("form", chosen, class_="toolbar", aria_label="What is shown")

    def _panel(self, corpus: str, language: str, metric: str, content: Content) -> Html:
        """Content that is shown when its corpus, language and metric are chosen."""
        place = self.pairs.index((corpus, language))
        return element("div", content, class_="panel", data_pair=place, data_metric=metric)

    def _of_boards(self, make: Callable[[Board], Content]) -> list[Html]:
        """A panel for each board."""
        return [
            self._panel(board.corpus, board.language, board.metric, make(board))
            for board in self.boards
        ]

    def _leaderboard(self, board: Board) -> Html:
        return leaderboard(board, against_control(board, self.findings.comparisons))

    def _heatmap(self, board: Board) -> Html:
        rows = [
            row
            for row in self.findings.per_class
            if (row["corpus"], row["language"], row["chosen_by"])
            == (board.corpus, board.language, board.metric)
        ]
        return heatmap(board, rows)

    def _comparisons(self, board: Board) -> Content:
        shown, sentences = matrix(board, self.findings.comparisons)
        place = f"{self.pairs.index((board.corpus, board.language))}-{board.metric}"
        self.data.setdefault("comparisons", {})[place] = sentences
        to_control = against_control(board, self.findings.comparisons)
        notes = (
            "Row minus column in points, both at one tuned threshold. ▲ the row is better, ▼ it is "
            "worse, by a test corrected for the number of pairs at 5%; no sign: not shown to "
            "differ. Point at a cell, or go there with the arrow keys, for the test."
        )
        readout = element("p", "No pair is chosen.", class_="readout", aria_live="polite")
        beside = element("div", readout if sentences else None, element("p", notes, class_="notes"))
        return [shown, beside if sentences else None, control_table(board, to_control)]

    def _curves(self) -> Content:
        """The drawing, which the script makes, and its tables."""
        cells, rows = self.findings.judged.cells, self.findings.convergence
        places: dict[str, dict[str, int]] = {cell.key: {} for cell in cells if self.progress}
        for board in self.boards:
            for place, key in enumerate(board.cells):
                places.setdefault(key, {})[board.metric] = place
        self.data |= curve_data(cells, self.findings.curves, self.pairs, places)
        panels = []
        for corpus, language in self.pairs:
            of_pair = [cell.columns for cell in cells if cell.pair == (corpus, language)]
            names = short_names(of_pair)
            for metric in self.metrics:
                found = [
                    row
                    for row in rows
                    if (row["corpus"], row["language"], row["metric"]) == (corpus, language, metric)
                ]
                content = convergence_table(corpus, language, metric, found, names)
                panels.append(self._panel(corpus, language, metric, content))
        return [
            Html(_resource("curves.html")),
            element("p", NOTE, class_="notes"),
            details("How fast and how far each loss learns, as a table", panels),
        ]
