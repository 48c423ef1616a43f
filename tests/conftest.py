"""What all tests share."""

import sys

import pytest


@pytest.fixture(autouse=True)
def undrawn(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave figures undrawn in tests that are not marked `figures`: they take most of a tiny run.

    Only within this process: commands that tests run in processes of their own draw them.
    """
    if "results.aggregation" in sys.modules and not request.node.get_closest_marker("figures"):
        monkeypatch.setattr("results.aggregation.all_figures", lambda findings: [])
