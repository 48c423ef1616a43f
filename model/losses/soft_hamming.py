"""The soft version of Hamming accuracy."""

from torch import Tensor

from model import soft_metric


@soft_metric(label="SHam", source="1 − Hamming loss of soft predictions (the mean absolute error)")
def soft_hamming(o: Tensor, y: Tensor) -> Tensor:
    """1 − mean_ij (y + o − 2 y·o)"""
    return 1 - (y + o - 2 * y * o).mean()
