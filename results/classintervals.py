"""95% intervals of the F1 of every class, over texts and seeds, without resampling.

F1 is a ratio of sums over texts, so how far one text moves it is known in closed form: by the delta
method, the variance over texts is the sum of the squares of these influences. So thousands of
classes of cells take a second, where resampling them all would take minutes.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from model.metrics import Floats, quotient
from results.inference import LEVEL, Parts, half_widths


def f1_intervals(
    gold: NDArray[np.bool_], predicted: Sequence[NDArray[np.bool_]]
) -> list[tuple[float, float] | None]:
    """Intervals of F1, the mean over seeds: of each class, then macro- and micro-averaged.

    With one seed they are over texts alone.

    Args:
        gold: gold labels, `[m, C]`.
        predicted: predicted labels of each seed, `[m, C]`.

    Returns:
        C + 2 intervals within [0, 1]; None where neither texts nor seeds move the value, such as
        of a class that no seed finds in any text.
    """
    values, influences = _influences(gold, np.stack(predicted))
    mean, center = values.mean(axis=0), influences.mean(axis=0)
    texts, seeds = len(gold), len(values)
    over_texts = (center**2).sum(axis=0) * texts / max(texts - 1, 1)
    if seeds == 1:
        from scipy.special import ndtri

        widths = ndtri((1 + LEVEL) / 2) * np.sqrt(over_texts)
    else:
        apart = ((influences - center) ** 2).sum(axis=(0, 1)) * texts / max(texts - 1, 1)
        over_seeds = values.var(axis=0, ddof=1) / seeds
        interaction = apart / (seeds - 1) / seeds
        parts = zip(over_seeds.tolist(), over_texts.tolist(), interaction.tolist(), strict=True)
        widths = half_widths([Parts(seeds, *part) for part in parts])
    return [
        (max(0.0, value - width), min(1.0, value + width)) if width > 0 else None
        for value, width in zip(mean.tolist(), widths.tolist(), strict=True)
    ]


def _influences(gold: NDArray[np.bool_], predicted: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """F1 of each seed, `[K, C + 2]`, and how far each text moves it, `[K, m, C + 2]`."""
    twice = 2.0 * (gold & predicted)
    size = predicted.astype(np.float64) + gold
    twice, size = (
        np.concatenate([of, of.sum(axis=2, keepdims=True)], axis=2) for of in (twice, size)
    )
    total = size.sum(axis=1)
    f1 = quotient(twice.sum(axis=1), total, empty=0.0)
    moved = quotient(
        twice - f1[:, None] * size, np.broadcast_to(total[:, None], size.shape), empty=0.0
    )
    macro = f1[:, :-1].mean(axis=1, keepdims=True), moved[:, :, :-1].mean(axis=2, keepdims=True)
    return (
        np.concatenate([f1[:, :-1], macro[0], f1[:, -1:]], axis=1),
        np.concatenate([moved[:, :, :-1], macro[1], moved[:, :, -1:]], axis=2),
    )
