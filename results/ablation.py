"""Runs that differ in one thing, here their lexicons, compared cell by cell.

A cell's key hangs on its features, so across such runs cells are matched by what else they are:
corpus, language, loss, batch size and settings. Each is compared with its match in the baseline,
within each seed and resample of the texts.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from model.metrics import METRICS
from results.derived import current_table
from results.difference import check_same_texts
from results.errors import RecordError
from results.fromarrow import from_arrow
from results.judged import Judged
from results.labels import cell_labels
from results.layout import Score, cell_order, is_first, seeds, trained_unlike, where
from results.matching import Match, but_for_features, by_match
from results.pairing import Measured, paired
from results.parts import whole_file
from results.render import Cell, Figure, Table, render
from results.run import Run
from results.scores import SCORES

BASELINE = "none"
"""The variant that the others are compared with: vectors only."""

OWN = "own"
"""Each loss on the metric it approximates (BCE and MSE: Acc)."""

ENOUGH_SEEDS = 5
"""Seeds from which on their spread says something."""

ABLATION = pa.schema(
    [
        ("variant", pa.string()),
        *(field for field in SCORES if field.name != "paper_star" and "control" not in field.name),
        ("own", pa.bool_()),  # whether this is the metric that the loss approximates
        ("difference", pa.float64()),  # to the baseline, over the shared seeds; in [-1, 1]
        ("difference_lo", pa.float64()),  # 95% interval over texts
        ("difference_hi", pa.float64()),
        ("difference_seed_sd", pa.float64()),  # null for one shared seed, as the next two
        ("difference_both_lo", pa.float64()),  # 95% interval over texts and seeds
        ("difference_both_hi", pa.float64()),
        ("shared_seeds", pa.int32()),
        ("no_difference", pa.string()),  # why there is none, where there should be one
    ]
)
"""One row for a variant, cell and metric; the metric itself chose the epoch."""


def ablation_rows(runs: Mapping[str, str | Path]) -> list[Score]:
    """Score every variant and compare it with the baseline.

    Args:
        runs: run folders by variant, `BASELINE` among them.

    Returns:
        Rows of `ABLATION`, in the order in which tables show them. A cell none of whose seeds is ok
        has null values and says why.

    Raises:
        RecordError: records are damaged, or the runs hold other texts.
    """
    variants = {variant: _Variant(path) for variant, path in runs.items()}
    baseline = variants[BASELINE]
    for variant in variants.values():
        for pair in variant.cells.texts.keys() & baseline.cells.texts.keys():
            check_same_texts(baseline.cells.run, variant.cells.run, pair)
    firsts = {
        match: next(iter(scores.values()))
        for variant in variants.values()
        if variant is not baseline  # what only the baseline holds is compared with nothing
        for match, scores in variant.scores.items()
    }
    named = cell_labels(list(firsts.values()))

    def order(match: Match) -> tuple[object, ...]:
        score = firsts[match]
        return (score["language"], score["corpus"], *cell_order(score, named), match)

    return [
        {**row, "label": named[firsts[match]["cell"]]}
        for match in sorted(firsts, key=order)
        for metric in METRICS
        for row in _compared(variants, match, metric)
    ]


class _Variant:
    """The scores of a run by match and metric."""

    def __init__(self, path: str | Path) -> None:
        self.cells = Judged(Run(path))
        # Of cells that differ in nothing (other versions of softsweep) the last one counts.
        last = by_match(self.cells.cells, but_for_features)
        self.own = {match: cell.own_metric for match, cell in last.items()}
        cells = {cell.key: match for match, cell in last.items()}
        self.scores: dict[Match, dict[str, Score]] = {}
        for score in current_table(self.cells.run, "scores").to_pylist():
            chosen = score["chosen_by"] == score["metric"]
            if chosen and is_first(score) and score["cell"] in cells:
                self.scores.setdefault(cells[score["cell"]], {})[score["metric"]] = score

    def measure(self, match: Match, metric: str) -> Mapping[int, Measured]:
        """The metric by seed; empty where no seed is ok or the cell is not recorded."""
        score = self.scores.get(match, {}).get(metric)
        if score is None:
            return {}
        return self.cells.measure(score["cell"], metric, metric, score["threshold"])


def _compared(variants: Mapping[str, _Variant], match: Match, metric: str) -> Iterator[Score]:
    """The rows of one cell and metric, a variant each; the baseline has no difference."""
    baseline = variants[BASELINE]
    base = baseline.measure(match, metric)
    of_base = baseline.scores.get(match, {}).get(metric)
    for name, variant in variants.items():
        score = variant.scores.get(match, {}).get(metric)
        if score is None:
            continue
        row = {key: score.get(key) for key in ABLATION.names}
        row |= {"variant": name, "own": variant.own[match] == metric}
        if variant is baseline:
            yield row
        elif found := paired(variant.measure(match, metric), base):
            yield row | {
                "difference": found.value,
                "difference_lo": found.over_texts[0],
                "difference_hi": found.over_texts[1],
                "difference_seed_sd": found.seed_sd,
                "difference_both_lo": found.both and found.both[0],
                "difference_both_hi": found.both and found.both[1],
                "shared_seeds": len(found.seeds),
            }
        else:
            yield row | {"shared_seeds": 0, "no_difference": _why_not(score, of_base)}


def _why_not(score: Score, base: Score | None) -> str:
    """Why a cell cannot be compared with the baseline."""
    if base is None:
        return f"{BASELINE} is not recorded"
    if score["status"] != "ok":
        return str(score["status"])
    if base["status"] != "ok":
        return f"{BASELINE} {base['status']}"
    return "no seed is ok in both"


def ablation_tables(rows: Sequence[Score], metric: str = OWN) -> list[Table]:
    """For people: a table a language, losses and variants down.

    Args:
        rows: of `ABLATION`.
        metric: the metric to show, or `OWN`.
    """
    shown = [row for row in rows if (row["own"] if metric == OWN else row["metric"] == metric)]
    by_pair: dict[tuple[str, str], list[Score]] = {}
    for row in shown:
        by_pair.setdefault((row["corpus"], row["language"]), []).append(row)
    return [
        _table(f"ablation_{corpus}-{language}_{metric}", group)
        for (corpus, language), group in by_pair.items()
    ]


def check_metric(metric: str) -> None:
    """Make sure that tables can show a metric.

    Raises:
        RecordError: it is neither a metric nor `OWN`.
    """
    if metric not in (OWN, *METRICS):
        raise RecordError(f"--metric {metric}: expected one of {', '.join((OWN, *METRICS))}")


def programs_table(rows: Sequence[Score]) -> Table:
    """For programs: every row and column, unrounded."""
    return from_arrow(pa.Table.from_pylist(list(rows), schema=ABLATION), "ablation")


def write_ablation(folder: Path, rows: Sequence[Score]) -> None:
    """Write `ablation.csv`, every row, and `ablation.md`, every table.

    Raises:
        RecordError: a file cannot be written.
    """
    tables = [table for metric in (OWN, *METRICS) for table in ablation_tables(rows, metric)]
    texts = {
        "ablation.csv": render(programs_table(rows), "csv"),
        "ablation.md": "\n".join(render(table, "markdown") for table in tables),
    }
    for name, text in texts.items():
        with whole_file(folder / name, lasting=False) as file:
            file.write(text.encode())


def _table(name: str, group: Sequence[Score]) -> Table:
    """The table of one corpus and language, one metric a row; a loss is named once."""
    several = len({row["batch_size"] for row in group}) > 1
    begins = [
        index
        for index, row in enumerate(group)
        if index == 0 or any(row[key] != group[index - 1][key] for key in ("label", "batch_size"))
    ]
    rows: list[tuple[Cell, ...]] = []
    for index, row in enumerate(group):
        rows.append(
            (
                row["label"] if index in begins else "",
                *([row["batch_size"]] if several else []),
                row["variant"],
                METRICS[row["metric"]].label,
                _score(row),
                _difference(row),
                _interval(row, "difference"),
                _interval(row, "difference_both"),
            )
        )
    return Table(
        name,
        f"Lexicons: {where(group[0])}; {seeds(group)}",
        (
            "Loss",
            *(["b"] if several else []),
            "lexicons",
            "metric",
            "score",
            f"to {BASELINE}",
            "over texts",
            "over texts and seeds",
        ),
        tuple(rows),
        tuple(_notes(group)),
        frozenset(begins) - {0},
        frozenset({"score"}),
    )


def _score(row: Score) -> Cell:
    """A score in points, or what became of the cell."""
    if row["value"] is None:
        return str(row["status"])
    return Figure(100 * row["value"], 100 * row["half_width"], partial=row["seeds_failed"] > 0)


def _difference(row: Score) -> str:
    """A difference in points, or why there is none."""
    if row["difference"] is None:
        return str(row["no_difference"] or "")
    return _signed(row["difference"])


def _interval(row: Score, of: str) -> str:
    """A 95% interval in points; empty where there is none."""
    if row[f"{of}_lo"] is None:
        return ""
    return f"[{_signed(row[f'{of}_lo'])}, {_signed(row[f'{of}_hi'])}]"


def _signed(value: float) -> str:
    return f"{100 * value:+.2f}".replace("-", "−")


def _notes(group: Sequence[Score]) -> list[str]:
    """What the numbers cover, and what they cannot say."""
    compared = [row for row in group if row["difference"] is not None]
    least = min((row["shared_seeds"] for row in compared), default=0)
    notes = [
        f"±: 95% percentile interval over {group[0]['resamples']:,} resamples of "
        f"{group[0]['texts']:,} texts, at the mean over seeds. to {BASELINE}: the difference in "
        "points, taken within each seed and resample; each metric chose its own epoch.",
        "over texts: its 95% interval if these very networks read other texts. over texts and "
        "seeds: if networks of other seeds did as well (Student's t, Satterthwaite's degrees of "
        "freedom). Only where the second one leaves out 0 is it the lexicons that differ.",
    ]
    if len(compared) > 1:
        notes.append(f"These {len(compared)} intervals are not corrected for their number.")
    if least == 1:
        notes.append("With one seed, nothing is known of how other seeds would differ.")
    elif 1 < least < ENOUGH_SEEDS:
        notes.append(
            f"With {least} seeds the spread over seeds is hardly known, so that the second "
            f"interval is wide: {ENOUGH_SEEDS} or more decide better."
        )
    partial = [
        f"{row['label']} {row['variant']} (b={row['batch_size']}) {row['seeds_failed']} of "
        f"{row['seeds']}"
        for row in group
        if 0 < row["seeds_ok"] < row["seeds"]
    ]
    if partial:
        notes.append(
            f"† seeds that diverged or failed are left out, of a difference those of either side: "
            f"{'; '.join(partial)}."
        )
    if mixed := trained_unlike(group):
        notes.append(
            f"These arms were not all trained alike: they differ in {' and '.join(mixed)}, which "
            "alone can change their numbers."
        )
    return notes
