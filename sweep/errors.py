"""What this room says when it was asked for something impossible."""

INTERRUPTED = 130
"""Exit status after an interrupt, as shells have it."""


class ExperimentError(ValueError):
    """The request is wrong; the message names the file, the key and what would be right."""


class PlaceError(Exception):
    """A place given on the command line cannot be used.

    It is no `ValueError`, which Typer would take for a misspelt argument and retell.
    """
