"""`softsweep ablate`, end to end on the sample corpus with lexicons that are plain tables."""

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from rich.console import Console

from features import Features, InputError
from features.sample import sample_lexicon
from sweep import Ablation, ablate
from sweep.ablation import Variant, _check_features
from sweep.driver import build_features
from sweep.errors import ExperimentError
from sweep.plan import make_job
from sweep.workers import Workers

AblateTiny = Callable[..., Ablation]
FIRST, SECOND = "lexicons/first.{lang}.tsv", "lexicons/the second.tsv"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder with two lexicons of generated words, each some columns of the sample's."""
    folder = tmp_path / "data" / "lexicons"
    folder.mkdir(parents=True)
    words = list(sample_lexicon("en"))
    for name, columns in (("first.en", slice(0, 3)), ("the second", slice(3, 5))):
        lines = [[word, *map(str, values[columns])] for word, values in words]
        header = ["word", *(f"column{index}" for index in range(len(lines[0]) - 1))]
        text = "\n".join("\t".join(line) for line in [header, *lines])
        (folder / f"{name}.tsv").write_text(text)
    return tmp_path / "data"


@pytest.fixture
def experiment(tiny: dict[str, Any], tmp_path: Path) -> Path:
    """The tiny experiment, smaller still, with these lexicons for English and none for Spanish."""
    tiny["languages"] = ["en", "es"]
    tiny["lexicons"] = {"en": [FIRST, SECOND]}
    tiny["corpus"] = {"reader": "sample", "train": 40, "dev": 30, "test": 30}
    tiny["grid"]["loss"] = ["bce"]
    tiny["train"] = {"epochs": 1}
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump(tiny))
    return path


@pytest.fixture
def ablate_tiny(experiment: Path, data: Path, cache: Path, tmp_path: Path) -> AblateTiny:
    """Ablates it inline into `tmp_path / 'out'`, with overrides."""

    def run(*overrides: str, **options: Any) -> Ablation:
        settings: dict[str, Any] = {
            "data": data,
            "out": tmp_path / "out",
            "cache": cache,
            "console": Console(quiet=True),
            **options,
        }
        return ablate(experiment, overrides=overrides, workers=Workers("inline"), **settings)

    return run


def lexicons_of(done: Ablation, variant: str) -> list[str]:
    """Lexicons that a variant's run was asked for, as its folder says."""
    resolved = yaml.safe_load((done.outcomes[variant].run / "experiment.yaml").read_text())
    assert resolved["languages"] == ["en"]
    lexicons: list[str] = resolved["lexicons"]["en"]
    return lexicons


@pytest.mark.slow
def test_every_variant_is_a_run_with_its_lexicons(ablate_tiny: AblateTiny, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    done = ablate_tiny(cache=cache)
    assert list(done.outcomes) == ["none", FIRST, SECOND, "all"]
    asked = [lexicons_of(done, variant) for variant in done.outcomes]
    assert asked == [[], [FIRST], [SECOND], [FIRST, SECOND]]
    assert {outcome.run.parent for outcome in done.outcomes.values()} == {done.folder}
    assert sum(path.is_dir() for path in cache.glob("vectors-*")) == 1  # trained once for all
    assert [row["variant"] for row in done.rows if row["own"]] == list(done.outcomes)
    assert {path.suffix for path in done.folder.glob("ablation.*")} == {".csv", ".md"}
    again = ablate_tiny("grid.seed=[0, 1]", variants=["all"], cache=cache)
    tried = {name: outcome.tried for name, outcome in again.outcomes.items()}
    assert tried == {"none": 1, "all": 1}
    assert {row["shared_seeds"] for row in again.rows if row["variant"] == "all"} == {2}


@pytest.mark.slow
def test_what_is_left_out_is_said(ablate_tiny: AblateTiny) -> None:
    shown = io.StringIO()
    lexicons = f'lexicons={{en: ["{FIRST}", {{name: liwc, optional: true}}]}}'
    done = ablate_tiny(lexicons, console=Console(file=shown, width=500))
    assert list(done.outcomes) == ["none", FIRST]
    skipped, same, _, none, _, first = shown.getvalue().splitlines()
    assert skipped.startswith("liwc en: optional and skipped: lexicon liwc: expected LIWC2007")
    assert same == f"all en: is {FIRST} alone, not run twice"
    assert none == "none: 1 of 1 arms trained"
    assert first == f"{FIRST}: 1 of 1 arms trained"


@pytest.mark.parametrize(
    ("overrides", "variants", "message"),
    [
        ([], ["afinn"], r"--variant afinn: expected one of none, all, lexicons/first"),
        ([], ["none"], "experiment tiny: nothing to compare with none"),
        (["lexicons=[]"], [], "experiment tiny: nothing to compare with none"),
    ],
)
def test_nothing_to_compare(
    ablate_tiny: AblateTiny, overrides: list[str], variants: list[str], message: str, tmp_path: Path
) -> None:
    with pytest.raises(ExperimentError, match=message):
        ablate_tiny(*overrides, variants=variants)
    assert not (tmp_path / "out").exists()


def test_a_missing_lexicon_is_known_before_anything_is_trained(
    ablate_tiny: AblateTiny, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=r"gone\.tsv"):
        ablate_tiny(f'lexicons={{en: ["{FIRST}", gone.tsv]}}')
    assert not (tmp_path / "out").exists()


def test_a_malformed_lexicon_is_known_before_anything_is_trained(
    ablate_tiny: AblateTiny, data: Path, tmp_path: Path
) -> None:
    (data / "lexicons" / "the second.tsv").write_text("word\tcolumn\nvarn\tmuch\n")
    with pytest.raises(InputError, match=r"the second\.tsv, line 2: the value is 'much'"):
        ablate_tiny()
    assert not (tmp_path / "out").exists()


def test_variants_on_other_vectors_are_refused(experiment: Path, data: Path, cache: Path) -> None:
    def features(seed: int) -> dict[str, Features]:
        overrides = [f"vectors.seed={seed}", "lexicons=[]", "languages=[en]"]
        job = make_job(experiment, data=data, cache=cache, overrides=overrides)
        return build_features(job, Console(quiet=True))

    _check_features({"none": features(0), "all": features(0)})
    with pytest.raises(ExperimentError, match=r"none and all \(en\) hold word vectors"):
        _check_features({"none": features(0), "all": features(1)})


def test_folders_are_names_and_distinct() -> None:
    names = ["none", "all", "afinn", "a/x.tsv", "b/x.tsv", "../../x.tsv", "/x.tsv", "ñ/{lang}.tsv"]
    folders = [Variant(name, {}).folder for name in names]
    assert folders[:3] == names[:3]
    assert len({folder.casefold() for folder in folders}) == len(names)
    assert all("/" not in folder and not folder.startswith(".") for folder in folders)


@pytest.mark.slow
def test_the_command(
    experiment: Path,
    data: Path,
    cache: Path,
    tmp_path: Path,
    softsweep: Callable[..., tuple[int, str, str]],
) -> None:
    losses = tmp_path / "bad.py"
    losses.write_text(
        "from model import loss\n@loss(label='Bad')\ndef bad(z, y):\n    return z[99]"
    )

    def ablated(*arguments: object) -> tuple[int, str, str]:
        folders = ("--data", data, "--cache", cache, "--out", tmp_path / "out")
        command = ("ablate", experiment, *folders, "--executor", "inline", "--variant", FIRST)
        return softsweep(*command, *arguments)

    status, out, err = ablated("--metric", "f2")
    assert (status, out) == (2, "")
    assert err == "softsweep: --metric f2: expected one of own, acc, macro_f1, micro_f1\n"
    assert not (tmp_path / "out").exists()
    status, out, err = ablated("--metric", "macro_f1")
    assert status == 0
    assert out.startswith("Lexicons: English (sample), test set")
    assert "│ BCE  │ none" in out
    assert err.endswith(f"are in {tmp_path / 'out'}\n")
    status, out, _ = ablated("--format", "csv", "--losses", losses, "--set", "grid.loss=[bad]")
    assert status == 1
    rows = {(row["loss"], row["variant"]): row for row in csv.DictReader(io.StringIO(out))}
    assert rows["bad", FIRST]["no_difference"] == "failed"
    assert float(rows["bce", FIRST]["difference_lo"]) <= float(rows["bce", FIRST]["difference_hi"])
