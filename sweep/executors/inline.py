"""Trials one after another in this process: a debugger and a profiler see everything."""

from collections.abc import Sequence

from sweep.devices import local_device, local_gpus
from sweep.progress import Watcher
from sweep.recording import record_failure
from sweep.specs import TrialSpec
from sweep.trial import Advance, Trial, describe
from sweep.width import Width
from sweep.workers import Node, Workers, local_cores


class Inline:
    """An `Executor`: this process.

    Raises:
        ExperimentError: the device asked for is not usable here.
    """

    def __init__(self, workers: Workers) -> None:
        self.device = local_device(workers.device)
        self.nodes: Sequence[Node] = (Node(local_cores(), local_gpus(self.device)),)

    def run(self, specs: Sequence[TrialSpec], watcher: Watcher) -> None:
        """See `Executor.run`."""
        import torch

        threads = torch.get_num_threads()
        widths: dict[object, Width] = {}
        try:
            for spec in specs:
                watcher.started(spec)
                try:
                    _run(spec, watcher, widths)
                except torch.AcceleratorError as error:
                    ended = record_failure(spec, f"the device failed: {describe(error)}")
                    watcher.advanced(spec, Advance(1.0, True, ended))
        finally:
            torch.set_num_threads(threads)


def _run(spec: TrialSpec, watcher: Watcher, widths: dict[object, Width]) -> None:
    trial, finished = Trial(spec, widths), False
    while not finished:
        advance = trial.advance()
        watcher.advanced(spec, advance)
        finished = advance.finished
