"""Peak memory of a process that trains one arm, with everything it imports."""

from collections.abc import Iterator

from benchmarks.children import fresh, memory
from benchmarks.measure import Row

TITLE = "Memory of a trial's process on a corpus of the English size (limit 1.5 GiB)"


def _peak() -> float:
    """Train one epoch and evaluate all splits in this process; peak resident MiB."""
    import ray  # noqa: F401  # a worker of Ray has it loaded
    import torch

    from benchmarks.corpora import english_size
    from model import get_loss
    from model.settings import NetworkSettings, TrainSettings
    from model.training import Member, Training

    torch.set_num_threads(1)
    member = Member(get_loss("bce"), 0, TrainSettings())
    Training([member], 128, NetworkSettings(), english_size()).run_epoch()
    return memory()[1]


def rows(quick: bool) -> Iterator[Row]:
    """One row: the peak."""
    yield Row("one arm, one epoch, all splits", fresh(_peak), None, "MiB", None)
