"""The layout of the paper's Table 1: texts of each class, languages and splits across."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import pyarrow.compute as pc

from results.curves import SPLITS
from results.layout import PAPER_CORPUS
from results.render import Cell, Table
from results.run import Run

TOTALS = ("ALL_LABELS", "SAMPLES")
"""The rows below the classes: their sum, and the texts."""


@dataclass(frozen=True)
class LabelCounts:
    """How many texts of a corpus have each label.

    Attributes:
        corpus: its name.
        language: its language.
        rows: one for each label and of `TOTALS`: `label`, a count for each split, and `all`.
    """

    corpus: str
    language: str
    rows: Sequence[dict[str, Any]]

    @property
    def splits(self) -> tuple[str, ...]:
        """Names of the splits."""
        return tuple(name for name in self.rows[0] if name not in ("label", "all"))


def label_counts(run: Run) -> list[LabelCounts]:
    """The texts of each label of every recorded corpus and language, by language.

    Raises:
        RecordError: no examples are recorded, or a part is damaged.
    """
    examples = run.examples_table
    counted = []
    for (corpus, language), facts in run.facts.items():
        names = facts["label_names"]
        here = pc.and_(
            pc.equal(examples["corpus"], corpus), pc.equal(examples["language"], language)
        )
        counts: dict[str, dict[str, int]] = {label: {} for label in (*names, *TOTALS)}
        for split in SPLITS:
            texts = examples.filter(pc.and_(here, pc.equal(examples["split"], split)))
            if not len(texts):
                continue
            flags = texts["labels"].combine_chunks().flatten().to_numpy()
            found = flags.reshape(len(texts), len(names)).sum(axis=0, dtype=int).tolist()
            for label, number in zip(counts, (*found, sum(found), len(texts)), strict=True):
                counts[label][split] = number
        rows = [_row(label, by_split) for label, by_split in counts.items()]
        counted.append(LabelCounts(corpus, language, rows))
    return sorted(counted, key=lambda one: (one.language, one.corpus))


def _row(label: str, by_split: Mapping[str, int]) -> dict[str, Any]:
    return {"label": label, **by_split, "all": sum(by_split.values())}


def corpus_table(name: str, title: str, counted: Sequence[LabelCounts]) -> Table:
    """Texts by class and split, each corpus beside the other, against the paper's where it is that.

    Args:
        name: stem of the table's files.
        title: its title.
        counted: one for each corpus and language.
    """
    languages = [one.language for one in counted]
    columns: list[str] = []
    cells: dict[str, dict[str, Cell]] = {}
    totals: dict[str, dict[str, Cell]] = {label: {} for label in TOTALS}
    for one in counted:
        alone = languages.count(one.language) == 1
        stem = one.language if alone else f"{one.corpus} {one.language}"
        columns += [f"{stem} {split}" for split in (*one.splits, "all")]
        for row in one.rows:
            of = totals if row["label"] in TOTALS else cells
            found = {f"{stem} {key}": count for key, count in row.items() if key != "label"}
            of.setdefault(row["label"], {}).update(found)
    return Table(
        name,
        title,
        ("class", *columns),
        tuple(
            (label, *(found.get(column) for column in columns))
            for of in (cells, totals)
            for label, found in of.items()
        ),
        notes=tuple(_against_the_paper(counted)),
        breaks=frozenset({len(cells)}),
        headline=False,
    )


def _against_the_paper(counted: Sequence[LabelCounts]) -> Iterator[str]:
    """Says for the paper's own corpora whether the counts are those it published."""
    text = (files("results") / "paper" / "table1.csv").read_text(encoding="utf-8")
    published = {row["class"]: row for row in csv.DictReader(text.splitlines())}
    for one in counted:
        known = f"{one.language}_all" in published[TOTALS[0]]
        if one.corpus != PAPER_CORPUS or not known:
            continue
        if not published.keys() >= {row["label"] for row in one.rows}:
            continue
        other = [
            f"{row['label']} {split} {row[split]} (paper: {paper})"
            for row in one.rows
            for split in one.splits
            if row[split] != int(paper := published[row["label"]][f"{one.language}_{split}"])
        ]
        yield (
            f"{one.language}: not as in the paper's Table 1: {', '.join(other)}"
            if other
            else f"{one.language}: {', '.join(one.splits)} equal the paper's Table 1"
        )
