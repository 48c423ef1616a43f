"""The difference of two cells on a metric, paired over seeds and texts.

Arms of one seed start from the same weights and read the same batches, and all arms see the same
resamples of the same texts. So the difference is taken within each seed and resample, and what the
two arms share cancels.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from model.metrics import METRICS, statistics
from results.bootstrap import paired_interval, resampled_metrics
from results.errors import RecordError
from results.predicted import Predicted, scored_texts
from results.run import Run
from results.scores import resamples_of


@dataclass(frozen=True)
class Difference:
    """A − B on a metric, in [-1, 1].

    Attributes:
        value: mean over the shared seeds.
        lo: lower end of its 95% interval over texts, at the mean over these seeds.
        hi: upper end.
        seeds: seeds that are ok in both cells.
    """

    value: float
    lo: float
    hi: float
    seeds: tuple[int, ...]


def difference(run: str | Path, a: str, b: str, metric: str, rule: str | None = None) -> Difference:
    """Difference of cell A and cell B on the texts that chose no epoch.

    The interval covers the choice of texts only, not of seeds.

    Args:
        run: the run folder.
        a: key of cell A.
        b: key of cell B, of the same corpus and language.
        metric: a name in `model.metrics.METRICS`.
        rule: what chose each arm's epoch; by default this metric, for both alike.

    Raises:
        RecordError: a cell is not recorded, they are of different corpora, or they share no seed
            that is ok in both and has an epoch chosen by this rule.
    """
    opened = Run(run)
    texts = scored_texts(opened)
    arms: dict[str, dict[int, str]] = {a: {}, b: {}}
    pairs = set()
    for arm in opened.arms_table.to_pylist():
        if arm["cell"] in arms:
            pairs.add((arm["corpus"], arm["language"]))
            if arm["status"] == "ok":
                arms[arm["cell"]][arm["seed"]] = arm["arm"]
    if len(pairs) != 1:
        raise RecordError(
            f"{opened.path}: cells {a} and {b} cannot be compared: "
            + (f"they are of {sorted(pairs)}" if pairs else "neither is recorded")
        )
    predicted, of_pair = Predicted(opened, texts), pairs.pop()
    labels = {
        seed: (predicted(arms[a][seed], rule or metric), predicted(arms[b][seed], rule or metric))
        for seed in sorted(arms[a].keys() & arms[b].keys())
    }
    both = {s: (x, y) for s, (x, y) in labels.items() if x is not None and y is not None}
    if not both:
        raise RecordError(
            f"{opened.path}: cells {a} and {b} share no seed that is ok in both "
            f"with an epoch chosen by {rule or metric}"
        )
    gold = texts[of_pair].gold
    resamples = resamples_of(of_pair, texts[of_pair])
    points, resampled = [], []
    for stack in (np.stack([x for x, _ in both.values()]), np.stack([y for _, y in both.values()])):
        sums = np.stack([statistics(gold, labels).sum(axis=0) for labels in stack])
        points.append(METRICS[metric](sums).mean())
        resampled.append(resampled_metrics(resamples, stack, [metric])[metric])
    low, high = paired_interval(resampled[0], resampled[1])
    return Difference(float(points[0] - points[1]), low, high, tuple(both))
