"""Arms whose weights were kept, and what they predict for further texts."""

import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from features import Features
from results.mirror import fetch_file
from results.run import Run, labels_of
from results.schemas import EXTERNAL
from sweep.errors import ExperimentError
from sweep.recording import kept_weights, weights_path

if TYPE_CHECKING:
    from model.weights import WeightsFile

Row = dict[str, Any]
"""A row of `results.schemas.ARMS`."""

_LISTED = 6
"""Most arms that a message lists."""

_SAMPLE = 32
"""Texts of dev by which weights are checked."""

_CLOSE = {"float32": 1e-3, "bfloat16": 0.1}
"""How far logits may be from those that another device computed, by the precision of products."""


def find_arm(run: Run, wanted: str) -> Row:
    """The arm of a key, of the beginning of one, or of a loss that has one arm only.

    Args:
        run: the run.
        wanted: what was asked for.

    Raises:
        ExperimentError: there is none, or several.
    """
    rows: list[Row] = run.arms_table.to_pylist()
    named = [row for row in rows if wanted in (row["loss"], row["label"])]
    found = named or [row for row in rows if wanted and row["arm"].startswith(wanted)]
    if len(found) == 1:
        return found[0]
    if not found:
        raise ExperimentError(
            f"{run.path}: no arm's key begins with {wanted!r} and no loss is called so; "
            '`softsweep query RUN "SELECT arm, label, language, seed FROM arms"` lists them'
        )
    listed = "; ".join(
        f"{row['arm']} ({row['label']}, {row['language']}, b={row['batch_size']}, "
        f"seed {row['seed']})"
        for row in found[:_LISTED]
    )
    more = f"; and {len(found) - _LISTED} more" if len(found) > _LISTED else ""
    raise ExperimentError(f"{wanted} is {len(found)} arms: name one by its key: {listed}{more}")


def weights_of_arm(run: Path, arm: Row) -> "WeightsFile":
    """The weights of an arm.

    Raises:
        ExperimentError: it has none.
        WeightsError: they are damaged, or another arm's.
    """
    from model.errors import WeightsError
    from model.weights import open_weights

    key, label = arm["arm"], arm["label"]
    if arm["device"] == EXTERNAL:
        raise ExperimentError(f"{key} ({label}) was imported: softsweep has no weights of it")
    if arm["status"] != "ok":
        raise ExperimentError(f"{key} ({label}) {arm['status']}: it has no weights")
    path = weights_path(run, key)
    if not fetch_file(run, path):
        raise ExperimentError(
            f"{key} ({label}) has no weights: they are kept by `softsweep run --keep-weights`, "
            "which trains no recorded arm again (give it another folder with --out)"
        )
    weights = open_weights(path)
    if weights.facts["arm"] != key:
        raise WeightsError(f"{path} holds the weights of another arm, {weights.facts['arm']}")
    return weights


def kept_arms(run: Path, arms: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """Those of these arms that have weights, and those that have none."""
    keys = set(kept_weights(run))
    kept = [arm for arm in arms if arm["arm"] in keys]
    return kept, [arm for arm in arms if arm["arm"] not in keys]


def recorded_on_dev(
    run: Run, arms: Collection[str]
) -> Iterator[tuple[str, dict[int, NDArray[np.float32]]]]:
    """Arms and the logits that they recorded for dev, `[m, C]` by epoch.

    Args:
        run: the run.
        arms: keys of those to read; one that recorded no predictions is passed by.

    Raises:
        DamagedError: a part is damaged that was not known to be; see `Run.passing_damage`.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    asked = pa.array(sorted(arms), pa.string())
    for group in run.prediction_groups(("arm", "split", "epoch", "example", "logits", "part")):
        rows = group.filter(pc.and_(pc.is_in(group["arm"], asked), pc.equal(group["split"], "dev")))
        for key in rows["arm"].unique().to_pylist():
            mine = rows.filter(pc.equal(rows["arm"], key)).sort_by("example")
            yield (
                key,
                {
                    epoch: labels_of(mine.filter(pc.equal(mine["epoch"], epoch))["logits"])
                    for epoch in mine["epoch"].unique().to_pylist()
                },
            )


def check_weights(
    weights: "WeightsFile", entry: Features, recorded: Mapping[int, NDArray[np.float32]]
) -> None:
    """Check that weights are those whose predictions are recorded, on some texts of dev.

    Args:
        weights: of the arm.
        entry: features that it was trained on.
        recorded: its logits for dev, `[m, C]` by epoch; other epochs cannot be compared.

    Raises:
        WeightsError: they are damaged, or of another training.
    """
    from model.errors import WeightsError

    words = entry.split("dev").words[:_SAMPLE]
    close = _CLOSE[weights.facts["precision"]]
    for epoch in sorted(set(weights.rules.values())):
        network = Network(weights, epoch)  # found damaged here, if it is
        if epoch not in recorded:
            continue
        found, expected = network.logits(entry.vectors(), words), recorded[epoch][:_SAMPLE]
        if found.shape != expected.shape or not np.allclose(found, expected, close, close):
            raise WeightsError(
                f"{weights.path} does not give the logits that its arm recorded for dev (epoch "
                f"{epoch}): it is damaged or of another training; delete it to go on without these "
                "weights"
            )


class Network:
    """One arm's network after one epoch.

    Args:
        weights: of the arm.
        epoch: one that a rule chose.

    Raises:
        WeightsError: they are damaged.
    """

    def __init__(self, weights: "WeightsFile", epoch: int) -> None:
        self._network = weights.network(epoch)

    def logits(self, vectors: NDArray[np.float32], words: NDArray[np.int32]) -> NDArray[np.float32]:
        """Logits of texts, `[m, C]`.

        Args:
            vectors: the word matrix, `[W, D]`.
            words: its rows that the texts hold, zero-padded at the start, `[m, n]`.
        """
        import torch

        from model.texts import arrange

        with warnings.catch_warnings():  # the matrix is mapped read-only; nothing writes it
            warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
            table = torch.from_numpy(vectors)
        texts = arrange(torch.from_numpy(words), self._network.windows)
        found: NDArray[np.float32] = self._network.predict(table, texts)[0].float().numpy()
        return found
