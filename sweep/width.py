"""How many arms fit into a device's memory together: guessed, then learnt from what happens."""

import gc
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from model.settings import NetworkSettings
    from model.training import Data


@dataclass
class Width:
    """The number of arms to train together next, for stacks of one shape on one device.

    Attributes:
        now: that number.
        bound: most arms that the user lets train together.
        too_wide: the smallest number that ran out of memory.
    """

    now: int
    bound: int
    too_wide: int = 2**31

    def fitted(self, arms: int) -> None:
        """So many arms were trained to the end together: next time, twice as many may be."""
        if arms >= self.now and 2 * arms < self.too_wide:
            self.now = min(2 * arms, self.bound)

    def ran_out(self, arms: int) -> None:
        """So many arms ran out of memory: next time, half as many are trained together."""
        self.too_wide = min(self.too_wide, arms)
        self.now = max(arms // 2, 1)


def guess(
    device: str, data: "Data", batch_size: int, network: "NetworkSettings", bound: int
) -> Width:
    """The width to begin with: what fits into a GPU's free memory by an estimate from above.

    Other devices begin at the bound: the memory of a CPU holds stacks of any sensible width.
    """
    if device != "cuda":
        return Width(bound, bound)
    import torch

    from model.training import arm_bytes

    free_memory(device)  # what earlier trials of this process used can be used again
    free, _ = torch.cuda.mem_get_info()
    return Width(max(min(bound, free // arm_bytes(data, batch_size, network)), 1), bound)


def out_of_memory(error: Exception) -> bool:
    """Whether an error says that memory ran out; only CUDA has a type of its own for that."""
    import torch

    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    said = str(error)
    return isinstance(error, RuntimeError) and (
        "out of memory" in said or "can't allocate memory" in said
    )


def free_memory(device: str) -> None:
    """Hand back the device memory that earlier attempts held."""
    gc.collect()
    import torch

    if device == "cuda":
        torch.cuda.empty_cache()
    elif device == "mps":
        torch.mps.empty_cache()
