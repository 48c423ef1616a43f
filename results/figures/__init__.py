"""The figures, one a file: every module here has `figures(findings) -> list[Drawing]`.

A new figure is one function in one new file; nothing else is edited.
"""

import pkgutil
from importlib import import_module

from results.drawing import Drawing
from results.findings import Findings


def all_figures(findings: Findings) -> list[Drawing]:
    """Every figure of every module in this folder, modules in the order of their names.

    Args:
        findings: what is known of a run.
    """
    modules = sorted(module.name for module in pkgutil.iter_modules(__path__, f"{__name__}."))
    return [figure for name in modules for figure in import_module(name).figures(findings)]
