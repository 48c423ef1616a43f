"""`softsweep cache`: what lies in the cache, what of it goes, and what is said of damage."""

import csv
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from features import Features, FeatureSpec, build

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def filled(tiny: dict[str, Any], tmp_path: Path) -> Features:
    """The features of the tiny experiment in a cache of their own."""
    given = {key: tiny[key] for key in ("corpus", "vectors", "lexicons")} | {"language": "en"}
    return build(FeatureSpec.model_validate(given), None, tmp_path / "own")


@pytest.fixture
def cache(filled: Features) -> Path:
    """The cache that commands find here, instead of the one that tests share."""
    return filled.path.parent


def rows(out: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(out)))


def test_list(softsweep: Command, filled: Features) -> None:
    os.utime(filled.path, (2e9, 2e9))
    status, out, err = softsweep("cache", "list", "--format", "csv")
    assert (status, err) == (0, "")
    features, vectors = rows(out)
    assert filled.key.startswith(features["key"])
    assert (features["kind"], features["corpus or text"]) == ("features", "sample")
    assert features["d + v"] == f"8 + {filled.v}"
    assert int(features["words"]) == len(filled.words())
    assert features["last used"].startswith("2033-05-1")
    assert (vectors["kind"], vectors["corpus or text"], vectors["d + v"]) == (
        ("vectors", "sample", "8")
    )
    assert {features["state"], vectors["state"]} == {"ok"}
    _, out, _ = softsweep("cache", "list")
    assert "2 entries, " in out
    _, out, _ = softsweep("cache", "list", "--format", "json")
    assert len(json.loads(out)["rows"]) == 2


def test_prune_is_one_line(softsweep: Command, filled: Features) -> None:
    cache = filled.path.parent
    nothing = f"removed from {cache}: nothing, 0.0 MiB\n"
    assert softsweep("cache", "prune") == (0, "", nothing)
    assert softsweep("cache", "prune", "--unused", 1) == (0, "", nothing)
    os.utime(filled.path, (0, 0))
    status, out, err = softsweep("cache", "prune", "--unused", 1, "--dry-run", "--format", "csv")
    assert status == 0
    assert [filled.key.startswith(row["key"]) for row in rows(out)] == [True]
    assert err.startswith(f"to remove from {cache}: 1 entry, 0.")
    assert filled.path.is_dir()
    status, out, err = softsweep("cache", "prune", "--unused", 1)
    assert (status, out) == (0, "")
    assert err.startswith(f"removed from {cache}: 1 entry, 0.")
    assert err.count("\n") == 1
    assert [path.name[:8] for path in cache.iterdir() if path.is_dir()] == ["vectors-"]
    assert softsweep("cache", "prune", "--all")[0] == 0
    assert list(cache.iterdir()) == []
    _, out, _ = softsweep("cache", "list")
    assert "0 entries, 0.0 MiB" in out


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["list", "--cache", "nowhere"], "--cache nowhere: no such folder"),
        (["prune", "--cache", __file__], "test_cache_commands.py: no such folder"),
        (["prune", "--all", "--unused", "3"], "--unused, --all: expected one of them"),
        (["prune", "--unused", "-1"], "--unused -1: expected a number of days, 0 or more"),
    ],
)
def test_a_wrong_request_is_one_sentence(
    softsweep: Command, arguments: list[str], named: str
) -> None:
    status, out, err = softsweep("cache", *arguments)
    assert (status, out) == (2, "")
    assert err.startswith("softsweep: ")
    assert err.count("\n") == 1
    assert named in err


def test_no_number_of_days_is_too_large(softsweep: Command, filled: Features) -> None:
    assert softsweep("cache", "prune", "--unused", 10**30)[0] == 0
    assert filled.path.is_dir()


def test_damage_is_said_once_by_plan_and_by_run(
    softsweep: Command, filled: Features, tiny: dict[str, Any], tmp_path: Path
) -> None:
    experiment = tmp_path / "tiny.yaml"
    experiment.write_text(yaml.safe_dump(tiny | {"train": {"epochs": 1}}), encoding="utf-8")
    os.truncate(filled.path / "words.arrow", 100)
    said = re.escape(f"{filled.path / 'words.arrow'}: 100 bytes; expected ")
    said += r"\d+: the entry is damaged and has to be built again\n"
    status, out, err = softsweep("plan", experiment, "--out", tmp_path / "run")
    assert status == 0
    assert "features are not built yet" in out
    assert re.fullmatch(said, err)
    run = ("run", experiment, "--out", tmp_path / "run", "--executor", "inline")
    status, _, err = softsweep(*run)
    assert status == 0
    assert len(re.findall(said, err)) == 1
    status, _, err = softsweep(*run)
    assert status == 0
    assert "damaged" not in err


def test_listing_is_light(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom sweep import cli\n"
        "sys.argv = ['softsweep', 'cache', 'list', '--cache', *sys.argv[1:]]\n"
        "try:\n    cli.main()\nexcept SystemExit:\n    pass\n"
        "heavy = {'duckdb', 'gensim', 'pandas', 'ray', 'torch'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code, tmp_path], check=True, capture_output=True)
