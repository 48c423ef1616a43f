"""How often each test finds a difference, where there is none and where there is one.

Two losses that are equally good (or of which one is better) label the same simulated texts with K
seeds each. An output is a text's own difficulty, plus what each loss makes of that text whatever
the seed, plus what each seed adds to all texts, plus each seed's own reaction to each text. The
grid goes through which of these dominates the variance of a difference, and through K. Every test
sees the same labels, and comes from the code that scores a run.
"""

import argparse
import os
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

# One core a process; read when NumPy loads.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray

from benchmarks.report import machine
from model.metrics import METRICS, Floats
from results.bootstrap import draw
from results.comparisons import correct, tested
from results.inference import Parts
from results.pairing import Estimate, Measurements, mean, measured, paired
from results.randomisation import approximate_randomisation, sign_flip, two_level_bootstrap
from results.render import Cell, Table, render

TEXTS, FREQUENCIES = 300, (0.45, 0.3, 0.2, 0.12, 0.06)
"""m, and how frequent the labels are."""

RESAMPLES = 1000
"""Of texts; a run takes 10,000, which costs ten times as much and moves p by 0.01."""

EXCHANGES = 200
"""Of `approximate_randomisation`."""

ALPHA = 0.05

SEEDS = (3, 5, 10)

LOSSES = 10
"""Losses compared with one control, in a family."""

Labels = dict[int, NDArray[np.bool_]]


@dataclass(frozen=True)
class Spread:
    """Standard deviations of what an output is made of, on the scale of its noise.

    Attributes:
        seed: of what a seed adds to all outputs of a label.
        text: of what a loss makes of a text, whatever the seed.
        own: of a seed's own reaction to a text.
    """

    seed: float
    text: float
    own: float


GRID = {
    "seeds": Spread(0.5, 0.15, 0.15),
    "texts": Spread(0.02, 0.9, 0.25),
    "interaction": Spread(0.02, 0.15, 1.0),
    "equal": Spread(0.17, 0.45, 1.0),
}
"""What dominates, and how; the table says what share each has in fact."""

GAINS = {"seeds": 0.9, "texts": 0.35, "interaction": 0.35, "equal": 0.4}
"""How much stronger the better loss sees the labels, where one is better."""


def simulate(
    rng: np.random.Generator, seeds: int, spread: Spread, gains: tuple[float, ...]
) -> tuple[NDArray[np.bool_], list[Labels]]:
    """Gold labels, and what each of some losses predicts with each seed."""
    shape = (TEXTS, len(FREQUENCIES))
    gold = rng.random(shape) < FREQUENCIES
    difficulty = 0.7 * rng.standard_normal(shape)
    losses = []
    for gain in gains:
        of_text = spread.text * rng.standard_normal(shape)
        of_seed = spread.seed * rng.standard_normal((seeds, 1, shape[1]))
        own = spread.own * rng.standard_normal((seeds, *shape))
        outputs = (2.2 + gain) * (gold - 0.5) - 0.3 + difficulty + of_text + of_seed + own
        losses.append(dict(enumerate(outputs >= 0)))
    return gold, losses


def p_values(
    gold: NDArray[np.bool_], a: Labels, b: Labels, rng: np.random.Generator
) -> Iterator[tuple[dict[str, float], Parts]]:
    """For each metric, what each test says of a difference, and where its variance comes from."""
    resamples = draw(gold, rng, RESAMPLES)
    of_a, of_b = measured(resamples, a), measured(resamples, b)
    for metric in METRICS:
        found = paired(of_a[metric], of_b[metric])
        assert found is not None
        assert found.parts is not None
        alone = {0: of_a[metric][0]}, {0: of_b[metric][0]}
        yield (
            {
                "default": found.parts.p(found.value),
                "Satterthwaite": _satterthwaite(found, found.parts),
                "two-level bootstrap": two_level_bootstrap(found.resampled, rng),
                "t over seeds": _student(found),
                "sign flips": sign_flip(found.values)[0] or np.nan,
                "randomisation": approximate_randomisation(gold, a, b, metric, rng, EXCHANGES),
                "one seed, paired": _one_seed(*alone),
                "one seed, paper": _non_overlap(*alone),
            },
            found.parts,
        )


def _satterthwaite(found: Estimate, parts: Parts) -> float:
    """Student's t for V_seeds + V_texts with Satterthwaite's degrees of freedom."""
    from scipy.special import stdtr

    total = parts.over_seeds + parts.over_texts
    freedom = (parts.seeds - 1) * (total / parts.over_seeds) ** 2
    return float(2 * stdtr(min(freedom, 1e9), -abs(found.value) / np.sqrt(total)))


def _student(found: Estimate) -> float:
    """The paired t-test over seeds."""
    from scipy.special import stdtr

    seeds = len(found.seeds)
    deviation = found.values.std(ddof=1) / np.sqrt(seeds)
    return float(2 * stdtr(seeds - 1, -abs(found.value) / deviation))


def _one_seed(a: Measurements, b: Measurements) -> float:
    """The paired bootstrap of one seed."""
    found = paired(a, b)
    assert found is not None
    resampled = found.resampled[0]
    tail = min(int((resampled <= 0).sum()), int((resampled >= 0).sum()))
    return min(1.0, 2 * (tail + 1) / (len(resampled) + 1))


def _non_overlap(a: Measurements, b: Measurements) -> float:
    """0 where the intervals of one seed do not overlap, as in the paper, else 1."""
    (low_a, high_a), (low_b, high_b) = (mean(one).over_texts for one in (a, b))
    return float(max(low_a, low_b) <= min(high_a, high_b))


def share_found(
    dominates: str, seeds: int, repetitions: int, *, better: bool, seed: int = 0
) -> tuple[dict[str, Floats], Floats]:
    """How often each test finds a difference at the level of 5%.

    Args:
        dominates: a name in `GRID`.
        seeds: K.
        repetitions: simulated comparisons.
        better: whether one of the two losses is better.
        seed: of the simulation.

    Returns:
        For each test its share by metric, `[3]`; and the mean shares of seeds, texts and
        interaction in the variance, `[3]`.
    """
    rng = np.random.default_rng([seed, seeds, *dominates.encode(), better])
    found: dict[str, Floats] = {}
    shares = np.zeros(3)
    gains = (GAINS[dominates] if better else 0.0, 0.0)
    for _ in range(repetitions):
        gold, (a, b) = simulate(rng, seeds, GRID[dominates], gains)
        for place, (values, parts) in enumerate(p_values(gold, a, b, rng)):
            of_parts = np.array([parts.seeds_alone, parts.texts_alone, parts.interaction])
            shares += of_parts / of_parts.sum()
            for test, p in values.items():
                found.setdefault(test, np.zeros(len(METRICS)))[place] += p < ALPHA
    return (
        {test: number / repetitions for test, number in found.items()},
        shares / repetitions / len(METRICS),
    )


def family_wise(dominates: str, seeds: int, repetitions: int, seed: int = 0) -> dict[str, float]:
    """How often any of a family of null differences is found: each loss and metric, one control."""
    rng = np.random.default_rng([seed, seeds, *dominates.encode(), 2])
    wrong = {"p": 0, "p_holm": 0, "p_max_t": 0}
    for _ in range(repetitions):
        gold, labels = simulate(rng, seeds, GRID[dominates], (0.0,) * (LOSSES + 1))
        resamples = draw(gold, rng, RESAMPLES)
        values = [measured(resamples, one) for one in labels]
        family = []
        for of_loss in values[1:]:
            for metric in METRICS:
                found = paired(of_loss[metric], values[0][metric])
                assert found is not None
                row = {"corpus": "simulated", "language": "none", "p": found.p}
                family.append(tested(row, found))
        correct(family, rng)
        for name in wrong:
            wrong[name] += min(one.row[name] for one in family) < ALPHA
    return {name: number / repetitions for name, number in wrong.items()}


def tables(repetitions: int, workers: int) -> Iterator[Table]:
    """Type-I error, power and family-wise error over the grid."""
    cells = [(dominates, seeds) for dominates in GRID for seeds in SEEDS]
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        for better in (False, True):
            jobs = [pool.submit(share_found, *cell, repetitions, better=better) for cell in cells]
            found = [job.result() for job in jobs]
            yield _shares(cells, found, better, repetitions)
        fewer = repetitions // 4  # each is of many comparisons
        jobs_of_families = [pool.submit(family_wise, *cell, fewer) for cell in cells]
        yield _families(cells, [job.result() for job in jobs_of_families], fewer)


def _shares(
    cells: list[tuple[str, int]],
    found: list[tuple[dict[str, Floats], Floats]],
    better: bool,
    repetitions: int,
) -> Table:
    """Shares of differences found, in percent; the greatest of the metrics where there is none."""
    tests = list(found[0][0])
    pick = np.mean if better else np.max
    rows: list[tuple[Cell, ...]] = [
        (
            dominates,
            seeds,
            " / ".join(f"{100 * share:.0f}" for share in shares),
            *(round(100 * float(pick(of_tests[test])), 1) for test in tests),
        )
        for (dominates, seeds), (of_tests, shares) in zip(cells, found, strict=True)
    ]
    title = (
        "Power: differences found, in percent, mean of the metrics"
        if better
        else "Type-I error: null differences found at 5%, in percent, the worst metric"
    )
    return Table(
        "power" if better else "level",
        f"{title}; {repetitions:,} repetitions",
        ("dominates", "K", "seeds / texts / both, %", *tests),
        tuple(rows),
    )


def _families(
    cells: list[tuple[str, int]], found: list[Mapping[str, float]], repetitions: int
) -> Table:
    """Families in which a null difference is found, in percent."""
    return Table(
        "families",
        f"Family-wise error: families of {LOSSES * len(METRICS)} null differences with one found, "
        f"in percent; {repetitions:,} repetitions",
        ("dominates", "K", "uncorrected", "Holm", "step-down max-T"),
        tuple(
            (*cell, *(round(100 * share, 1) for share in shares.values()))
            for cell, shares in zip(cells, found, strict=True)
        ),
    )


def main() -> None:
    """Run the grid and print its tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.level", description=__doc__)
    parser.add_argument("--repetitions", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--write", type=Path, metavar="FILE", help="a document to write")
    given = parser.parse_args()
    found = []
    for table in tables(given.repetitions, given.workers):
        sys.stdout.write(render(table))
        sys.stdout.flush()
        found.append(render(table, "markdown"))
    if given.write:
        command = f"python -m benchmarks.level --repetitions {given.repetitions}"
        head = f"# Levels of the tests\n\n{__doc__}\n`{command}`, {machine()}\n"
        given.write.write_text("\n".join([head, *found]), encoding="utf-8")


if __name__ == "__main__":
    main()
