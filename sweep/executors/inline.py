"""Trials one after another in this process: a debugger and a profiler see everything."""

from collections.abc import Sequence

from sweep.progress import Watcher
from sweep.trial import Trial, TrialSpec


def run_inline(specs: Sequence[TrialSpec], watcher: Watcher) -> None:
    """Train and record every trial.

    Args:
        specs: the trials, in order.
        watcher: told of each epoch and each end.

    Raises:
        RecordError: the records cannot be written; what was recorded stays.
    """
    import torch

    threads = torch.get_num_threads()
    try:
        for spec in specs:
            watcher.started(spec)
            trial, finished = Trial(spec), False
            while not finished:
                advance = trial.advance()
                watcher.advanced(spec, advance)
                finished = advance.finished
    finally:
        torch.set_num_threads(threads)
