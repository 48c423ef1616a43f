"""Names and tags in files that somebody else wrote: refused, or only shown; never paths or code."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from results.errors import RecordError
from sweep.errors import ExperimentError
from sweep.experiment import load_experiment
from sweep.plan import make_job
from sweep.recording import weights_path

Command = Callable[..., tuple[int, str, str]]

NAMES = ["../outside", "/outside", "a/../../b", "..", ".x", "", "x\0y", "x\ny", "x\n", "n" * 300]

TAGS = [
    "!!python/object/apply:os.mkdir [outside]",
    "!!python/object/new:os.mkdir [outside]",
    "!!python/name:os.system ''",
    "!!python/module:os ''",
    "!!python/object/apply:subprocess.run [[touch, outside]]",
    "!custom x",
]


@pytest.mark.parametrize("name", NAMES)
def test_names_in_an_experiment(name: str, tiny: dict[str, Any]) -> None:
    table = {"reader": "table", "train": "t.csv", "text": "t", "labels": ["a"], "id": "i"}
    changes: list[dict[str, Any]] = [
        {"name": name},
        {"languages": [name]},
        {"corpus": {**table, "name": name}},
        {"corpus": {**table, "reader": name}},
        {"grid": {**tiny["grid"], "loss": [name]}},
        {"confirm": [name]},
    ]
    for change in changes:
        with pytest.raises(ExperimentError) as caught:
            make_job({**tiny, **change})
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", NAMES)
def test_an_arm_of_a_run_names_no_file(name: str, tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="is no arm's key"):
        weights_path(tmp_path, name)


@pytest.mark.parametrize("name", NAMES)
def test_names_of_imported_systems(
    name: str, trained: Callable[[int], Path], softsweep: Command, tmp_path: Path
) -> None:
    file = tmp_path / "theirs.csv"
    file.write_text("id,joy\n1,0.5\n")
    run = trained(60)
    before = sorted(run.parent.rglob("*"))
    status, _, err = softsweep("import", run, file, f"--name={name}")
    assert status == 2
    assert err.startswith("softsweep: --name ")
    assert err.count("\n") == 1
    assert sorted(run.parent.rglob("*")) == before


@pytest.mark.parametrize("tag", TAGS)
def test_yaml_makes_no_objects(
    tag: str, tiny: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "tiny.yaml"
    file.write_text(f"{yaml.safe_dump(tiny)}\nconfirm: {tag}\n")
    with pytest.raises(ExperimentError, match=r"tiny\.yaml, line .*: not valid YAML"):
        load_experiment(file)
    with pytest.raises(ExperimentError, match=r"--set confirm=.*: the value is not valid YAML"):
        load_experiment(tiny, [f"confirm={tag}"])
    assert not (tmp_path / "outside").exists()
