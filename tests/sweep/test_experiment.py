"""Experiment files: what is accepted, and the sentence for what is not."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from sweep.errors import ExperimentError
from sweep.experiment import built_in_experiments, load_experiment


def refused(tiny: dict[str, Any], *overrides: str) -> str:
    with pytest.raises(ExperimentError) as caught:
        load_experiment(tiny, overrides)
    return str(caught.value)


def test_built_in_experiments_are_valid() -> None:
    assert built_in_experiments() == ["losses", "paper", "sample"]
    paper, _ = load_experiment("paper")
    assert paper.languages == ("en", "es")
    assert paper.grid.batch_size == (16, 32, 64, 128)
    assert len(paper.grid.loss) == 5
    assert paper.train.epochs == 30
    assert paper.network.heights == (1, 2, 3, 4, 5, 6)
    assert paper.network.filters == 128
    load_experiment("sample")


def test_the_experiment_of_all_losses_has_them_all() -> None:
    losses, known = load_experiment("losses")
    assert [entry.name for entry in losses.grid.loss] == list(known)


def test_overrides_replace_what_the_file_says(tiny: dict[str, Any]) -> None:
    experiment, _ = load_experiment(
        tiny, ["grid.seed=[0, 3]", "train.learning_rate=0.01", "languages=[es]"]
    )
    assert experiment.grid.seed == (0, 3)
    assert experiment.train.learning_rate == 0.01
    assert experiment.languages == ("es",)


def test_grid_combines_settings_of_train(tiny: dict[str, Any]) -> None:
    experiment, _ = load_experiment(
        tiny, ["grid.learning_rate=[0.001, 0.01]", "grid.warmup_epochs=[0, 1]"]
    )
    combinations = {(s.learning_rate, s.warmup_epochs) for s in experiment.train_settings()}
    assert combinations == {(0.001, 0), (0.001, 1), (0.01, 0), (0.01, 1)}


def test_a_loss_is_listed_with_values_of_its_parameters(tiny: dict[str, Any]) -> None:
    experiment, _ = load_experiment(
        tiny, ["grid.loss=[bce, {name: focal, gamma: [1, 2], alpha: 0.5}]"]
    )
    bce, focal = experiment.grid.loss
    assert list(bce.combinations()) == [{}]
    assert list(focal.combinations()) == [{"gamma": 1, "alpha": 0.5}, {"gamma": 2, "alpha": 0.5}]
    written = experiment.resolved()
    assert written["grid"]["loss"] == ["bce", {"name": "focal", "gamma": [1, 2], "alpha": 0.5}]
    assert load_experiment(written)[0] == experiment


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("grid.loss=[bec]", "grid.loss[0]: unknown loss 'bec'; did you mean bce? (`softsweep"),
        ("grid.batch=[16]", "grid.batch: unknown key; allowed here: batch_size, bce_weight"),
        ("corpus.trian=5", "corpus.trian: unknown key; allowed here: dev, reader, seed"),
        ("corpus.reader=nope", "corpus.reader: expected one of sample, semeval2018-ec, table"),
        ("vectors.kind=nope", "vectors.kind: expected one of file, skipgram"),
        ("vectors={}", "vectors.kind: expected one of"),
        ("vectors.dimension=0", "vectors.dimension: input should be greater than or equal to 1"),
        ("grid.batch_size=[x]", "grid.batch_size[0]: input should be a valid integer"),
        ("grid.seed=[-1]", "grid.seed[0]: input should be greater than or equal to 0, not -1"),
        ("grid.seed=3", "grid.seed: input should be a valid list, not 3"),
        ("grid.seed=[1, 1]", "grid.seed: a value is listed twice"),
        ("grid.loss=[]", "grid.loss: "),
        ("grid.loss=[3]", "grid.loss[0]: expected the name of a loss, or a mapping such as {name:"),
        ("grid.loss=[{gamma: 1}]", "grid.loss[0]: expected the name of a loss, or a mapping"),
        ("grid.loss=[{name: focal, gamma: []}]", "grid.loss[0]: gamma: expected a value or a list"),
        ("grid.loss=[{name: focal, gamma: [1, 1]}]", "loss[0].gamma: a value is listed twice"),
        ("grid.loss=[{name: focal, beta: 1}]", "focal has no parameter 'beta'; its parameters: ga"),
        ("grid.loss=[{name: focal, gamma: a}]", "grid.loss[0]: focal: gamma must be a finite numb"),
        ("languages=[English]", "languages[0]: language 'English': expected an ISO 639 code"),
        ("lexicons={de: [afinn]}", "lexicons.de: not among languages (en)"),
        ("lexicons=[3]", "lexicons[0]: expected a name, a path or {name: NAME, optional: true}"),
        ("train.warmup_epochs=2", "train: warmup_epochs is 2 of 2 epochs"),
        ("grid.warmup_epochs=[0, 2]", "warmup_epochs is 2 of 2 epochs"),
        ("name=a/b", "name: string should match pattern"),
        ("name=..", "name: string should match pattern"),
        ("languages=[en, en]", "languages: a value is listed twice"),
        ("grid.seed=[99999999999999999999]", "grid.seed[0]: input should be less than 4294967296"),
        ("grid.batch_size=[3000000000]", "grid.batch_size[0]: input should be less than"),
        ("name=2026-99-99", "--set name=2026-99-99: the value is not valid YAML"),
        ("train.epochs", "--set train.epochs: expected key=value"),
        ("name.x=1", "--set name.x=1: name is a value, not a section"),
        ("train.epochs=[", "--set train.epochs=[: the value is not valid YAML"),
    ],
)
def test_a_wrong_key_or_value_is_one_sentence(
    tiny: dict[str, Any], override: str, message: str
) -> None:
    said = refused(tiny, override)
    assert message in said
    assert "\n" not in said


def test_a_setting_has_one_place(tiny: dict[str, Any]) -> None:
    said = refused(tiny, "grid.learning_rate=[0.1]", "train.learning_rate=0.2")
    assert "learning_rate is given in both grid and train" in said


def test_a_missing_key_is_named(tiny: dict[str, Any]) -> None:
    del tiny["grid"]
    assert refused(tiny).endswith("grid: is required")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ExperimentError, match=r"no such experiment; give a \.yaml file"):
        load_experiment("sampel")
    with pytest.raises(ExperimentError, match="cannot be read"):
        load_experiment(tmp_path / "absent.yaml")
    broken = tmp_path / "broken.yaml"
    broken.write_text("name: x\ngrid: [\n")
    with pytest.raises(ExperimentError, match=r"broken.yaml, line 3: not valid YAML"):
        load_experiment(broken)
    broken.write_bytes(b"name: \xff\n")
    with pytest.raises(ExperimentError, match="not UTF-8 text"):
        load_experiment(broken)
    for text in ("name: a\0b", "name: 2026-99-99"):
        broken.write_text(text)
        with pytest.raises(ExperimentError, match=r"broken.yaml: not valid YAML"):
            load_experiment(broken)
    broken.write_text("- a list")
    with pytest.raises(ExperimentError, match="expected a mapping"):
        load_experiment(broken)


LOSS = '''
from model import soft_metric

@soft_metric(label="Mine")
def mine(o, y):
    """Σ y·o"""
    return (o * y).sum()
'''


def test_loss_files_are_found_beside_the_experiment(tmp_path: Path, tiny: dict[str, Any]) -> None:
    (tmp_path / "mine.py").write_text(LOSS, encoding="utf-8")
    tiny["losses"] = ["mine.py"]
    tiny["grid"]["loss"] = ["mine", "bce"]
    path = tmp_path / "experiment.yaml"
    path.write_text(yaml.safe_dump(tiny))
    experiment, losses = load_experiment(path)
    assert losses["mine"].label == "Mine"
    assert experiment.losses == (str(tmp_path / "mine.py"),)


@pytest.mark.parametrize("grid", [{}, {"learning_rate": [0.1, 0.2]}, {"warmup_epochs": [0, 1]}])
def test_a_resolved_experiment_says_the_same(tiny: dict[str, Any], grid: dict[str, Any]) -> None:
    tiny["grid"] |= grid
    for key in grid:
        tiny["train"].pop(key, None)
    experiment, _ = load_experiment(tiny)
    again, _ = load_experiment(experiment.resolved())
    assert again.model_dump() == experiment.model_dump()
