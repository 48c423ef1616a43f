"""Imports run one way: corpus -> features -> model -> results, and `sweep` drives the three."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("features", "model", "results", "sweep")
MODULE = re.compile(rf"({'|'.join(ROOMS)})(\.\w+)+")
ALLOWED = {
    "features": set[str](),
    "model": set[str](),
    "results": {"model.metrics"},
    "sweep": {"features", "model", "results"},
}


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: relative import"
            yield node.module or ""
        elif isinstance(node, ast.Constant) and MODULE.fullmatch(str(node.value)):
            yield str(node.value)  # for import_module


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_what_lies_below_it(room: str) -> None:
    for path in (ROOT / room).rglob("*.py"):
        for name in imported(path):
            other = name.split(".")[0]
            if other in ROOMS and other != room:
                allowed = ALLOWED[room]
                assert other in allowed or name in allowed, f"{path.relative_to(ROOT)}: {name}"


def test_files_hold_one_idea_each() -> None:
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            lines = path.read_text(encoding="utf-8").count("\n")
            assert lines <= 400, f"{path.relative_to(ROOT)} has {lines} lines"
