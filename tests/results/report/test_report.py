"""What the page says of a run, without a browser."""

import json
import re
import warnings
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from model.metrics import METRICS
from results.compare import compare
from results.errors import RecordWarning
from results.findings import Findings
from results.report import Progress, report, write_report
from results.report.boards import boards_of
from results.report.comparisons import matrix
from results.report.leaderboard import scale_of
from results.report.markup import data_block, element
from results.report.wording import p_value, seconds, signed
from results.run import Run
from results.words import points

VOID = {"meta", "link", "input", "br"}
SECTIONS = ["answers", "leaderboard", "curves", "classes", "comparisons", "cost", "trouble"]


class Outline(HTMLParser):
    """Checks that elements close each other in order; keeps ids, text and the data."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.text = ""
        self.data: dict[str, Any] = {}
        self.open: list[str] = []
        self.feed(page)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.ids += [str(value) for name, value in attrs if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in {"line", "circle", "path", "meta"}

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] == ["script"]:
            if data.startswith("{"):
                self.data = json.loads(data)
        elif self.open[-1:] != ["style"]:
            self.text += data


@pytest.fixture(scope="module")
def findings(run: Path) -> Findings:
    return Findings(Run(run))


@pytest.fixture(scope="module")
def page(findings: Findings) -> str:
    return report(findings)


@pytest.fixture(scope="module")
def outline(page: str) -> Outline:
    return Outline(page)


def test_the_page_is_whole_and_its_sections_are_in_order(outline: Outline) -> None:
    assert [key for key in outline.ids if key in SECTIONS] == SECTIONS
    assert len(set(outline.ids)) == len(outline.ids)


def test_it_needs_nothing_else(page: str) -> None:
    assert not re.search(r"""(src|href)=["']?(?!#|data:)\w""", page)
    assert "@import" not in page
    assert "url(" not in page
    assert page.count("http") == page.count("http://www.w3.org/2000/svg")  # a name, never loaded
    assert len(page) < 400_000


def test_what_users_call_things_is_text(page: str, outline: Outline) -> None:
    assert "evil" not in outline.ids
    assert "<b id='evil'>" not in page
    assert "</script><b id='evil'>x</b>" in outline.text  # as text, in tables
    assert page.count("</script>") == 2
    assert any(cell["name"].startswith("</script>") for cell in outline.data["cells"])


def test_the_answers_stand_at_the_top_with_the_numbers_of_compare(
    run: Path, findings: Findings, outline: Outline
) -> None:
    assert len(findings.answers) == 2 * len(METRICS)
    for answer in findings.answers:
        assert answer.sentence in outline.text
    answer = next(a for a in findings.answers if (a.language, a.metric) == ("en", "macro_f1"))
    assert answer.row is not None
    batch = answer.row["batch_size_a"]
    (row,) = compare(run, f"soft_macro_f1@b={batch}", f"bce@b={batch}", "macro_f1", "en")
    assert f"{points(row['difference'], signed=True)} points" in answer.sentence
    assert f"{points(row['lo'])} to {points(row['hi'])}" in answer.sentence


def test_what_went_wrong_is_told(outline: Outline) -> None:
    assert "Of 36 arms: 34 ok, 2 diverged." in outline.text
    assert "not finite: </script>" in outline.text
    assert "trust" in outline.text[outline.text.index("Labels never predicted") :]


def test_hosts_are_counted_and_not_named(page: str) -> None:
    assert "secret-host" not in page
    assert "1 host" in page


def test_curves_are_means_over_seeds_with_the_lowest_and_the_highest(outline: Outline) -> None:
    (cell,) = (
        cell
        for cell in outline.data["cells"]
        if (cell["name"], cell["batch"], cell["pair"]) == ("BCE", 16, 0)
    )
    assert cell["control"]
    assert cell["curves"]["dev"]["macro_f1"] == [
        [3450, 4450, 5450],
        [3350, 4350, 5350],
        [3550, 4550, 5550],
    ]
    assert cell["curves"]["train"]["loss"][0] == [1.0, 0.5, 0.3333]


def test_a_pair_is_described_once_and_in_words(outline: Outline) -> None:
    sentences = outline.data["comparisons"]["0-macro_f1"]
    assert len(sentences) == 6 * 5 // 2
    assert all("points" in sentence for sentence in sentences.values())
    assert any("Among the 15 pairs of this matrix p" in said for said in sentences.values())


def test_while_the_run_goes_on_nothing_is_tested_and_the_page_loads_itself(
    findings: Findings,
) -> None:
    page = report(findings, Progress(12, 40, going=True))
    outline = Outline(page)
    assert '<meta http-equiv="refresh" content="30"/>' in page
    assert "Arms 12 of 40 recorded." in outline.text
    assert "made when the run has ended" in outline.text
    assert "leaderboard" not in outline.ids
    assert len(outline.data["cells"]) == 12
    stopped = report(findings, Progress(12, 40, going=False))
    assert "http-equiv" not in stopped
    assert "was stopped" in stopped


def only(tmp_path: Path, run: Path, *wanted: str) -> Outline:
    """The page of a run that holds some arms of the fixture's."""
    copied = tmp_path / "some"
    for kind in ("arms", "epochs", "predictions", "examples"):
        (copied / kind).mkdir(parents=True)
        for part in (run / kind).iterdir():
            if kind == "examples" or part.stem.removeprefix("trial-") in wanted:
                (copied / kind / part.name).write_bytes(part.read_bytes())
    return Outline(write_report(Findings(Run(copied))).read_text(encoding="utf-8"))


def test_one_seed_says_so(tmp_path: Path, run: Path) -> None:
    outline = only(tmp_path, run, "en-soft_macro_f1-16-0", "en-bce-16-0")
    assert "one seed" in outline.text
    assert "says nothing of how other seeds would do" in outline.text
    assert "experiment.yaml is not in the run folder" in outline.text


def test_without_bce_nothing_is_compared(tmp_path: Path, run: Path) -> None:
    outline = only(tmp_path, run, "en-soft_macro_f1-16-0", "en-soft_macro_f1-16-1")
    assert "no BCE of these settings" in outline.text
    assert "There is one cell, and nothing to compare it with." in outline.text


def test_with_no_arm_ok_there_is_nothing_to_draw(tmp_path: Path, run: Path) -> None:
    outline = only(tmp_path, run, "en-evil-32-2")
    assert outline.data["cells"] == []
    assert "Of 1 arm: 1 diverged." in outline.text
    assert "No arm is ok" in outline.text


def test_a_damaged_part_is_named(tmp_path: Path, run: Path) -> None:
    only(tmp_path, run, "en-soft_macro_f1-16-0", "en-bce-16-0", "en-bce-16-1")
    part = tmp_path / "some" / "arms" / "trial-en-bce-16-1.parquet"
    part.write_bytes(part.read_bytes()[:-9])
    with warnings.catch_warnings(action="ignore", category=RecordWarning):
        outline = Outline(report(Findings(Run(tmp_path / "some"))))
    assert "arms/trial-en-bce-16-1.parquet is damaged" in outline.text
    assert str(tmp_path) not in outline.text


def test_markup_escapes_what_is_not_markup() -> None:
    assert element("td", "<b>", element("i", 1), None, class_="a", title='"&') == (
        '<td class="a" title="&quot;&amp;">&lt;b&gt;<i>1</i></td>'
    )
    assert element("line", x1=0) == '<line x1="0"/>'
    assert data_block("data", {"a": "</script>"}).count("</script>") == 1


@pytest.mark.parametrize(
    ("values", "intervals"),
    [([0.5], [(None, None)]), ([], []), ([0.4, 0.6, 0.41], [(0.3, 0.5), (0.0, 1.0), (0.4, 0.42)])],
)
def test_a_scale_holds_values_and_two_to_five_ticks(
    values: list[float], intervals: list[tuple[float | None, float | None]]
) -> None:
    scale = scale_of(values, intervals)
    assert all(scale.low < value < scale.high for value in values)
    assert 2 <= len(scale.ticks) <= 5
    assert all(scale.low <= tick <= scale.high for tick in scale.ticks)


def test_a_value_far_off_does_not_squeeze_the_others() -> None:
    scale = scale_of([0.40, 0.41, 0.42, 0.43, 0.44, 0.1], [(0.4, 0.42)] * 6)
    assert scale.low > 0.2
    assert scale.at(0.1) == scale.at(scale.low)


def test_numbers_in_words() -> None:
    assert [signed(value) for value in (0.041, -0.0025, -0.00001)] == ["+4.10", "−0.25", "0.00"]
    assert [p_value(value) for value in (None, 0.0123, 0.0001)] == ["", "0.012", "< 0.001"]
    assert [seconds(value) for value in (0.84, 47, 750, 9000)] == [
        "0.8 s",
        "47 s",
        "12.5 min",
        "2.5 h",
    ]


def test_many_cells_are_compared_with_their_control_only(findings: Findings) -> None:
    board = next(board for board in boards_of(findings.scores) if board.language == "en")
    shown, sentences = matrix(board, [r for r in findings.comparisons if r["family"] != "pair"])
    assert not sentences
    assert "The 15 pairs of these 6 cells are not compared with each other" in shown
