"""CUDA graphs: at small batches a GPU waits for the host to launch; a recorded step it replays."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from model.batches import Batch

WARM_UP = 3
"""Steps run before recording, so that libraries have set themselves up."""

TOLERANCE = 0.05
"""By how much of a step a recorded one may differ from the plain one; wrong ones differ by all."""

Step = Callable[[Batch], Tensor]


class StepGraph:
    """An optimiser step recorded once and replayed for every batch of the same shape.

    Recording is checked: the first replay must do to the state what the plain step does.

    Args:
        step: takes a batch, moves `state` in place, returns the losses `[A]`.
        state: every tensor that the step reads and changes.
        batch: of the shape to record.
        beside: another recording of the step, whose memory this one may use as well, since they
            are replayed one after the other.

    Raises:
        RuntimeError: the step cannot be recorded (a loss looks at values on the host), or its
            recording does not do the same.
    """

    def __init__(
        self,
        step: Step,
        state: Sequence[Tensor],
        batch: Batch,
        beside: "StepGraph | None" = None,
    ) -> None:
        held = {name: tensor.clone() for name, tensor in batch.tensors().items()}
        self.static = Batch(**held, places=batch.places)
        before = [tensor.clone() for tensor in state]
        try:
            self._record(step, state, before, beside)
            if not self._does_the_same(step, state, before):
                raise RuntimeError("a recorded step differs from the plain one")
        finally:
            _restore(state, before)

    def _record(
        self,
        step: Step,
        state: Sequence[Tensor],
        before: Sequence[Tensor],
        beside: "StepGraph | None",
    ) -> None:
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(WARM_UP):
                step(self.static)
                _restore(state, before)
            _refuse_to_wait(step, self.static)
            _restore(state, before)
        torch.cuda.current_stream().wait_stream(side)
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph, pool=beside.graph.pool() if beside else None):
            self.losses = step(self.static)

    def _does_the_same(self, step: Step, state: Sequence[Tensor], before: Sequence[Tensor]) -> bool:
        """Whether what the plain step changes, and by how much, a replay does as well.

        By the norm of each tensor: RMSprop's first steps turn the rounding of a gradient near zero
        into a whole step, so single elements may differ.
        """
        losses = step(self.static).clone()
        plain = [losses, *(tensor.clone() for tensor in state)]
        _restore(state, before)
        self.graph.replay()
        return all(
            (now - then).nan_to_num().norm() <= TOLERANCE * (then - old).nan_to_num().norm() + 1e-6
            for now, then, old in zip(
                [self.losses, *state], plain, [torch.zeros_like(losses), *before], strict=True
            )
        )

    def __call__(self, batch: Batch) -> Tensor:
        """Replay the step on a batch; the losses, `[A]`, are overwritten by the next replay."""
        for name, tensor in batch.tensors().items():
            getattr(self.static, name).copy_(tensor)
        self.graph.replay()
        return self.losses


def _restore(state: Sequence[Tensor], values: Sequence[Tensor]) -> None:
    with torch.no_grad():
        for tensor, value in zip(state, values, strict=True):
            tensor.copy_(value)


def _refuse_to_wait(step: Step, batch: Batch) -> None:
    """Run a step that may not wait for the device: one that does would break a recording midway.

    Raises:
        RuntimeError: it waits.
    """
    mode = torch.cuda.get_sync_debug_mode()
    torch.cuda.set_sync_debug_mode("error")
    try:
        step(batch)
    finally:
        torch.cuda.set_sync_debug_mode(mode)
