import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.__main__ import NAMES, main, table
from benchmarks.measure import Row, against
from benchmarks.report import HEAD, machine, section, with_section
from results.render import render

ORDER = ("training", "bootstrap", "growth")


def a_section(name: str, value: str) -> str:
    return section(
        name, f"python -m benchmarks {name}", "a machine", f"| case |\n|---|\n| {value} |"
    )


def test_sections_stand_in_the_given_order_whatever_was_made_first() -> None:
    document = ""
    for name in ("growth", "training", "bootstrap"):
        document = with_section(document, name, a_section(name, "1"), ORDER)
    assert document.startswith(HEAD)
    places = [document.index(f"## {name}\n") for name in ORDER]
    assert places == sorted(places)


def test_only_the_section_that_was_made_again_changes() -> None:
    document = ""
    for name in ORDER:
        document = with_section(document, name, a_section(name, "old"), ORDER)
    again = with_section(document, "bootstrap", a_section("bootstrap", "new"), ORDER)
    assert again == document.replace(a_section("bootstrap", "old"), a_section("bootstrap", "new"))
    assert again.count("## bootstrap") == 1
    assert with_section(again, "bootstrap", a_section("bootstrap", "new"), ORDER) == again


def test_a_section_of_another_name_stays() -> None:
    document = with_section("", "mine", a_section("mine", "kept"), ORDER)
    document = with_section(document, "growth", a_section("growth", "1"), ORDER)
    assert document.index("## growth") < document.index("## mine")
    assert "kept" in document


def test_the_machine_is_described_without_saying_whose_it_is() -> None:
    line = machine()
    assert f"{os.cpu_count()} cores" in line
    assert "torch" in line
    assert platform.node() not in line
    assert str(Path.home()) not in line


def test_figures_are_numbers_in_json_and_what_was_not_measured_is_null() -> None:
    rows = [against("a", 0.123456, 1.0, "s"), Row("on a GPU", None, None, "", None, "no GPU")]
    first, second = json.loads(render(table("x", rows, "X"), "json"))["rows"]
    assert first == {
        "case": "a", "ours": 0.123, "peer": 1.0, "unit": "s", "ratio": 8.1, "note": ""
    }  # fmt: skip
    assert second["ours"] is None
    assert second["note"] == "no GPU"


def test_a_benchmark_is_printed_and_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from benchmarks import memory

    monkeypatch.setattr(memory, "rows", lambda quick: [Row("peak", 599.4, None, "MiB", None)])
    out = tmp_path / "RESULTS.md"
    argv = ["benchmarks", "memory", "--quick", "--format", "json", "--write", str(out)]
    monkeypatch.setattr(sys, "argv", argv)
    main()
    assert json.loads(capsys.readouterr().out)["rows"][0]["ours"] == 599
    written = out.read_text(encoding="utf-8")
    assert "`python -m benchmarks memory --quick`: " in written
    assert "| peak | 599 |" in written
    assert str(tmp_path) not in written


def test_an_unknown_name_is_refused_with_those_known() -> None:
    command = [sys.executable, "-m", "benchmarks", "nothing"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert all(name in done.stderr for name in NAMES)
