"""Records -> knowledge: what a run recorded, its tables with intervals, and SQL over it.

Loaded on first use, so that `import results` costs nothing: `open_run`, `aggregate`, `query`,
`leaderboard`, `RecordError`.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from results.aggregation import aggregate
    from results.errors import RecordError
    from results.frames import open_run
    from results.sql import query
    from results.standings import leaderboard

__all__ = ["RecordError", "aggregate", "leaderboard", "open_run", "query"]

_HOMES = {
    "RecordError": "results.errors",
    "aggregate": "results.aggregation",
    "leaderboard": "results.standings",
    "open_run": "results.frames",
    "query": "results.sql",
}


def __getattr__(name: str) -> Any:
    """Import a public name on first use (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
