"""A test split that arrives later is scored as if it had been there, by what kept its weights."""

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from features.sample import EMOTIONS, sample_split
from model.weights import FACTS, open_weights
from results import open_run
from results.derived import current_table
from results.errors import RecordWarning
from results.records import recorded
from results.run import Run
from sweep.driver import Outcome
from sweep.scoring import score_later

RunTiny = Callable[..., Outcome]
Command = Callable[..., tuple[int, str, str]]

M = 60
KEYS = ["arm", "epoch", "split"]


def logits(run: Path, split: str, rule: str) -> tuple[list[tuple[str, int]], list[Any]]:
    """Losses with the texts that they predict, and their logits, at the epochs of a rule."""
    recorded = open_run(run)
    loss = recorded.arms.set_index("arm")["loss"]
    rows = recorded.predictions
    chosen = np.array([rule in rules for rules in rows["chosen_by"]])
    rows = rows[(rows["split"] == split) & chosen]
    rows = rows.assign(loss=rows["arm"].map(loss)).sort_values(["loss", "example"])
    keys = list(zip(rows["loss"], rows["example"], strict=True))
    return keys, np.stack(rows["logits"].tolist()).tolist()


def write_gold(path: Path, m: int = M, seed: int = 0) -> Path:
    """Writes the sample's test texts with their labels."""
    texts, labels = sample_split("en", "test", m, seed)
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "text", *EMOTIONS])
        for place, (text, row) in enumerate(zip(texts, labels.tolist(), strict=True)):
            rows.writerow([f"sample-en-test-{place:05d}", text, *row])
    return path


@pytest.fixture
def gold(tmp_path: Path) -> Path:
    return write_gold(tmp_path / "gold.csv")


@pytest.fixture
def run(trained: Callable[[int], Path], tmp_path: Path) -> Path:
    """A run without a test split whose two arms kept their weights."""
    return Path(shutil.copytree(trained(0), tmp_path / "run"))


@pytest.fixture
def more(tiny: dict[str, Any], run_tiny: RunTiny) -> Callable[..., Outcome]:
    """Goes on with that run, by default without keeping weights."""

    def run(*overrides: str, **options: Any) -> Outcome:
        tiny["corpus"]["test"] = 0
        return run_tiny(*overrides, **options)

    return run


def spoil_weights(path: Path) -> None:
    """Flips bits of a number of the last tensor."""
    content = bytearray(path.read_bytes())
    content[-2] ^= 0x7F
    path.write_bytes(content)


def of_another_training(path: Path) -> None:
    """Gives a file the weights that another training of its arm would have had."""
    from safetensors.torch import load_file, save

    facts = open_weights(path).facts
    tensors = {name: tensor.clone() for name, tensor in load_file(path).items()}
    for name, tensor in tensors.items():
        if name.endswith("head_bias"):
            tensor += 0.01
    said = {name: value for name, value in facts.items() if name != "sha256"}
    path.write_bytes(save(tensors, {FACTS: json.dumps(said)}))


def scores(run: Path) -> dict[tuple[str, str, str, str], float | None]:
    return {
        (row["loss"], row["chosen_by"], row["threshold"], row["metric"]): row["value"]
        for row in current_table(Run(run), "scores").to_pylist()
    }


def test_later_is_as_from_the_start(
    run: Path, trained: Callable[[int], Path], cache: Path, gold: Path
) -> None:
    assert set(open_run(run).scores["split"]) == {"dev"}
    scored = score_later(run, gold, cache=cache)
    assert (scored.texts, scored.scored, scored.already) == (M, 2, 0)
    assert not scored.weightless
    assert scored.coverage.endswith("tokens are unknown to vectors and lexicons")
    whole = trained(M)
    late, first = logits(run, "test", "macro_f1"), logits(whole, "test", "macro_f1")
    assert late[0] == first[0]
    np.testing.assert_allclose(late[1], first[1], rtol=1e-3, atol=1e-3)
    assert set(open_run(run).scores["split"]) == {"test"}
    assert scores(run) == pytest.approx(scores(whole), abs=0.02)


def test_scoring_again_changes_nothing(run: Path, cache: Path, gold: Path) -> None:
    score_later(run, gold, cache=cache)
    before = sorted(path.name for path in run.glob("*/*.parquet")), scores(run)
    again = score_later(run, gold, cache=cache)
    assert (again.scored, again.already) == (0, 2)
    assert (sorted(path.name for path in run.glob("*/*.parquet")), scores(run)) == before


def test_what_was_recorded_of_dev_is_kept(run: Path, cache: Path, gold: Path) -> None:
    before = logits(run, "dev", "acc/a"), open_run(run).epochs.drop(columns="part")
    score_later(run, gold, cache=cache)
    after = logits(run, "dev", "acc/a"), open_run(run).epochs.drop(columns="part")
    assert after[0] == before[0]
    one, other = (epochs.sort_values(KEYS, ignore_index=True) for _, epochs in (before, after))
    pd.testing.assert_frame_equal(one, other)


def test_arms_without_weights_stay_and_say_why(
    run: Path, more: Callable[..., Outcome], cache: Path, gold: Path
) -> None:
    more("grid.loss=[mse]")
    scored = score_later(run, gold, cache=cache)
    assert [arm["loss"] for arm in scored.weightless] == ["mse"]
    assert (
        "1 arms kept no weights of use and have no number on test: MSE seed 0 (" in scored.lines[1]
    )
    frame = open_run(run).scores
    assert set(frame[frame["loss"] != "mse"]["status"]) == {"ok"}
    others = frame[frame["loss"] == "mse"]
    assert set(others["status"]) == {"unscored"}
    assert others["value"].isna().all()


@pytest.mark.parametrize("spoil", [spoil_weights, of_another_training])
def test_weights_that_do_not_give_what_was_recorded_are_left_out(
    softsweep: Command, run: Path, gold: Path, spoil: Callable[[Path], None]
) -> None:
    path = min((run / "weights").iterdir())
    spoil(path)
    status, _, err = softsweep("score", run, gold)
    assert status == 0
    (warned,) = [line for line in err.splitlines() if str(path) in line]
    assert "damaged" in warned
    assert "delete it to go on without these weights" in warned
    assert "60 test texts: 1 arms scored" in err
    assert "1 arms kept no weights of use and have no number on test: " in err
    assert len(Run(run).arms_table) == 2
    status, _, err = softsweep("predict", run, path.stem, gold)
    assert (status, err.count("\n")) == (2, 1)
    assert f"{path} " in err


def test_a_damaged_part_is_passed_by_before_anything_is_recorded(
    run: Path, cache: Path, gold: Path
) -> None:
    part = min((run / "predictions").iterdir())
    content = bytearray(part.read_bytes())
    found = pq.read_metadata(part).row_group(0)
    column = found.column(
        next(c for c in range(found.num_columns) if "logits" in found.column(c).path_in_schema)
    )
    content[
        (column.dictionary_page_offset or column.data_page_offset)
        + column.total_compressed_size
        - 1
    ] ^= 1
    part.write_bytes(content)
    with pytest.warns(RecordWarning, match=f"{part.name} is damaged"):
        scored = score_later(run, gold, cache=cache)
    assert (scored.scored, scored.already) == (1, 0)
    there = Run(run)
    with pytest.warns(RecordWarning):
        there.examine()
    assert len(there.arms_table) == 1


def test_more_seeds_train_on_and_are_scored_by_another_call(
    run: Path, more: Callable[..., Outcome], cache: Path, gold: Path
) -> None:
    score_later(run, gold, cache=cache)
    more("grid.seed=[0, 1]", keep_weights=True)
    assert set(open_run(run).examples["split"]) == {"train", "dev", "test"}
    frame = open_run(run).scores
    assert set(zip(frame["status"], frame["seeds"], frame["seeds_ok"], strict=True)) == {
        ("ok", 2, 1)
    }
    assert score_later(run, gold, cache=cache).scored == 2
    assert set(open_run(run).scores["seeds_ok"]) == {2}


def test_scored_arms_survive_a_merge(
    run: Path,
    more: Callable[..., Outcome],
    cache: Path,
    gold: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    score_later(run, gold, cache=cache)
    before = scores(run)
    monkeypatch.setattr("sweep.driver.MERGE_FROM", 2)
    more()
    assert len(list((run / "arms").glob("*.parquet"))) == 1
    assert set(recorded(run).values()) == {"ok"}
    assert scores(run) == before


def test_the_command_prints_the_tables(softsweep: Command, run: Path, gold: Path) -> None:
    status, out, err = softsweep("score", run, gold)
    assert status == 0
    assert "test set, epoch chosen on dev" in out
    assert "sample en, 60 test texts: 2 arms scored; 1.6% of" in err


def other_labels(path: Path) -> None:
    path.write_text(path.read_text().replace("anger", "wrath", 1))


def of_dev(path: Path) -> None:
    path.write_text(path.read_text().replace("-test-00001", "-dev-00001", 1))


def twice(path: Path) -> None:
    path.write_text(path.read_text().replace("-test-00001", "-test-00000", 1))


def no_label(path: Path) -> None:
    head, *rows = path.read_text().splitlines()
    path.write_text("\n".join([head, *(row[:-1] + "2" for row in rows)]) + "\n")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (other_labels, "no column 'anger'"),
        (of_dev, "1 of its ids are of dev already"),
        (twice, "line 3: id 'sample-en-test-00000' was already on line 2"),
        (no_label, "line 2: label trust is '2'; expected 0 or 1"),
        (Path.unlink, "cannot be read"),
    ],
)
def test_a_wrong_file_is_one_sentence_and_leaves_the_run_alone(
    softsweep: Command,
    run: Path,
    gold: Path,
    spoil: Callable[[Path], None],
    said: str,
) -> None:
    before = sorted(path.name for path in run.rglob("*"))
    spoil(gold)
    status, out, err = softsweep("score", run, gold)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert said in err
    assert sorted(path.name for path in run.rglob("*")) == before


def test_other_test_texts_are_refused(
    softsweep: Command, run: Path, gold: Path, cache: Path, tmp_path: Path
) -> None:
    score_later(run, gold, cache=cache)
    for other in (write_gold(tmp_path / "o.csv", m=50), write_gold(tmp_path / "p.csv", seed=1)):
        status, _, err = softsweep("score", run, other)
        assert status == 2
        assert "holds other test texts of sample en, or other labels (60 texts, here" in err


def test_requests_that_make_no_sense(softsweep: Command, run_tiny: RunTiny, gold: Path) -> None:
    run = run_tiny("languages=[en, es]").run
    for arguments, said in [
        (["--split", "dev"], "--split dev: expected test; dev has chosen the epochs"),
        (["--language", "ar"], "--language ar: "),
        ([], "has sample en, sample es: say with --language whose test texts these are"),
        (["--language", "en"], "sample en has a test split since its features were built"),
    ]:
        status, _, err = softsweep("score", run, gold, *arguments)
        assert status == 2
        assert said in err
