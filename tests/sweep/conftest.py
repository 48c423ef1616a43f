"""A tiny experiment on the sample corpus: seconds, and every room does its real work."""

import copy
import functools
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from rich.console import Console

from sweep import cli
from sweep.driver import Outcome, run_experiment
from sweep.workers import Workers

TINY: dict[str, Any] = {
    "name": "tiny",
    "corpus": {"reader": "sample", "train": 120, "dev": 60, "test": 60},
    "languages": ["en"],
    "vectors": {"kind": "skipgram", "dimension": 8, "epochs": 1, "workers": 1, "text": "sample"},
    "lexicons": ["sample"],
    "grid": {"loss": ["soft_macro_f1", "bce"], "batch_size": [16], "seed": [0]},
    "train": {"epochs": 2},
    "network": {"filters": 4, "heights": [1, 2]},
}


@pytest.fixture
def tiny() -> dict[str, Any]:
    """The experiment; a test may change it."""
    return copy.deepcopy(TINY)


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A feature cache that all tests of a session share."""
    return tmp_path_factory.mktemp("cache")


Launch = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def launch() -> Iterator[Launch]:
    """Starts commands as processes whose output is kept; none outlives its test."""
    started: list[subprocess.Popen[str]] = []

    def run(
        command: Sequence[str], cwd: Path, env: Mapping[str, str] | None = None
    ) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        started.append(
            subprocess.Popen(command, cwd=cwd, env=env, stdout=pipe, stderr=pipe, text=True)
        )
        return started[-1]

    yield run
    for process in started:
        process.kill()
        process.communicate()


RunTiny = Callable[..., Outcome]
Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run_tiny(tiny: dict[str, Any], cache: Path, tmp_path: Path) -> RunTiny:
    """Runs the tiny experiment inline into `tmp_path / 'run'`, with overrides."""

    def run(*overrides: str, executor: str = "inline", **options: Any) -> Outcome:
        settings: dict[str, Any] = {
            "out": tmp_path / "run",
            "cache": cache,
            "console": Console(quiet=True),
            "workers": Workers(executor),
            **options,
        }
        return run_experiment(tiny, overrides=overrides, **settings)

    return run


@pytest.fixture(scope="session")
def trained(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Path]:
    """Trains the tiny experiment, with so many test texts, once; for tests to copy and change.

    Its arms kept their weights.
    """

    @functools.cache
    def train(test: int) -> Path:
        experiment = copy.deepcopy(TINY)
        experiment["corpus"]["test"] = test
        outcome = run_experiment(
            experiment,
            cache=cache,
            out=tmp_path_factory.mktemp("trained") / "run",
            keep_weights=True,
            console=Console(quiet=True),
            workers=Workers("inline"),
        )
        return outcome.run

    return train


@pytest.fixture
def softsweep(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], cache: Path
) -> Command:
    """Runs a command in this process: exit status, standard output, standard error."""

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setenv("SOFTSWEEP_CACHE", str(cache))
        monkeypatch.setattr(sys, "argv", ["softsweep", *map(str, arguments)])
        with pytest.raises(SystemExit) as caught:
            cli.main()
        out, err = capsys.readouterr()
        return int(caught.value.code or 0), out, err

    return run


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    torch.set_num_threads(1)
