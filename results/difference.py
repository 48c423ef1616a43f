"""The difference of two cells on a metric, paired over seeds and texts (`results.pairing`).

The two cells may lie in two runs, such as runs on other features: the texts, and with them the
resamples, are then the same in both, or there is no comparison.
"""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from results.errors import RecordError
from results.judged import Judged
from results.pairing import Estimate, paired
from results.run import Run


def difference(
    run: str | Path,
    a: str,
    b: str,
    metric: str,
    rule: str | None = None,
    run_of_b: str | Path | None = None,
    threshold: str = "0.5",
) -> Estimate:
    """Estimate of cell A and cell B on the texts that chose no epoch.

    Its interval over texts and seeds is `interval`, that over texts alone `over_texts`.

    Args:
        run: the run folder.
        a: key of cell A.
        b: key of cell B, of the same corpus and language.
        metric: a name in `model.metrics.METRICS`.
        rule: what chose each arm's epoch; by default this metric, for both alike.
        run_of_b: the run folder of cell B, where it is another one.
        threshold: for both, one of `results.thresholds.THRESHOLDS`.

    Raises:
        RecordError: a cell is not recorded, they are of different corpora or texts, or they share
            no seed that is ok in both and has an epoch chosen by this rule.
    """
    of_a = Judged(Run(run))
    of_b = of_a if run_of_b is None else Judged(Run(run_of_b))
    pairs = {cells[key].pair for cells, key in ((of_a.by_key, a), (of_b.by_key, b)) if key in cells}
    if len(pairs) != 1:
        raise RecordError(
            f"{_places(of_a, of_b)}: cells {a} and {b} cannot be compared: "
            + (f"they are of {sorted(pairs)}" if pairs else "neither is recorded")
        )
    if of_b is not of_a:
        check_same_texts(of_a.run, of_b.run, pairs.pop())
    rule = rule or metric
    found = paired(
        of_a.measure(a, metric, rule, threshold), of_b.measure(b, metric, rule, threshold)
    )
    if found is None:
        raise RecordError(
            f"{_places(of_a, of_b)}: cells {a} and {b} share no seed that is ok in both "
            f"with an epoch chosen by {rule}"
        )
    return found


def _places(of_a: Judged, of_b: Judged) -> str:
    """The folders of two cells, for a message."""
    return " and ".join(dict.fromkeys([str(of_a.run.path), str(of_b.run.path)]))


def check_same_texts(a: Run, b: Run, pair: tuple[str, str]) -> None:
    """Make sure that two runs hold the same texts of a corpus and language.

    Raises:
        RecordError: ids, gold labels, splits or halves differ, so nothing can be paired.
    """
    of_a, of_b = _texts(a, pair), _texts(b, pair)
    if of_a.equals(of_b):
        return
    both = f"{a.path} and {b.path} cannot be compared: "
    where = f"of {pair[0]}, language {pair[1]}, "
    for has, lacks, more, less in ((a, b, of_a, of_b), (b, a, of_b, of_a)):
        if less.equals(more.filter(pc.not_equal(more["split"], "test"))):
            raise RecordError(
                f"{both}{where}only {has.path} has test texts; `softsweep score {lacks.path} FILE` "
                "scores the other on them, too"
            )
    raise RecordError(
        f"{both}their texts {where}differ in ids, gold labels or splits; run both on the same "
        "corpus"
    )


def _texts(run: Run, pair: tuple[str, str]) -> pa.Table:
    """The examples of a corpus and language in a fixed order."""
    table = run.examples_table
    here = pc.and_(pc.equal(table["corpus"], pair[0]), pc.equal(table["language"], pair[1]))
    order = [("split", "ascending"), ("example", "ascending")]
    return table.filter(here).sort_by(order)
