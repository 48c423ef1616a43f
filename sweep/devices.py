"""Which device this machine can train on."""

from sweep.errors import ExperimentError


def local_device(asked: str) -> str:
    """The device to train on here: `cpu`, `cuda` or `mps`.

    Args:
        asked: one of these, or `auto`: CUDA where it is usable, else the CPU.

    Raises:
        ExperimentError: the device asked for is not usable here.
    """
    if asked == "cpu":
        return asked
    import torch

    usable = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if asked == "auto":
        return "cuda" if usable["cuda"] else "cpu"
    if not usable[asked]:
        raise ExperimentError(
            f"--device {asked}: no {asked.upper()} device is usable here; give cpu or auto"
        )
    return asked


def local_gpus(device: str) -> int:
    """How many of these devices this machine has; none for a CPU."""
    if device != "cuda":
        return int(device == "mps")
    import torch

    return torch.cuda.device_count()
