"""The LaTeX tables compile."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from model.catalogue import built_in_losses
from results.classes import classes_table, named_arms
from results.corpus import LabelCounts, corpus_table
from results.perclass import rows_of_counts
from results.render import Figure, Table, render

pytestmark = pytest.mark.slow

DOCUMENT = r"""\documentclass{article}
\usepackage[T1]{fontenc}
\usepackage{array,booktabs,graphicx,longtable}
\begin{document}
%s
\end{document}
"""


COMPILER = pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")


@COMPILER
def test_a_table_compiles(tmp_path: Path) -> None:
    table = Table(
        "table2_en",
        "Table 2: 95% & more_or_less #1 {x} ~ ^ \\ $ αβγδεζηθικλμνξπρστυφχψω ΓΔΘΛΞΠΣΦΨΩ ½√×≤≥∈∞₊₋²",
        ("Loss", "Acc"),
        (
            ("SM-F1 (warmup_epochs=1)", Figure(54.85, 1.09, star=True, best=True)),
            ("BCE", Figure(52.03, 1.12, partial=True)),
            ("MSE", "diverged"),
        ),
        notes=("± covers the texts, not the seeds.", *(loss.formula for loss in built_in_losses())),
        breaks=frozenset({1}),
        figures=frozenset({"Acc"}),
    )
    compile_all(tmp_path, [table])


@COMPILER
def test_the_tables_of_classes_and_of_the_corpus_compile(tmp_path: Path) -> None:
    names = ("anger_1 & co", "trust")
    facts = {"corpus": "semeval2018-ec", "language": "en", "status": "ok", "threshold": "0.5"}
    counts = [np.array([3, 0])]
    arms = []
    for loss, label in (("soft_macro_f1", "SM-F1"), ("soft_micro_f1", "Sm_Fβ")):
        row = facts | {"loss": loss, "label": label, "batch_size": 16}
        arms.append([row | of for of in rows_of_counts(names, counts, counts, np.array([5, 0]))])
    rows = [
        {"label": label, "train": 3, "dev": 1, "all": 4}
        for label in (*names, "ALL_LABELS", "SAMPLES")
    ]
    counted = [LabelCounts("semeval2018-ec", language, rows) for language in ("en", "es")]
    tables = [
        classes_table("table4_en", "Table 4", named_arms(arms)),
        corpus_table("table1", "Table 1", counted),
    ]
    compile_all(tmp_path, tables)


@COMPILER
def test_sentences_are_broken_into_lines_and_pages(tmp_path: Path) -> None:
    words = "so many points over BCE with a tuned threshold, 95% interval −0.3 to 2.1; " * 3
    rows = tuple((number, f"claim {number}", words) for number in range(60))
    table = Table("claims", "Claims", ("", "claim", "because"), rows)
    assert r"\begin{longtable}{rl>{\raggedright" in render(table, "latex")
    compile_all(tmp_path, [table])
    assert "Overfull" not in (tmp_path / "table.log").read_text(encoding="latin-1")


def compile_all(folder: Path, tables: list[Table]) -> None:
    """Compile a document of tables, as narrow as an article is by default."""
    document = folder / "table.tex"
    content = "\n".join(render(table, "latex") for table in tables)
    document.write_text(DOCUMENT % content, encoding="utf-8")
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", document.name],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:]
    assert (folder / "table.pdf").stat().st_size > 1000
