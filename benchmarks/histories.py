"""Recorded histories: what trials would have written, without the training.

Every arm gets the parts that a trial of one arm writes, through the same functions: 30 epochs of
figures, and the logits of three chosen epochs on dev and test. The figures are invented; how many
and how large they are is not.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from features import Features
from results.records import predictions_table, record_examples, record_trial
from results.schemas import epochs_schema
from sweep.arms import Arm

EPOCHS = 30
"""Epochs of the `paper` experiment."""

CHOSEN: dict[int, tuple[str, ...]] = {12: ("own", "acc"), 19: ("micro_f1",), 26: ("macro_f1",)}
"""Rules by the epoch that they chose: three epochs, as arms tend to have."""

SPLITS = ("train", "dev", "dev/a", "dev/b", "test")


def grid(cells: int) -> dict[str, Any]:
    """The `grid` of an experiment with so many cells, an even number, of five seeds each."""
    return {
        "loss": ["bce", "soft_macro_f1"],
        "seed": [0, 1, 2, 3, 4],
        "learning_rate": [round(1e-3 * 1.01**step, 9) for step in range(cells // 2)],
    }


def record_corpus(run: Path, features: Features) -> None:
    """Record what arms are scored on, as a run does before its first trial."""
    splits = {name: features.split(name) for name in features.splits}
    record_examples(
        run,
        features.corpus,
        features.language,
        features.labels,
        features.sha256,
        features.n,
        features.d,
        features.v,
        {name: (s.ids, s.labels, s.half.tolist()) for name, s in splits.items()},
    )


def record_arms(run: Path, features: Features, arms: Sequence[Arm]) -> None:
    """Record each arm as a trial of its own: the most parts that a run can have."""
    generator = np.random.default_rng(0)
    labels = {name: features.split(name).labels for name in features.splits if name != "train"}
    for arm in arms:
        blocks = [
            (arm.key, split, epoch, rules, _logits(gold, generator))
            for epoch, rules in CHOSEN.items()
            for split, gold in labels.items()
        ]
        epochs = [
            {"arm": arm.key, "epoch": epoch, "split": split, **_figures(generator)}
            for epoch in range(1, EPOCHS + 1)
            for split in SPLITS
        ]
        record_trial(run, f"{arm.key}-0", [_arm_row(arm)], epochs, predictions_table(blocks))


def _logits(gold: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Logits that are right for most texts and labels, `[m, C]`."""
    return generator.normal(3.0 * gold - 1.5, 1.5).astype(np.float32)


def _figures(generator: np.random.Generator) -> dict[str, Any]:
    """The figures of one epoch and split."""
    names = [field.name for field in epochs_schema() if str(field.type) == "double"]
    numbers = generator.random(len(names)).tolist()
    return dict(zip(names, numbers, strict=True)) | {"predicted": list(range(11))}


def _arm_row(arm: Arm) -> dict[str, Any]:
    """The row of `arms`."""
    return arm.columns | {
        "status": "ok",
        "error": "",
        "epochs": EPOCHS,
        "seconds": 100.0,
        "device": "cpu",
        "threads": 1,
        "width": 1,
        "host": "recorded",
        "versions": "{}",
        "signature": arm.signature,
        "finished": datetime.now(UTC),
    }
