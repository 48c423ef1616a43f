"""What this room says when it was asked for something impossible."""


class ExperimentError(ValueError):
    """The request is wrong; the message names the file, the key and what would be right."""
