"""Peak memory of a process that trains one arm, with everything it imports."""

import resource
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

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
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def rows(quick: bool) -> Iterator[Row]:
    """One row: the peak."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        yield Row("one arm, one epoch, all splits", pool.submit(_peak).result(), None, "MiB", None)
