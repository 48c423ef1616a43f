"""Cuts dev into two fixed halves, so that what chooses never scores itself."""

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def dev_halves(ids: list[str], labels: "NDArray[np.uint8]") -> list[str]:
    """Puts every dev text into half ``a`` or ``b``.

    Sorted by label set, and by the hash of the id within one, texts alternate: the halves are
    stratified, equally large to within one, and independent of the order of the file.

    Args:
        ids: m distinct names.
        labels: ``[m, C]``.

    Returns:
        m letters, in the order of ``ids``.
    """
    order = sorted(
        range(len(ids)),
        key=lambda i: (labels[i].tobytes(), hashlib.sha256(ids[i].encode()).digest()),
    )
    halves = [""] * len(ids)
    for place, i in enumerate(order):
        halves[i] = "ab"[place % 2]
    return halves
