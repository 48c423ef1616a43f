"""A run whose page is looked at: three losses, two batch sizes, three seeds, one arm diverged."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from model.metrics import METRICS
from results.records import predictions_table, record_examples, record_trial

EVIL = "</script><b id='evil'>x</b>"
NAMES = ("joy", "fear", "trust")
LOSSES = {"soft_macro_f1": ("SM-F1", 1.6), "bce": ("BCE", 0.7), "evil": (EVIL, 0.3)}
"""Labels, and how well arms of the loss know their texts."""


def epochs_of(arm: str, skill: float, seed: int) -> list[dict[str, Any]]:
    """Three epochs on three splits, higher from epoch to epoch."""
    soft = ("soft_accuracy", "soft_macro_f1", "soft_micro_f1")
    rows = []
    for epoch in (1, 2, 3):
        value = 0.2 + 0.1 * epoch + 0.05 * skill + 0.01 * seed
        for split in ("train", "dev", "test"):
            row: dict[str, Any] = {"arm": arm, "epoch": epoch, "split": split}
            row |= dict.fromkeys(METRICS, value) | dict.fromkeys(soft, value / 2)
            rows.append(row | ({"loss": 1 / epoch} if split == "train" else {}))
    return rows


def record_arm(run: Path, row: dict[str, Any], gold: NDArray[np.bool_], skill: float) -> None:
    arm, seed = row["arm"], row["seed"]
    if row["status"] != "ok":
        record_trial(run, f"trial-{arm}", [row], [])
        return
    rng = np.random.default_rng([seed, *arm.encode()])
    logits = (skill * (2.0 * gold - 1) + rng.normal(size=gold.shape)).astype(np.float32)
    logits[:, 2] -= 20 * (row["loss"] == "evil")  # never predicts trust
    rules = ("own", *METRICS)
    blocks = [(arm, split, 3, rules, logits) for split in ("dev", "test")]
    record_trial(run, f"trial-{arm}", [row], epochs_of(arm, skill, seed), predictions_table(blocks))


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory, arm_row: Callable[..., dict[str, Any]]) -> Path:
    """The run folder, its tables not made yet."""
    run = tmp_path_factory.mktemp("reported") / "toys"
    for language in ("en", "es"):
        rng = np.random.default_rng([*language.encode()])
        gold = rng.random((60, 3)) < [0.5, 0.3, 0.2]
        halves = ["a", "b"] * 30
        ids = [f"{language}-{number}" for number in range(60)]
        labels = gold.astype(np.uint8)
        splits: dict[str, Any] = {"dev": (ids, labels, halves), "test": (ids, labels, "")}
        splits["train"] = (ids, labels, "")
        record_examples(run, "toy", language, NAMES, "f" * 64, 4, 5, 0, splits)
        for loss, (label, skill) in LOSSES.items():
            for batch in (16, 32):
                for seed in range(3):
                    cell = f"{language}-{loss}-{batch}"
                    what = {"loss": loss, "label": label, "batch_size": batch, "seed": seed}
                    row = arm_row(f"{cell}-{seed}", cell=cell, language=language, **what)
                    row |= {"versions": '{"softsweep": "0.1.0"}', "host": "secret-host"}
                    if (loss, batch, seed) == ("evil", 32, 2):
                        row |= {"status": "diverged", "error": f"not finite: {EVIL}"}
                    record_arm(run, row, gold, skill)
    (run / "experiment.yaml").write_text("name: toys\n", encoding="utf-8")
    return run
