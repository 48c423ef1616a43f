"""What the pages say is there is there, and what is there is on the pages."""

import re
from pathlib import Path

import pytest

from features.lexicons import lexicon_names
from features.textrules import TextRules
from features.vectorfiles import vector_formats

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    headings = {
        re.sub(r"[^\w -]", "", line.lstrip("# ")).replace(" ", "-").lower()
        for line in page.read_text(encoding="utf-8").splitlines()
        if line.startswith("#")
    }
    for target in re.findall(r"\]\(([^)]+)\)", page.read_text(encoding="utf-8")):
        if target.startswith("#"):
            assert target[1:] in headings
        elif not target.startswith("http"):
            assert (page.parent / target).is_file(), target


def test_everything_to_choose_is_on_the_page_of_data() -> None:
    text = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")
    for name in (*lexicon_names(), *vector_formats(), *TextRules.model_fields):
        if name != "sample":  # generated, not found
            assert f"`{name}`" in text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_exist(page: Path) -> None:
    from sweep.cli import app

    commands = {
        *(
            command.name or command.callback.__name__.replace("_", "-")
            for command in app.registered_commands
            if command.callback
        ),
        *(group.name for group in app.registered_groups),
    }  # fmt: skip
    said = set(
        re.findall(r"`softsweep ([\w-]+)|^\$ softsweep ([\w-]+)", page.read_text("utf-8"), re.M)
    )
    assert {first or second for first, second in said} <= commands
