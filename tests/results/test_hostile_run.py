"""Run folders that somebody else made: names in them never become paths, nothing of them is run."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from results import aggregate, query
from results.merged import merge_runs
from results.mirrored import travels
from results.parts import MERGED, part_files
from results.records import merge_parts, record_examples
from results.schemas import METADATA_KEY
from results.stems import stems

RULES = ("own", "acc", "macro_f1", "micro_f1")
LOGITS = np.array([[0.0, -1.0, 2.0], [-3.0, -0.5, -1e-3]], np.float32)

NAMES = [
    "../../outside",
    "/outside",
    "a/../../../outside",
    "..",
    "",
    "x\0y",
    "x\ny\rz",
    "n" * 300,
    "é" * 200,
    "<script>alert(1)</script>",
    "\\input{outside}",
    "$(touch outside)",
    "'; DROP VIEW arms; --",
]


class Trap:
    """Unpickled, it leaves a file."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.file,))


@pytest.fixture
def hostile(tmp_path: Path, record: Callable[..., str]) -> Path:
    """A run of which every name is one of `NAMES`, with pickles and Python files in its folders."""
    run = tmp_path / "deep" / "er" / "run"
    gold = np.array([[1, 0, 1], [0, 1, 0]], np.uint8)
    pairs = [(name, "en") for name in NAMES] + [("toy", name) for name in NAMES]
    for number, (corpus, language) in enumerate(pairs):
        splits: Any = {"test": (["i", "j"], gold, "")}
        name = NAMES[number % len(NAMES)]
        record_examples(run, corpus, language, ["joy", name, "-"], "f" * 64, 4, 5, 0, splits)
        facts = {"corpus": corpus, "language": language, "loss": name, "label": name, "host": name}
        record(run, f"k{number}", {("test", RULES): LOGITS}, cell=f"c{number}", **facts)
    for kind in ("arms", "predictions", "tables", "losses", "weights", ".checkpoints", "."):
        (run / kind).mkdir(exist_ok=True)
        for name in ("x.pkl", "x.pt", "x.pickle", "searcher-state.pkl", "x.npy"):
            (run / kind / name).write_bytes(pickle.dumps(Trap(tmp_path / "unpickled")))
    (run / "losses" / "trap.py").write_text(f"open({str(tmp_path / 'executed')!r}, 'w')\n")
    return run


def outside(run: Path) -> list[Path]:
    return [path for path in sorted(run.parents[2].rglob("*")) if run not in path.parents]


def test_nothing_is_written_beside_it_or_run(hostile: Path) -> None:
    before = outside(hostile)
    aggregate(hostile)
    assert len(query(hostile, "FROM arms")) == 2 * len(NAMES)
    aggregate(merge_runs([hostile], hostile / "merged"))
    merge_parts(hostile, "arms", 2)
    assert outside(hostile) == before
    tables = hostile / "tables"
    written = {path.parent for path in tables.rglob("*") if path.is_file()}
    assert written <= {tables, tables / "figures"}
    page = (tables / "report.html").read_text(encoding="utf-8")
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page
    latex = "".join(path.read_text(encoding="utf-8") for path in tables.glob("*.tex"))
    assert "\\input{" not in latex
    assert "\\textbackslash{}input" in latex


def test_stems_are_plain_and_tell_pairs_apart() -> None:
    pairs = [(name, "en") for name in NAMES] + [("toy", name) for name in NAMES]
    named = stems(pairs)
    assert len(set(named.values())) == len(pairs)
    for stem in named.values():
        assert not set(stem) & set("/\\\0\n\r<>$';")
        assert len(stem.encode()) < 120
    usual = [("sample", "en"), ("sample", "pt-BR")]
    assert stems(usual) == {("sample", "en"): "en", ("sample", "pt-BR"): "pt-BR"}
    assert stems([*usual, ("b", "en")])["b", "en"] == "en_b"


@pytest.mark.parametrize("name", ["../x", "arms/../../x", "/x", "arms//x", ".lock", "arms/.x", ""])
def test_what_a_store_calls_so_is_not_brought_here(name: str) -> None:
    assert not travels(name)


def test_a_merged_part_removes_nothing_outside(hostile: Path, tmp_path: Path) -> None:
    """What a merged part says to have replaced are names, not paths."""
    other = tmp_path / "other.parquet"
    other.write_bytes(b"PAR1 mine PAR1")
    (merged,) = merge_parts(hostile, "arms", 2)
    table = pq.read_table(merged)
    facts = {"replaces": ["../../../../other", str(tmp_path / "other"), "../examples/x\0"]}
    pq.write_table(table.replace_schema_metadata({METADATA_KEY: json.dumps(facts)}), merged)
    assert merged.stem.startswith(MERGED)
    assert list(part_files(hostile, "arms")) == [merged]
    merge_parts(hostile, "arms", 2)
    assert other.read_bytes() == b"PAR1 mine PAR1"
