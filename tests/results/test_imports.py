"""The files of the room import each other one way."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

ROOM = Path(__file__).resolve().parents[2] / "results"


def test_no_file_imports_itself_round_a_circle() -> None:
    graph: dict[str, set[str]] = {}
    for path in ROOM.glob("*.py"):
        nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))  # also within functions
        names = {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
        graph[f"results.{path.stem}"] = {name for name in names if name.startswith("results.")}
    order = list(TopologicalSorter(graph).static_order())  # raises CycleError
    assert order.index("results.scores") < order.index("results.frames")
