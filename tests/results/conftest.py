"""Small run folders, written with the records API as a sweep would."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from results.records import predictions_table, record_examples, record_trial

NAMES = ("joy", "fear", "trust")
START = datetime(2026, 1, 1, tzinfo=UTC)

Logits = NDArray[np.float32]


class ArmRow(Protocol):
    def __call__(self, arm: str, **changes: Any) -> dict[str, Any]: ...


@pytest.fixture(scope="session")
def arm_row() -> ArmRow:
    def row(arm: str, **changes: Any) -> dict[str, Any]:
        settings: dict[str, Any] = {
            "arm": arm,
            "cell": "cell",
            "corpus": "toy",
            "language": "en",
            "loss": "bce",
            "label": "BCE",
            "own_metric": "acc",
            "batch_size": 16,
            "seed": 0,
            "status": "ok",
            "error": "",
            "epochs": 2,
            "seconds": 1.5,
            "device": "cpu",
            "threads": 1,
            "width": 1,
            "host": "here",
            "features": "f" * 64,
            "loss_sha256": "a" * 64,
            "versions": "{}",
            "settings": '{"warmup_epochs": 0}',
            "signature": "",
            "finished": START,
        }
        return settings | changes

    return row


@pytest.fixture
def record(arm_row: ArmRow) -> Callable[..., str]:
    """Record one arm as a trial of its own: `record(run, arm, {(split, rules): logits}, ...)`."""

    def one(
        run: Path,
        arm: str,
        chosen: Mapping[tuple[str, tuple[str, ...]], Logits],
        part: str | None = None,
        minutes: int = 0,
        **changes: Any,
    ) -> str:
        row = arm_row(arm, finished=START + timedelta(minutes=minutes), **changes)
        blocks = [
            (arm, split, epoch, rules, logits)
            for epoch, ((split, rules), logits) in enumerate(chosen.items(), start=1)
        ]
        epochs = [{"arm": arm, "epoch": 1, "split": "train", "loss": 0.5, "predicted": [1, 2, 3]}]
        table = predictions_table(blocks) if blocks else None
        return record_trial(run, part or f"trial-{arm}", [row], epochs, table)

    return one


@pytest.fixture
def flip() -> Callable[..., None]:
    """Flip a bit in the data of a part: of one row group, in its last column but `part`."""

    def one(path: Path, group: int = 0) -> None:
        found = pq.read_metadata(path).row_group(group)
        column = found.column(found.num_columns - 2)
        first = column.dictionary_page_offset or column.data_page_offset
        content = bytearray(path.read_bytes())
        content[first + column.total_compressed_size - 1] ^= 1
        path.write_bytes(content)

    return one


@pytest.fixture
def toy() -> Callable[..., NDArray[np.uint8]]:
    """Record examples of a corpus with a test split of m texts; return their gold labels."""

    def make(
        run: Path, m: int = 60, language: str = "en", corpus: str = "toy"
    ) -> NDArray[np.uint8]:
        rng = np.random.default_rng([m, *language.encode()])
        gold = (rng.random((m, 3)) < [0.5, 0.3, 0.1]).astype(np.uint8)
        ids = [f"{language}-{i}" for i in range(m)]
        splits: dict[str, Any] = {
            "dev": (ids, gold, ["a", "b"] * (m // 2)),
            "test": (ids, gold, ""),
        }
        record_examples(run, corpus, language, NAMES, "f" * 64, 4, 5, 0, splits)
        return gold

    return make


@pytest.fixture
def halves() -> Callable[..., tuple[NDArray[np.uint8], NDArray[np.bool_]]]:
    """Record examples of a corpus without a test split; return gold labels and which are half b."""

    def make(
        run: Path, m: int = 80, gold: NDArray[np.uint8] | None = None
    ) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        if gold is None:
            rng = np.random.default_rng(m)
            gold = (rng.random((m, 3)) < [0.5, 0.3, 0.2]).astype(np.uint8)
        in_b = np.arange(m) % 3 == 0
        ids = [str(i) for i in range(m)]
        splits: dict[str, Any] = {"dev": (ids, gold, ["b" if b else "a" for b in in_b])}
        record_examples(run, "toy", "en", NAMES, "f" * 64, 4, 5, 0, splits)
        return gold, in_b

    return make
