"""Verdicts for people and for programs."""

import re
import textwrap
from collections import Counter
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from results.claims.decision import CONFIRMED, CONTRADICTED, UNDECIDED
from results.claims.verdicts import verdicts
from results.layout import where
from results.predicted import PROTOCOLS
from results.render import Table
from results.words import ENOUGH_SEEDS

if TYPE_CHECKING:
    from results.findings import Findings

WIDTH = 100
"""Most columns of a text for people."""

LEAST_WIDTH = 60
"""Fewest; verdicts stand below each other."""

COLUMNS = ("number", "claim", "corpus", "language", "verdict", "because", "source")

_TOGETHER = re.compile(r"\[[^]]*\]|p [<=] [\d.]+|[×−+\d.]+ points")
"""What a line should not break within."""


def claims_table(findings: "Findings", file: Path | None = None) -> Table:
    """A row for each claim, corpus and language.

    Args:
        findings: what is known of a run.
        file: claims in YAML; by default the paper's.

    Raises:
        RecordError: the file is wrong, or records are damaged or incomplete.
    """
    found = findings.claims if file is None else verdicts(findings, file)
    number = Counter(one.verdict for one in found)
    counted = ", ".join(f"{number[name]} {name}" for name in (CONFIRMED, CONTRADICTED, UNDECIDED))
    return Table(
        "claims",
        f"{'Claims of the paper' if file is None else f'Claims of {file.name}'}: {counted}",
        COLUMNS,
        tuple(tuple(getattr(one, column) for column in COLUMNS) for one in found),
        tuple(_notes(findings)),
        headline=False,
        spare=("source", "corpus"),
    )


def _notes(findings: "Findings") -> list[str]:
    """What verdicts mean, and what they are judged on."""
    judged = findings.judged
    notes = [
        "confirmed: every part is shown at the 5% level; contradicted: the opposite of one is, "
        "corrected for their number; undecided: neither, which does not speak against a claim.",
        "Intervals and p are over seeds and texts; over seeds alone, by Student's t, for what is "
        "read off learning curves (best, final, epochs, gaps, correlations): best values there are "
        "chosen and measured on the same dev texts.",
    ]
    for (corpus, language), texts in sorted(judged.texts.items()):
        facts = {"corpus": corpus, "language": language, "protocol": PROTOCOLS[texts.split]}
        notes.append(f"{language}: {where(facts)}.")
    seeds = [len(cell.ok) for cell in judged.cells if cell.ok]
    if seeds and min(seeds) < ENOUGH_SEEDS:
        notes.append(
            f"Cells with fewer than {ENOUGH_SEEDS} seeds (here {min(seeds)} at least) have wide "
            "intervals: more seeds would decide more."
        )
    return notes


def claims_text(table: Table, width: int = WIDTH) -> str:
    """The same for people: claims as headings, their verdicts below.

    Args:
        table: of `claims_table`.
        width: of a line, taken for `LEAST_WIDTH` if it is less and for `WIDTH` if it is more.
    """
    filled = partial(_filled, width=min(max(width, LEAST_WIDTH), WIDTH))
    rows = [dict(zip(table.columns, map(str, row), strict=True)) for row in table.rows]
    several = len({row["corpus"] for row in rows if row["corpus"]}) > 1
    lines = filled("", table.title)
    for (number, claim, source), group in groupby(
        rows, key=lambda row: (row["number"], row["claim"], row["source"])
    ):
        lines += ["", *filled(f"{number:>3}  ", f"{claim} ({source})" if source else claim)]
        for row in group:
            place = f"{row['language']} {row['corpus']}" if several else row["language"]
            lines += filled(f"     {place:<3}  {row['verdict']:<12}  ", row["because"])
    lines.append("")
    for note in table.notes:
        lines += filled("", note)
    return "\n".join(lines) + "\n"


def _filled(begin: str, text: str, width: int) -> list[str]:
    """Text behind a beginning, further lines below where it began."""
    kept = _TOGETHER.sub(lambda found: found[0].replace(" ", "\N{NO-BREAK SPACE}"), text)
    lines = textwrap.wrap(
        kept,
        width,
        initial_indent=begin,
        subsequent_indent=" " * len(begin),
        break_on_hyphens=False,
    )
    return [line.replace("\N{NO-BREAK SPACE}", " ") for line in lines]
