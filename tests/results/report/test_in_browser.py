"""The page in a real browser: nothing is loaded, nothing fails, and it can be used by keyboard."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Chrome, ChromeOptions, ChromeService, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.select import Select

from results.compare import compare
from results.findings import Findings
from results.report import Progress, report, write_report
from results.run import Run
from results.words import interval, metric_name, points

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="chromium is not installed"),
]


@pytest.fixture(scope="module")
def findings(run: Path) -> Findings:
    return Findings(Run(run))


@pytest.fixture(scope="module")
def page(findings: Findings) -> str:
    return write_report(findings).as_uri()


@pytest.fixture(scope="module")
def chrome() -> Iterator[Chrome]:
    options = ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = Chrome(options, ChromeService(str(DRIVER)))
    yield driver
    driver.quit()


@pytest.fixture
def browser(chrome: Chrome, page: str) -> Chrome:
    """The page, newly opened in a wide window."""
    size(chrome, 1280)
    chrome.get(page)
    return chrome


def size(chrome: Chrome, width: int) -> None:
    metrics = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
    chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


def logged(chrome: Chrome, kind: str) -> list[dict[str, Any]]:
    """What a log holds that was not read yet."""
    found: list[dict[str, Any]] = chrome.execute("getLog", {"type": kind})["value"]
    return found


def shown(browser: Chrome, selector: str) -> list[WebElement]:
    found = browser.find_elements(By.CSS_SELECTOR, selector)
    return [element for element in found if element.is_displayed()]


def column(board: WebElement, name: str) -> list[str]:
    """What stands first in each cell of a column."""
    headings = [th.text.split("\n")[0] for th in board.find_elements(By.CSS_SELECTOR, "thead th")]
    at = next(place for place, text in enumerate(headings, start=1) if text.startswith(name))
    cells = board.find_elements(By.CSS_SELECTOR, f"tbody tr > :nth-child({at})")
    return [cell.text.split("\n")[0] for cell in cells]


def test_it_opens_without_an_error_or_a_request(browser: Chrome, page: str) -> None:
    assert logged(browser, "browser") == []
    messages = [json.loads(entry["message"])["message"] for entry in logged(browser, "performance")]
    asked = {
        message["params"]["request"]["url"]
        for message in messages
        if message["method"] == "Network.requestWillBeSent"
    }
    assert page in asked
    assert all(url == page or url.startswith("data:") for url in asked)
    assert not browser.find_elements(By.ID, "evil")


def test_the_sentences_at_the_top_are_the_answers(browser: Chrome, findings: Findings) -> None:
    said = [found.text for found in browser.find_elements(By.CSS_SELECTOR, ".answer p")]
    assert sorted(said) == sorted(answer.sentence for answer in findings.answers)


def test_the_numbers_at_the_top_are_those_of_compare(browser: Chrome, findings: Findings) -> None:
    said = [found.text for found in browser.find_elements(By.CSS_SELECTOR, ".answer p")]
    rows = [answer.row for answer in findings.answers if answer.row is not None]
    assert rows
    for row in rows:
        (found,) = compare(findings.run.path, row["a"], row["b"], row["metric"], row["language"])
        numbers = f"{points(found['difference'], signed=True)} points"
        ends = interval(found)
        sentences = [text for text in said if numbers in text and ends in text]
        assert any(metric_name(row["metric"]) in text for text in sentences), (numbers, ends)


def test_corpus_and_metric_choose_what_is_shown_and_survive_a_reload(browser: Chrome) -> None:
    def board() -> str:
        (found,) = shown(browser, "#leaderboard caption")
        return found.text

    assert board() == "Leaderboard: accuracy (Jaccard), English (toy)"
    Select(browser.find_element(By.ID, "choose-pair")).select_by_index(1)
    Select(browser.find_element(By.ID, "choose-metric")).select_by_visible_text("macro-F1")
    assert board() == "Leaderboard: macro-F1, Spanish (toy)"
    assert Select(browser.find_element(By.ID, "curve-column")).first_selected_option.text == (
        "macro-F1"
    )
    browser.refresh()
    assert board() == "Leaderboard: macro-F1, Spanish (toy)"
    browser.execute_script("sessionStorage.clear()")


def test_headings_sort_by_number_and_say_so(browser: Chrome) -> None:
    (board,) = shown(browser, "#leaderboard table")
    buttons = board.find_elements(By.CSS_SELECTOR, "thead button")
    button = next(found for found in buttons if found.text.startswith("at 0.5"))
    button.send_keys(Keys.ENTER)
    heading = button.find_element(By.XPATH, "..")
    assert heading.get_attribute("aria-sort") == "descending"
    values = [float(text.rstrip("†")) for text in column(board, "at 0.5")]
    assert values == sorted(values, reverse=True)
    button.send_keys(Keys.SPACE)
    assert heading.get_attribute("aria-sort") == "ascending"
    values = [float(text.rstrip("†")) for text in column(board, "at 0.5")]
    assert values == sorted(values)


def test_curves_are_chosen_and_read_by_keyboard(browser: Chrome) -> None:
    def lines() -> int:
        return len(browser.find_elements(By.CSS_SELECTOR, "#chart .curve"))

    assert lines() == 3
    browser.find_element(By.CSS_SELECTOR, "#curve-losses input").send_keys(Keys.SPACE)
    assert lines() == 2
    Select(browser.find_element(By.ID, "curve-batch")).select_by_visible_text("all")
    assert lines() == 4
    browser.find_element(By.ID, "curve-epoch").send_keys(Keys.HOME)
    readout = browser.find_element(By.ID, "curve-readout")
    assert readout.text.startswith("Epoch 1, dev, accuracy (Jaccard)")
    assert "BCE b=16: 34.50 (33.50 to 35.50)" in readout.text
    browser.find_element(By.ID, "curve-none").send_keys(Keys.ENTER)
    assert lines() == 0
    Select(browser.find_element(By.ID, "curve-column")).select_by_value("loss")
    assert Select(browser.find_element(By.ID, "curve-split")).first_selected_option.text == "train"
    assert logged(browser, "browser") == []


def test_the_matrix_tells_the_pair_in_focus(browser: Chrome) -> None:
    (matrix,) = shown(browser, "#comparisons .matrix")
    first = matrix.find_element(By.CSS_SELECTOR, "td[tabindex='0']")
    first.send_keys(Keys.ARROW_DOWN)  # passes the diagonal by
    active = browser.switch_to.active_element
    assert active.get_attribute("data-pair-of") == "2-1"
    (readout,) = shown(browser, "#comparisons .readout")
    assert "95% interval" in readout.text


def test_a_phone_scrolls_tables_and_not_the_page(browser: Chrome) -> None:
    size(browser, 380)
    width = browser.execute_script("return document.documentElement.scrollWidth")
    assert width == 380
    board = shown(browser, "#leaderboard .wide")[0]
    assert browser.execute_script("return arguments[0].scrollWidth", board) > 380


def test_print_shows_every_panel_and_what_is_folded(browser: Chrome) -> None:
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    browser.execute_script("dispatchEvent(new Event('beforeprint'))")
    assert len(shown(browser, "#leaderboard table")) == 6
    assert not shown(browser, ".toolbar")
    assert all(found.get_attribute("open") for found in shown(browser, "details"))
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_tables_stand_without_javascript(browser: Chrome, page: str) -> None:
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    browser.get(page)
    found = [len(shown(browser, f"{key} table")) for key in ("#leaderboard", "#classes")]
    toolbar = shown(browser, ".toolbar, #plot")
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    assert found == [6, 6]
    assert not toolbar


def test_the_page_of_a_run_under_way_has_curves(
    browser: Chrome, findings: Findings, tmp_path: Path
) -> None:
    live = tmp_path / "report.html"
    live.write_text(report(findings, Progress(12, 40, going=True)), encoding="utf-8")
    browser.get(live.as_uri())
    assert logged(browser, "browser") == []
    assert browser.find_elements(By.CSS_SELECTOR, "#chart .curve")
    browser.get("about:blank")  # else it loads itself again
