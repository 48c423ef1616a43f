"""Where trials run: `inline` in this process, `ray` on cores, GPUs and clusters."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from sweep.specs import TrialSpec
from sweep.workers import Node

if TYPE_CHECKING:
    from sweep.progress import Watcher


class Executor(Protocol):
    """Runs trials on the machines that it is connected to.

    Attributes:
        device: what trials train on.
        nodes: the machines.
    """

    device: str
    nodes: Sequence[Node]

    def run(self, specs: Sequence[TrialSpec], watcher: "Watcher") -> None:
        """Train and record every trial.

        Args:
            specs: the trials, in the order in which they are started.
            watcher: told of what they report.

        Raises:
            RecordError: the records cannot be written; what was recorded stays.
        """
