"""The LaTeX tables compile."""

import shutil
import subprocess
from pathlib import Path

import pytest

from model.catalogue import built_in_losses
from results.render import Figure, Table, render

pytestmark = pytest.mark.slow

DOCUMENT = r"""\documentclass{article}
\usepackage[T1]{fontenc}
\usepackage{booktabs}
\begin{document}
%s
\end{document}
"""


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
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
    document = tmp_path / "table.tex"
    document.write_text(DOCUMENT % render(table, "latex"), encoding="utf-8")
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", document.name],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "table.pdf").stat().st_size > 1000
