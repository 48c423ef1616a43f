"""Cuts a corpus into splits that have, label by label, about equal shares."""

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def stratified(
    ids: Sequence[str], labels: "NDArray[np.uint8]", sizes: Sequence[int], seed: int
) -> "NDArray[np.intp]":
    """Deals texts out to parts by iterative stratification.

    After Sechidis, Tsoumakas and Vlahavas (2011), "On the stratification of multi-label data":
    the label with the fewest texts left is dealt out next, each of its texts to the part that
    still wants most of that label, then to the one with most room; texts without labels come last.
    Unlike there, a full part gets nothing more, so that sizes come out as asked, and chance is the
    hash of seed and id, so that the order of the texts does not matter.

    Args:
        ids: m distinct names.
        labels: ``[m, C]``, 0 or 1.
        sizes: Texts of each part; m in all.
        seed: Another seed, another division.

    Returns:
        ``[m]``, the part of each text.
    """
    hashes = [hashlib.sha256(f"{seed}:{name}".encode()).digest() for name in ids]
    order = np.array(sorted(range(len(ids)), key=hashes.__getitem__), dtype=np.intp)
    has = labels[order].astype(bool)
    room = np.array(sizes)
    wanted = np.outer(room / len(ids), has.sum(axis=0))
    part = np.full(len(ids), -1)
    while (counts := has[part < 0].sum(axis=0)).any():
        rarest = np.where(counts > 0, counts, len(ids) + 1).argmin()
        for text in np.flatnonzero((part < 0) & has[:, rarest]):
            want = np.where(room > 0, wanted[:, rarest], -np.inf)
            chosen = max(range(len(room)), key=lambda p: (want[p], room[p]))
            part[text] = chosen
            room[chosen] -= 1
            wanted[chosen] -= has[text]
    part[part < 0] = np.repeat(np.arange(len(room)), room)
    dealt = np.empty_like(part)
    dealt[order] = part
    return dealt
