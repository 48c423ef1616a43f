"""The page of views says of every column what it is, and of none that is not there."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from results.aggregation import aggregate
from results.sql import VIEWS, query

PAGE = Path(__file__).parents[2] / "docs" / "views.md"
RULES = ("own", "acc", "macro_f1", "micro_f1")


@pytest.fixture(scope="module")
def described() -> dict[str, list[tuple[str, str, str]]]:
    """The page's rows by view: column, type and meaning."""
    views = re.split(r"^## (\w+)$", PAGE.read_text(encoding="utf-8"), flags=re.M)[1:]
    row = re.compile(r"^\| `(\w+)` \| (.+?) \| (.*) \|$", re.M)
    return {name: row.findall(text) for name, text in zip(views[::2], views[1::2], strict=True)}


def test_the_page_tells_of_every_view_and_column(
    tmp_path: Path,
    toy: Callable[..., Any],
    record: Callable[..., str],
    described: dict[str, list[tuple[str, str, str]]],
) -> None:
    gold = toy(tmp_path)
    drawn = np.random.default_rng(0).standard_normal(gold.shape)
    record(tmp_path, "k", {("test", RULES): (gold - 0.5 + drawn).astype(np.float32)})
    aggregate(tmp_path)
    assert tuple(described) == VIEWS
    for name in VIEWS:
        columns = query(tmp_path, f"DESCRIBE {name}").to_pylist()
        there = [(column["column_name"], column["column_type"]) for column in columns]
        assert [(column, kind) for column, kind, _ in described[name]] == there, name
        assert all(meaning for *_, meaning in described[name]), name


def test_its_examples_can_be_asked(
    tmp_path: Path, toy: Callable[..., Any], record: Callable[..., str]
) -> None:
    gold = toy(tmp_path)
    record(tmp_path, "k", {("test", RULES): gold - np.float32(0.5)})
    aggregate(tmp_path)
    asked = re.findall(r'^\$ softsweep query RUN "(.+)"$', PAGE.read_text("utf-8"), re.M)
    assert len(asked) == 3
    for sql in asked:
        query(tmp_path, sql)
