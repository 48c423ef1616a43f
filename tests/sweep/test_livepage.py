"""The page while a run goes on: it fills, costs little, and never stops a run."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

import sweep.livepage
from sweep.driver import Outcome
from sweep.livepage import LivePage

RunTiny = Callable[..., Outcome]


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages are due at once, whatever they cost."""
    monkeypatch.setattr(sweep.livepage, "EVERY", 0.0)
    monkeypatch.setattr(sweep.livepage, "SHARE", float("inf"))


@pytest.mark.slow
@pytest.mark.usefixtures("at_once")
def test_a_run_is_watched_and_leaves_the_page_of_its_end(run_tiny: RunTiny) -> None:
    out = io.StringIO()
    run = run_tiny(console=Console(file=out, width=400)).run
    page = run / "tables" / "report.html"
    assert out.getvalue().count(f"watch it fill: {page}") == 1
    assert 'http-equiv="refresh"' not in page.read_text(encoding="utf-8")
    assert 'id="leaderboard"' in page.read_text(encoding="utf-8")


@pytest.fixture
def quiet() -> Console:
    return Console(file=io.StringIO(), width=400)


@pytest.mark.usefixtures("at_once")
def test_the_page_counts_arms_and_says_when_the_run_was_stopped(
    run_tiny: RunTiny, quiet: Console
) -> None:
    run = run_tiny("grid.loss=[bce]").run
    page = run / "tables" / "report.html"

    def stopped_under_way() -> None:
        with LivePage(run, 3, 1, quiet) as live:
            live.show(1)
            going = page.read_text(encoding="utf-8")
            assert "Arms 2 of 3 recorded." in going
            assert "The run went on when this page was written, at 20" in going
            assert 'http-equiv="refresh"' in going
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped_under_way()
    stopped = page.read_text(encoding="utf-8")
    assert "The run was stopped" in stopped
    assert 'http-equiv="refresh"' not in stopped


def test_the_next_page_waits_the_longer_the_dearer_one_was(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, quiet: Console
) -> None:
    now = 0.0
    written = []

    def write(page: LivePage, going: bool) -> None:
        nonlocal now
        written.append(now)
        now += 2.0

    monkeypatch.setattr("time.monotonic", lambda: now)
    monkeypatch.setattr(LivePage, "_write", write)
    live = LivePage(tmp_path, 1000, 0, quiet)
    for count in range(300):
        live.show(count)
        now += 1.0
    assert written == [30.0, 132.0, 234.0]


@pytest.mark.usefixtures("at_once")
def test_a_page_that_cannot_be_written_is_no_reason_to_stop(tmp_path: Path, quiet: Console) -> None:
    live = LivePage(tmp_path / "nowhere", 2, 0, quiet)
    live.show(1)
    live.show(2)
    assert isinstance(quiet.file, io.StringIO)
    said = quiet.file.getvalue()
    assert said.count("could not be written") == 1
    assert "no such run folder" in said
