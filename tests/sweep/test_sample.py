"""The built-in sample is no toy: losses differ on it, and shuffled labels teach nothing."""

from pathlib import Path

import numpy as np
import pytest

from model.metrics import METRICS, statistics
from results import open_run, query
from results.difference import difference
from sweep import run_experiment

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

POINTS = 100
SOFT = {"SAcc": "acc", "SM-F1": "macro_f1", "Sm-F1": "micro_f1"}


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def run(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three losses of the sample experiment, with its three seeds."""
    out = tmp_path_factory.mktemp("sample")
    overrides = ["grid.loss=[bce, soft_accuracy, soft_macro_f1]"]
    return run_experiment("sample", out=out, cache=cache, overrides=overrides).run


def scores(run: Path) -> dict[tuple[str, str, str], float]:
    """Points by language, loss and metric, epoch chosen by the arm's own metric."""
    sql = (
        "SELECT language, label, metric, value FROM scores "
        "WHERE chosen_by = 'own' AND threshold = '0.5'"
    )
    return {
        (row["language"], row["label"], row["metric"]): POINTS * row["value"]
        for row in query(run, sql).to_pylist()
    }


@pytest.mark.parametrize("language", ["en", "es"])
def test_bce_is_neither_lost_nor_perfect(run: Path, language: str) -> None:
    assert 35 < scores(run)[language, "BCE", "acc"] < 65


@pytest.mark.parametrize("language", ["en", "es"])
def test_soft_macro_f1_beats_bce_on_macro_f1_with_the_paired_interval_above_zero(
    run: Path, language: str
) -> None:
    sql = (
        f"SELECT label, any_value(cell) AS cell FROM arms WHERE language = '{language}' GROUP BY 1"
    )
    cells = {row["label"]: row["cell"] for row in query(run, sql).to_pylist()}
    found = difference(run, cells["SM-F1"], cells["BCE"], "macro_f1")
    assert found.over_texts[0] > 0, found.values


def test_some_arm_never_predicts_some_rare_label(run: Path) -> None:
    sql = """
        WITH gold AS (
            SELECT language, unnest(gold) AS label FROM examples WHERE split = 'test'),
        rare AS (  -- in less than one text of ten
            SELECT language, label FROM gold GROUP BY ALL
            HAVING count(*) < 0.1 * (SELECT max(example) + 1 FROM examples WHERE split = 'test'))
        SELECT arm, rare.label FROM rare JOIN arms USING (language)
        EXCEPT
        SELECT arm, unnest(predicted) FROM predictions
        WHERE split = 'test' AND list_contains(chosen_by, 'own')"""
    assert len(query(run, sql)) > 0


def best_constants(run: Path, language: str) -> dict[str, float]:
    """By metric, the best score in points that one label set for all test texts can reach."""
    examples = open_run(run).examples
    test = examples[(examples["split"] == "test") & (examples["language"] == language)]
    gold = np.stack(test["labels"].to_list()).astype(bool)
    classes = gold.shape[1]
    sets = (np.arange(2**classes)[:, None] >> np.arange(classes) & 1).astype(bool)
    sums = np.stack([statistics(gold, np.broadcast_to(s, gold.shape)).sum(axis=0) for s in sets])
    return {name: POINTS * float(metric(sums).max()) for name, metric in METRICS.items()}


def test_shuffled_train_labels_teach_nothing(
    cache: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    out = tmp_path_factory.mktemp("shuffled")
    overrides = ["corpus.shuffle_labels=true", "grid.seed=[0]"]
    run = run_experiment("sample", out=out, cache=cache, overrides=overrides).run
    constants = {language: best_constants(run, language) for language in ("en", "es")}
    found = scores(run)
    assert len(found) == 2 * 5 * 3
    for (language, label, metric), value in found.items():
        assert value < constants[language][metric] + 3, (language, label, metric)
    # What a soft loss can still learn is which labels to always predict, and it does. BCE and MSE
    # at threshold 0.5 cannot: no label is in half of the texts.
    for label, metric in SOFT.items():
        for language, constant in constants.items():
            assert found[language, label, metric] > constant[metric] - 3, (language, label)
