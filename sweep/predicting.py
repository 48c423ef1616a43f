"""What an arm predicts for texts of a file: the winner, used."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from features import Features, InputError
from features.later import LaterTexts, find_entry, later_texts
from features.lines import read_lines
from features.tables import ENDINGS, read_columns
from model.metrics import METRICS
from results.run import Run
from results.thresholds import THRESHOLDS, Tuning, operating_point
from sweep.cachestore import bring_features
from sweep.errors import ExperimentError
from sweep.kept import Network, check_weights, find_arm, recorded_on_dev, weights_of_arm

if TYPE_CHECKING:
    import pyarrow as pa

_PLAIN = (".txt", ".txt.gz")


@dataclass(frozen=True)
class Predictions:
    """What was predicted.

    Attributes:
        table: a row a text: `id`, `predicted` (names of labels), and a label's probability each.
        lines: how it was done, and what it may lack.
    """

    table: "pa.Table"
    lines: Sequence[str]


def predict(
    run: str | Path,
    arm: str,
    file: str | Path,
    *,
    cache: Path,
    data: Path | None = None,
    column: str = "text",
    threshold: str | None = None,
    chosen_by: str = "own",
) -> Predictions:
    """Predict the labels of a file's texts with the weights that an arm kept.

    Args:
        run: the run folder.
        arm: the arm's key, the beginning of one, or a loss with one arm only.
        file: `.txt`, one text a line, or a table.
        cache: feature cache of the run.
        data: folder with lexicons and ready-made vectors, for words that the cache lacks.
        column: of a table, the one with the texts.
        threshold: one of `results.thresholds.THRESHOLDS`; by default 0.5, or tuned for a loss that
            only ranks.
        chosen_by: which rule's epoch: own, or a metric.

    Raises:
        ExperimentError, InputError, RecordError, WeightsError: something asked for is wrong.
    """
    opened = Run(run)
    row = find_arm(opened, arm)
    weights = weights_of_arm(opened.path, row)
    threshold = threshold or operating_point(json.loads(row["settings"]))
    one_of("--threshold", threshold, THRESHOLDS)
    one_of("--chosen-by", chosen_by, ("own", *METRICS))
    ids, texts = read_texts(Path(file), column)
    bring_features(cache, row["features"])
    entry = find_entry(cache, row["features"])
    later = later_texts(entry, texts, cache, data)
    recorded = opened.passing_damage(lambda: dict(recorded_on_dev(opened, [row["arm"]])))
    check_weights(weights, entry, recorded.get(row["arm"], {}))
    epoch = weights.rules[chosen_by]
    network = Network(weights, epoch)
    logits = network.logits(later.vectors, later.words).astype(np.float64)
    metric = row["own_metric"] if chosen_by == "own" else chosen_by
    cut = _cut(network, entry, metric, threshold)
    how = (
        f"{row['arm']}: {row['label']}, {row['language']}, seed {row['seed']}, epoch {epoch} "
        f"(best {METRICS[metric].label} on dev), threshold {_shown(cut)}"
    )
    return Predictions(_table(ids, logits, logits >= cut, entry.labels), [how, coverage(later)])


def read_texts(path: Path, column: str) -> tuple[list[str], list[str]]:
    """Ids and texts of a file: a text a line, or a table.

    The ids are a table's column `id`, or else the numbers of the lines.

    Raises:
        InputError: the file is not as expected.
    """
    if path.name.endswith(_PLAIN):
        lines = list(read_lines(path))
        return [str(number) for number, _ in lines], [line for _, line in lines]
    if path.suffix not in ENDINGS:
        expected = ", ".join((*_PLAIN, *ENDINGS))
        raise InputError(f"{path}: expected a name that ends in one of {expected}")
    table = read_columns(path)
    texts = table[column]
    for line, text in zip(table.lines, texts, strict=True):
        if not isinstance(text, str):
            raise InputError(f"{path}, line {line}: {column} is {text!r}; expected a text")
    ids = table["id"] if "id" in table.values else table.lines
    return [str(one) for one in ids], texts


def coverage(later: LaterTexts) -> str:
    """How much of the texts is known, in a line."""
    share = 100 * later.unknown / max(later.tokens, 1)
    known = f"{share:.1f}% of {later.tokens:,} tokens are unknown to vectors and lexicons"
    notes = "; ".join(later.notes)
    return f"{known}; {notes}, give their folder with --data" if notes else known


def one_of(option: str, value: str, allowed: Sequence[str]) -> None:
    """Check an option's value.

    Raises:
        ExperimentError: it is not allowed.
    """
    if value not in allowed:
        raise ExperimentError(f"{option} {value}: expected one of {', '.join(allowed)}")


def _cut(
    network: Network, entry: Features, metric: str, threshold: str
) -> float | NDArray[np.float64]:
    """The logit from which on a label is predicted, or one for each label `[C]`, tuned on dev."""
    if threshold == "0.5":
        return 0.0
    dev = entry.split("dev")
    logits = network.logits(entry.vectors(), dev.words)
    tuning = Tuning(logits, dev.labels.astype(bool))
    if threshold == "tuned":
        return tuning.tuned(METRICS[metric])
    return tuning.per_label(METRICS[metric])


def _shown(cut: float | NDArray[np.float64]) -> str:
    """Thresholds as probabilities."""
    return ", ".join(f"{value:.3g}" for value in np.atleast_1d(_sigmoid(np.asarray(cut))))


def _sigmoid(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy.special import expit

    found: NDArray[np.float64] = expit(logits)
    return found


def _table(
    ids: Sequence[str],
    logits: NDArray[np.float64],
    predicted: NDArray[np.bool_],
    labels: Sequence[str],
) -> "pa.Table":
    """A row a text."""
    import pyarrow as pa

    names = [
        ", ".join(label for label, present in zip(labels, row, strict=True) if present)
        for row in predicted
    ]
    columns = [pa.array(ids), pa.array(names), *map(pa.array, _sigmoid(logits).T)]
    return pa.Table.from_arrays(columns, names=["id", "predicted", *labels])
