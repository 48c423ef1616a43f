"""The tables, one a file: every module here has a function `tables(scores) -> list[Table]`.

A new table is one function in one new file; nothing else is edited.
"""

import pkgutil
from collections.abc import Sequence
from importlib import import_module

from results.layout import Score
from results.render import Table


def all_tables(scores: Sequence[Score]) -> list[Table]:
    """Every table of every module in this folder, modules in the order of their names.

    Args:
        scores: rows of `results.scores.SCORES`.
    """
    modules = sorted(module.name for module in pkgutil.iter_modules(__path__, f"{__name__}."))
    return [table for name in modules for table in import_module(name).tables(scores)]
