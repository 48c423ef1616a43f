"""What this room says when it was asked for something impossible."""


class LossError(ValueError):
    """A loss is unknown, ill-declared or clashes with another; the message names file and loss."""


class WeightsError(ValueError):
    """Weights that were kept cannot be used; the message names the file."""
