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


def cluster_device(asked: str, there: bool, to_come: bool | None) -> str:
    """The device to train on in a cluster.

    Args:
        asked: one of `sweep.workers.DEVICES`.
        there: whether a machine with a GPU has joined.
        to_come: whether the cluster starts such machines when asked; None if that is not known.

    Raises:
        ExperimentError: no machine has the device asked for, and none will.
    """
    if asked == "auto":
        return "cuda" if there or to_come else "cpu"
    if asked == "cuda" and not there and to_come is False:
        raise ExperimentError(
            "--device cuda: no machine of the cluster has a GPU; add one with ray start, or give "
            "cpu or auto"
        )
    return asked
