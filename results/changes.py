"""Two runs of the same arms compared, such as of two releases: did anything change?

Cells are matched by what they are, arms by their seed. Of each arm it is known whether all that it
recorded of its predictions is bit-equal; of each cell and metric what the score was, is, and
differs by, within each seed and resample of the texts.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from model.metrics import METRICS
from results.asked import check_metric
from results.cells import Cell
from results.contrast import ALPHA, NO_SEED, difference_row
from results.difference import check_same_texts
from results.errors import RecordError
from results.fromarrow import from_arrow
from results.judged import Judged
from results.labels import cell_labels
from results.matching import Match, but_for_version, by_match
from results.multiplicity import holm
from results.render import Cell as Shown
from results.render import Table
from results.run import Run, labels_of
from results.thresholds import operating_point
from results.words import p_value, points

CHANGES = pa.schema(
    [
        ("corpus", pa.string()),
        ("language", pa.string()),
        ("loss", pa.string()),
        ("label", pa.string()),  # with the settings in which these cells differ
        ("batch_size", pa.int32()),
        ("settings", pa.string()),  # JSON, of the later run
        ("cell_before", pa.string()),
        ("cell_after", pa.string()),
        ("metric", pa.string()),  # which chose the epoch, too
        ("threshold", pa.string()),
        ("value_before", pa.float64()),  # means over the shared seeds, in [0, 1]
        ("value_after", pa.float64()),
        ("difference", pa.float64()),  # after - before
        ("lo", pa.float64()),  # 95% interval over texts and seeds; one seed: over texts
        ("hi", pa.float64()),
        ("p", pa.float64()),  # null for one seed, and where all is bit-equal
        ("p_holm", pa.float64()),  # corrected for all p of this table
        ("seeds", pa.int32()),  # ok in both
        ("bit_equal", pa.int32()),  # those of them whose predictions are equal to the last bit
        ("unlike", pa.string()),  # versions, devices, ... that differ: "torch 2.12 → 2.13"
        ("reason", pa.string()),  # why a number is null
    ]
)
"""One row for a cell that both runs hold, and a metric."""

Row = dict[str, Any]

_NAMED = 5
"""Changes that the first sentence names."""

_TRAINED = ("device", "threads", "width")


@dataclass(frozen=True)
class Changes:
    """What differs between two runs.

    Attributes:
        sentence: whether anything does.
        rows: of `CHANGES`.
        only_before: labels of the cells that only the earlier run holds.
        only_after: of those that only the later one does.
    """

    sentence: str
    rows: Sequence[Row]
    only_before: Sequence[str]
    only_after: Sequence[str]


def changes(before: str | Path, after: str | Path, metric: str | None = None) -> Changes:
    """Compare two runs cell by cell.

    Example:
        >>> changes("runs/release-1", "runs/release-2").sentence  # doctest: +SKIP

    Args:
        before: the earlier run folder.
        after: the later one.
        metric: the only one to compare; by default all.

    Raises:
        RecordError: a folder is no run, the metric is unknown, the runs hold other texts of one
            corpus and language, or they share no cell.
    """
    if metric is not None:
        check_metric(metric)
    runs = Judged(Run(before)), Judged(Run(after))
    for pair in runs[0].texts.keys() & runs[1].texts.keys():
        check_same_texts(runs[0].run, runs[1].run, pair)
    cells = tuple(by_match(run.cells, but_for_version) for run in runs)
    shared = [match for match in cells[1] if match in cells[0]]
    if not shared:
        raise RecordError(f"{before} and {after} share no cell: they ran other losses or settings")
    named = cell_labels([cell.columns for cell in cells[1].values()])
    digests = [_digests(run) for run in runs]
    arms = equal = 0
    rows: list[Row] = []
    for match in shared:
        old, new = cells[0][match], cells[1][match]
        seeds = sorted({seed.seed for seed in old.ok} & {seed.seed for seed in new.ok})
        same = [
            seed
            for seed in seeds
            if _of_seed(old, seed, digests[0]) == _of_seed(new, seed, digests[1])
        ]
        arms, equal = arms + len(seeds), equal + len(same)
        facts = _facts(old, new) | {
            "label": named[new.key],
            "seeds": len(seeds),
            "bit_equal": len(same),
        }
        alike = len(same) == len(seeds) > 0
        asked = METRICS if metric is None else (metric,)
        rows += [facts | _change(runs, (old, new), name, alike) for name in asked]
    tested = [row for row in rows if row.get("p") is not None]
    for row, corrected in zip(tested, holm([row["p"] for row in tested]), strict=True):
        row["p_holm"] = float(corrected)
    only = [_only(cells[0], cells[1]), _only(cells[1], cells[0])]
    sentence = _sentence(rows, arms, equal) + _missing(only, (before, after))
    return Changes(sentence, [{n: row.get(n) for n in CHANGES.names} for row in rows], *only)


def _digests(judged: Judged) -> dict[str, str]:
    """A hash of all predictions of each arm, and of what chose their epochs."""
    found = {}
    for group in judged.run.prediction_groups():
        arm, split = (np.array(group[name].to_pylist()) for name in ("arm", "split"))
        epoch, example = (group[name].to_numpy() for name in ("epoch", "example"))
        rules, logits = group["chosen_by"].to_pylist(), labels_of(group["logits"])
        order = np.lexsort((example, epoch, split, arm))
        for rows in np.split(order, np.flatnonzero(arm[order][1:] != arm[order][:-1]) + 1):
            chosen = {(split[row], int(epoch[row]), *sorted(rules[row])) for row in rows.tolist()}
            hashed = hashlib.sha256(repr(sorted(map(str, chosen))).encode())
            for content in (example[rows], logits[rows]):
                hashed.update(np.ascontiguousarray(content).tobytes())
            found[str(arm[rows[0]])] = hashed.hexdigest()
    return found


def _of_seed(cell: Cell, seed: int, digests: dict[str, str]) -> tuple[str, ...]:
    """The hashes of a seed's arms."""
    keys = next(one.keys for one in cell.seeds if one.seed == seed)
    return tuple(digests[key] for key in keys)


def _facts(old: Cell, new: Cell) -> Row:
    """What all rows of a cell share."""
    kept = ("corpus", "language", "loss", "batch_size", "settings")
    return {
        **{name: new.columns[name] for name in kept},
        "cell_before": old.key,
        "cell_after": new.key,
        "unlike": "; ".join(_unlike(old, new)),
    }


def _unlike(old: Cell, new: Cell) -> Iterator[str]:
    """What of the making of two cells differs."""
    if old.facts["loss_sha256"] != new.facts["loss_sha256"]:
        yield "the loss's file"
    made = [_made(cell) for cell in (old, new)]
    for name in {**made[0], **made[1]}:
        then, now = (", ".join(sorted(of.get(name, {"none"}))) for of in made)
        if then != now:
            yield f"{name} {then} → {now}"


def _made(cell: Cell) -> dict[str, set[str]]:
    """By what and where the arms of a cell were trained."""
    found: dict[str, set[str]] = {}
    for arm in (arm for seed in cell.seeds for arm in seed.arms):
        made = json.loads(arm["versions"]) | {name: arm[name] for name in _TRAINED}
        for name, value in made.items():
            found.setdefault(name, set()).add(str(value))
    return found


def _change(runs: tuple[Judged, Judged], cells: tuple[Cell, Cell], metric: str, equal: bool) -> Row:
    """What a metric of a cell was, is, and differs by."""
    threshold = operating_point(cells[1].settings)
    before, after = (
        run.measure(cell.key, metric, metric, threshold)
        for run, cell in zip(runs, cells, strict=True)
    )
    row, _ = difference_row(after, before)
    found = {
        "metric": metric,
        "threshold": threshold,
        "value_before": row.get("value_b"),
        "value_after": row.get("value_a"),
        **{name: row.get(name) for name in ("difference", "lo", "hi", "p", "reason")},
    }
    if equal:
        return found | {"p": None, "reason": "bit-equal"}
    return found | ({} if any(seed in before for seed in after) else {"reason": NO_SEED})


def _only(mine: dict[Match, Cell], others: dict[Match, Cell]) -> list[str]:
    """Labels of the cells that the other run lacks."""
    named = cell_labels([cell.columns for cell in mine.values()])
    return [
        f"{named[cell.key]} (b={cell.facts['batch_size']}, {cell.pair[1]})"
        for match, cell in mine.items()
        if match not in others
    ]


def _sentence(rows: Sequence[Row], arms: int, equal: int) -> str:
    """Whether anything changed."""
    if not arms:
        return "Nothing can be said: no arm is ok in both runs."
    if equal == arms:
        return f"Nothing changed: all {arms} arms that are ok in both runs are bit-equal."
    said = f"{equal} of {arms} arms are bit-equal"
    decided = [row for row in rows if row.get("p_holm") is not None and row["p_holm"] < ALPHA]
    differing = [row for row in rows if row["difference"] is not None]
    if decided:
        decided.sort(key=lambda row: row["p_holm"])
        named = "; ".join(_named(row) for row in decided[:_NAMED])
        rest = f"; and {len(decided) - _NAMED} more" if len(decided) > _NAMED else ""
        return f"{said}. These scores changed: {named}{rest}."
    most = max((abs(row["difference"]) for row in differing), default=0.0)
    tested = any(row.get("p") is not None for row in rows)
    why = (
        "which is not shown to be more than chance (Holm)"
        if tested
        else "and with one seed there is no test"
    )
    return f"{said}; the others changed, but no score by more than {points(most)} points, {why}."


def _named(row: Row) -> str:
    """A change in words."""
    return (
        f"{row['label']} (b={row['batch_size']}, {row['language']}) {METRICS[row['metric']].label} "
        f"{points(row['difference'], signed=True)} points, 95% interval {points(row['lo'])} to "
        f"{points(row['hi'])}, {p_value(row['p_holm'])} (Holm)"
    )


def _missing(only: Sequence[Sequence[str]], runs: Sequence[str | Path]) -> str:
    """How many cells one of the runs lacks."""
    said = [
        f" Only in {run}: {', '.join(names[:_NAMED])}"
        + (f" and {len(names) - _NAMED} more." if len(names) > _NAMED else ".")
        for names, run in zip(only, runs, strict=True)
        if names
    ]
    return "".join(said)


def changes_table(found: Changes) -> Table:
    """For people: a row for each cell and metric, in points."""
    rows: list[tuple[Shown, ...]] = []
    for row in found.rows:
        interval = f"[{_points(row['lo'])}, {_points(row['hi'])}]" if row["lo"] is not None else ""
        rows.append(
            (
                row["label"],
                row["batch_size"],
                row["language"],
                METRICS[row["metric"]].label,
                _points(row["value_before"], signed=False),
                _points(row["value_after"], signed=False),
                _points(row["difference"]),
                interval,
                None if row["p_holm"] is None else float(f"{row['p_holm']:.3g}"),
                f"{row['bit_equal']} of {row['seeds']}",
                row["unlike"],
            )
        )
    headings = (
        "Loss", "b", "language", "metric", "before", "after", "difference",
        "95% interval", "p (Holm)", "bit-equal", "trained with",
    )  # fmt: skip
    notes = (
        "Scores in points, each metric at the epoch that it chose, at 0.5 (a loss that only ranks: "
        "at a tuned threshold), over the seeds that are ok in both. 95% interval: of the "
        "difference, over texts and seeds (one seed: over texts alone). bit-equal: seeds all of "
        "whose recorded predictions are equal to the last bit.",
    )
    return Table("changes", found.sentence, headings, tuple(rows), notes, spare=("trained with",))


def _points(value: float | None, signed: bool = True) -> str:
    """A share in points with two decimals."""
    if value is None:
        return ""
    return f"{100 * value:{'+' if signed else ''}.2f}".replace("-", "−")


def programs_table(found: Changes) -> Table:
    """For programs: every row and column, unrounded."""
    return from_arrow(pa.Table.from_pylist(list(found.rows), schema=CHANGES), "changes")
