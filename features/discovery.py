"""Packages whose modules register what they hold: a file that is there is found."""

import importlib
import pkgutil
from functools import cache


@cache
def import_modules_of(package: str) -> None:
    """Imports every module that lies directly in a package, once.

    Args:
        package: Its full name.
    """
    for module in pkgutil.iter_modules(importlib.import_module(package).__path__):
        importlib.import_module(f"{package}.{module.name}")
