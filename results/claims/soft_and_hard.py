"""Claims 14 to 16: how a loss relates to its metric over epochs (the paper's Figure 3)."""

from collections.abc import Iterator

import numpy as np

from model.metrics import METRICS, Floats
from results.claims.decision import CONFIRMED, CONTRADICTED, UNDECIDED, Opinion, Part, Unit, decided
from results.claims.measures import Measures, Pair, fixed
from results.claims.registry import LOSSES, OWN_METRIC, PLAIN, claim
from results.convergence import rank_correlation
from results.curves import SPLITS
from results.errors import RecordError
from results.pairing import mean, paired
from results.randomisation import superiority
from results.words import points

BATCH = 16
"""The batch size of the paper's Figure 3."""

AT = {"b": BATCH, **PLAIN}
"""How its losses were trained."""

CORRELATION = Unit("", lambda value, signed: f"{value:.2f}".replace("-", "−"), grain=0.01, most=1.0)

ROUNDING = 1e-6
"""A soft value above its metric by less than this is equal to it."""


@claim(14, "the loss follows the metric over epochs", "section 4.3, Figure 3", LOSSES)
def follows(loss: str, measures: Measures, pair: Pair) -> Opinion:
    """Rank correlation over epochs of the soft value, which is minus the loss, with the metric."""
    parts = []
    for split, seeds, soft, hard in _curves(measures, pair, loss):
        found = [rank_correlation(*both) for both in zip(soft, hard, strict=True)]
        known = {seed: one for seed, one in zip(seeds, found, strict=True) if one is not None}
        if len(known) < len(seeds):  # to leave these out would leave out what speaks against it
            flat = f"{len(seeds) - len(known)} of {len(seeds)} seeds"
            raise RecordError(f"{flat} have a constant curve on {split}, or too few epochs")
        parts.append(Part(f"Rank correlation on {split}", mean(fixed(known)), unit=CORRELATION))
    return decided(parts)


@claim(15, "the loss never overestimates the metric", "section 4.3, Figure 3", LOSSES)
def lower_bound(loss: str, measures: Measures, pair: Pair) -> Opinion:
    """How often the soft value exceeds the metric: one time contradicts "never"."""
    above, told, most = [], [], 0.0
    for split, _, soft, hard in _curves(measures, pair, loss):
        exceeds = soft > hard + ROUNDING
        above.append(exceeds)
        told.append(f"{split} {exceeds.sum()} of {exceeds.size}")
        most = max(most, float((soft - hard).max()))
    number, of = sum(int(one.sum()) for one in above), sum(one.size for one in above)
    signs = np.where(np.concatenate([one.ravel() for one in above]), 1.0, -1.0)
    share, low, high = superiority(signs)
    because = (
        f"The soft value is above {METRICS[OWN_METRIC[loss]].label} at {number} of {of} epochs of "
        f"all seeds and splits ({', '.join(told)}): {share:.0%}, exact 95% interval {low:.0%} to "
        f"{high:.0%} (were epochs independent)"
    )
    if number:
        return Opinion(CONTRADICTED, f"{because}; by {100 * most:.2f} points at most.")
    if len(above[0]) == 1:
        return Opinion(UNDECIDED, f"{because}. One seed tells nothing of others.")
    return Opinion(CONFIRMED, f"{because}.")


@claim(16, "SM-F1 lies much further below its metric than SAcc and Sm-F1 do", "section 4.3")
def gaps(subject: str, measures: Measures, pair: Pair) -> Opinion:
    """Metric minus soft value on train, mean over epochs: in batches, as the paper logs losses.

    In a batch a class may be absent, which lowers SM-F1 alone: gaps over whole splits are told
    too.
    """
    in_batches: dict[str, dict[int, float]] = {}
    whole: dict[str, list[str]] = {}
    for loss, name in LOSSES.items():
        for split, seeds, soft, hard in _curves(measures, pair, loss):
            gap = points(float((hard - soft).mean()))
            whole.setdefault(split, []).append(f"{name} {gap}")
            if split == "train":
                cell = measures.cell(pair, loss, AT)
                logged = -measures.findings.curves.of_cell(cell, "train", "loss")
                in_batches[loss] = dict(zip(seeds, (hard - logged).mean(axis=1), strict=True))
    if len(in_batches) < len(LOSSES):
        raise RecordError("no learning curves on train are recorded")
    parts = []
    for loss in ("soft_accuracy", "soft_micro_f1"):
        found = paired(fixed(in_batches["soft_macro_f1"]), fixed(in_batches[loss]))
        if found is None:
            raise RecordError(f"no seed is ok in both SM-F1 and {LOSSES[loss]}")
        parts.append(Part(f"Gap of SM-F1 over that of {LOSSES[loss]}", found))
    opinion = decided(parts)
    told = "; ".join(f"{split} {', '.join(gap)}" for split, gap in whole.items())
    return Opinion(
        opinion.verdict,
        f"In batches of {BATCH}, on train: {opinion.because} Gaps over whole splits: {told}.",
    )


def _curves(
    measures: Measures, pair: Pair, loss: str
) -> Iterator[tuple[str, list[int], Floats, Floats]]:
    """Of each split: its name, the seeds, and the soft value and the metric by epoch, `[K, E]`."""
    cell = measures.cell(pair, loss, AT)
    seeds = [seed.seed for seed in cell.ok]
    recorded = False
    for split in SPLITS:
        soft, hard = (
            measures.findings.curves.of_cell(cell, split, name) for name in (loss, OWN_METRIC[loss])
        )
        if soft.size and not np.isnan(soft).any() and not np.isnan(hard).any():
            recorded = True
            yield split, seeds, soft, hard
    if not recorded:
        raise RecordError(f"no learning curves of {LOSSES[loss]} are recorded")
