"""How long work tells what it is at, and what the user should read."""

from collections.abc import Callable

Progress = Callable[[str, float], None]
"""Told the step and its fraction done, 0 to 1."""

Say = Callable[[str], None]
"""Told a line that the user should read."""
