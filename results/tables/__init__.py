"""The tables, one a file: every module here has a function `tables(findings) -> list[Table]`.

A new table is one function in one new file; nothing else is edited.
"""

import pkgutil
from importlib import import_module

from results.findings import Findings
from results.render import Table


def all_tables(findings: Findings) -> list[Table]:
    """Every table of every module in this folder, modules in the order of their names.

    Args:
        findings: what is known of a run.
    """
    modules = sorted(module.name for module in pkgutil.iter_modules(__path__, f"{__name__}."))
    return [table for name in modules for table in import_module(name).tables(findings)]
