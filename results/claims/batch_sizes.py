"""Claims 8, 9 and 11: what the batch size does to learning curves on dev (the paper's Figure 2)."""

from collections.abc import Iterable

import numpy as np

from results.claims.decision import Opinion, Part, Unit, decided
from results.claims.measures import Measure, Measures, Pair, fixed
from results.claims.registry import LOSSES, OWN_METRIC, PLAIN, claim
from results.errors import RecordError
from results.pairing import mean

SMALL = (16, 32)
"""The batch sizes that the paper found generally best."""

SAME = 0.5
"""Slopes nearer to 0 than this are nearer to "no effect" than to "in proportion"."""

FACTOR = Unit("", lambda value, signed: f"×{2**value:.2f}", grain=0.1)
"""A slope of base-2 logarithms, as what a doubling multiplies by; an epoch changes it by 0.1."""


@claim(8, "a batch size of 16 or 32 is generally best", "section 4.2, Figure 2", LOSSES)
def small_is_best(loss: str, measures: Measures, pair: Pair) -> Opinion:
    """The best dev value at 16 or 32 beside the best at other batch sizes, within each seed."""
    by_seed = _by_seed(measures, pair, loss, "best_value")
    sizes = next(iter(by_seed.values())).keys()
    small, large = ([b for b in sizes if (b in SMALL) is wanted] for wanted in (True, False))
    if not small or not large:
        raise RecordError(f"only batch sizes {_listed(sizes)} are recorded")
    ahead = {
        seed: max(best[b] for b in small) - max(best[b] for b in large)
        for seed, best in by_seed.items()
    }
    name = f"Best of b = {_listed(small)} over best of {_listed(large)}"
    return decided([Part(name, mean(fixed(ahead)))])


@claim(9, "smaller batches take fewer epochs to the best dev value", "section 4.2", LOSSES)
def fewer_epochs(loss: str, measures: Measures, pair: Pair) -> Opinion:
    """The trend of the best epoch over the doublings of the batch size."""
    slopes, near = (_slopes(measures, pair, loss, on) for on in ("best_epoch", "epochs_to_99"))
    name = "Epochs to the best value for each doubling of b:"
    found = decided([Part(name, mean(fixed(slopes)), unit=FACTOR)])
    beside = Part("To 99% of it:", mean(fixed(near)), unit=FACTOR)
    return Opinion(found.verdict, f"{found.because} {beside}.")


@claim(11, "that is because an epoch has more updates", "section 4.2, supposed", LOSSES)
def as_many_updates(loss: str, measures: Measures, pair: Pair) -> Opinion:
    """The same trend in updates: none if they alone count; a doubling halves them otherwise."""
    slopes = _slopes(measures, pair, loss, "best_epoch")
    in_updates = {seed: slope - 1 for seed, slope in slopes.items()}  # half as many an epoch
    name = "Updates to the best value for each doubling of b:"
    found = decided([Part(name, mean(fixed(in_updates)), "=", SAME, FACTOR)])
    told = "It is ×1 if updates alone count, ×0.5 if epochs alone do."
    return Opinion(found.verdict, f"{found.because} {told}")


def _by_seed(measures: Measures, pair: Pair, loss: str, name: str) -> dict[int, dict[int, float]]:
    """A measure of learning curves by seed and batch size, of the seeds that all have."""
    on = Measure(name, OWN_METRIC[loss])
    sizes = {c.facts["batch_size"] for c in measures.cells(pair) if c.facts["loss"] == loss}
    found = {b: measures.of(measures.cell(pair, f"{loss}@b={b}", PLAIN), on) for b in sorted(sizes)}
    if len(found) < 2:
        raise RecordError(
            f"one batch size is recorded, {_listed(sizes)}" if sizes else f"no cell of {loss}"
        )
    seeds = set.intersection(*(set(of_size) for of_size in found.values()))
    if not seeds:
        raise RecordError("no seed is ok at all batch sizes")
    return {seed: {b: found[b][seed].value for b in found} for seed in sorted(seeds)}


def _slopes(measures: Measures, pair: Pair, loss: str, name: str) -> dict[int, float]:
    """Slope of the logarithm of a number of epochs over that of the batch size, by seed."""
    return {
        seed: float(np.polyfit(np.log2([*epochs]), np.log2([*epochs.values()]), 1)[0])
        for seed, epochs in _by_seed(measures, pair, loss, name).items()
    }


def _listed(sizes: Iterable[int]) -> str:
    return ", ".join(str(size) for size in sorted(sizes))
