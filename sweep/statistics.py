"""What `softsweep features --stats` prints: the corpora in numbers, none wider than a terminal."""

from collections.abc import Mapping
from itertools import zip_longest

from features import Features
from features.statistics import coverage_shares, label_counts, labels_per_text, lengths
from results.corpus import LabelCounts, corpus_table
from results.layout import PAPER_CORPUS
from results.render import Cell, Table, TwoDecimals

Corpora = Mapping[str, Features]
"""Features by language."""

PAPER_LENGTHS = {"en": (19, 85, 52), "es": (16, 82, 49)}
"""Mean length, longest and n of the paper's training tweets, by language (its section 4)."""

MOST_LABELS = 8
"""Texts with as many labels or more are counted together: a column each would not end."""


class Percent(float):
    """A number that people are shown with one decimal, also where that is a zero."""

    def __format__(self, _: str) -> str:
        return format(float(self), ".1f")


def statistics_tables(features: Corpora) -> list[Table]:
    """Every table of `--stats`; what a corpus has no words for is left out."""
    tables = [
        corpus_table(
            "corpus", "Texts by class and split (layout of the paper's Table 1)", _counted(features)
        ),
        labels_table(features),
        lengths_table(features),
        coverage_table(features),
        unknown_table(features),
    ]
    return [table for table in tables if table.rows]


def _counted(features: Corpora) -> list[LabelCounts]:
    """The texts of each label, by language."""
    return [
        LabelCounts(entry.corpus, language, label_counts(entry))
        for language, entry in features.items()
    ]


def labels_table(features: Corpora) -> Table:
    """Texts by how many labels they have."""
    counted = [
        (language, split, counts)
        for language, entry in features.items()
        for split, counts in labels_per_text(entry).items()
    ]
    most = min(max(max(counts) for _, _, counts in counted), MOST_LABELS)
    return Table(
        "labels_per_text",
        "Texts by number of labels",
        (
            "language",
            "split",
            "texts",
            "mean",
            *map(str, range(most)),
            f"{most} or more" if most == MOST_LABELS else str(most),
        ),
        tuple(
            (
                language,
                split,
                counts.total(),
                _mean(sum(k * n for k, n in counts.items()), counts.total()),
                *(counts[labels] for labels in range(most)),
                sum(texts for labels, texts in counts.items() if labels >= most),
            )
            for language, split, counts in counted
        ),
    )


def lengths_table(features: Corpora) -> Table:
    """Lengths of the texts in tokens, what n cuts off, and the vocabulary where there are words."""
    rows: list[tuple[Cell, ...]] = []
    for language, entry in features.items():
        for split, tokens in lengths(entry).items():
            cut = sum(length > entry.n for length in tokens)
            rows.append(
                (
                    language,
                    split,
                    sum(tokens),
                    _mean(sum(tokens), len(tokens)),
                    max(tokens),
                    _percent(cut, len(tokens)),
                    *_vocabulary(entry.manifest["coverage"].get(split)),
                )
            )
    columns = ["language", "split", "tokens", "mean", "longest", "cut %"]
    notes = [_how_n_came_about(language, entry) for language, entry in features.items()]
    notes.append("cut: texts longer than n")
    if any(entry.manifest["coverage"] for entry in features.values()):
        columns += ["types", "unknown tokens %", "unknown types %"]
        notes.append("unknown: without a vector of their own (out of vocabulary)")
    return Table(
        "lengths",
        "Lengths in tokens, and vocabulary",
        tuple(columns),
        tuple(row[: len(columns)] for row in rows),
        notes=tuple(notes),
    )


def _vocabulary(counted: Mapping[str, int] | None) -> tuple[Cell, ...]:
    """Distinct tokens, and how many tokens and types have no vector."""
    if counted is None:
        return (None, None, None)
    unknown = (
        _percent(counted[kind] - counted[f"{kind} with vector"], counted[kind])
        for kind in ("tokens", "types")
    )
    return (counted["types"], *unknown)


def _how_n_came_about(language: str, entry: Features) -> str:
    mean, longest = entry.manifest["mean_length"], entry.manifest["longest"]
    said = (
        f"{language}: n = {entry.n}, the mean of train's mean {mean:.2f} and longest {longest}, "
        "rounded"
    )
    if entry.corpus == PAPER_CORPUS and language in PAPER_LENGTHS:
        paper_mean, paper_longest, n = PAPER_LENGTHS[language]
        said += f" (paper: n = {n}, of {paper_mean} and {paper_longest})"
    return said


def _mean(total: int, count: int) -> TwoDecimals:
    return TwoDecimals(round(total / count, 2))


def _percent(part: int, whole: int) -> Percent:
    return Percent(round(100 * part / max(whole, 1), 1))


def coverage_table(features: Corpora) -> Table:
    """What share of each split the vectors and each lexicon know: a row a source, twice."""
    splits = tuple(dict.fromkeys(split for entry in features.values() for split in entry.splits))
    rows: list[tuple[Cell, ...]] = []
    breaks = set()
    for language, entry in features.items():
        shares, lexicons = coverage_shares(entry), entry.manifest["lexicons"]
        sizes: list[tuple[Cell, ...]] = [(None, None)] * (len(shares) - len(lexicons))
        sizes += [(lexicon["entries"], lexicon["multiword_not_matched"]) for lexicon in lexicons]
        for kind in ("tokens", "types"):
            breaks.add(len(rows))
            for row, size in zip(shares, sizes, strict=True):
                known = [_shown(row.get(f"{split} {kind}")) for split in splits]
                rows.append((language, kind, row["source"], *known, *size))
    return Table(
        "coverage",
        "Coverage: % of tokens, and of types (distinct tokens)",
        ("language", "% of", "source", *splits, "entries", "several words"),
        tuple(rows),
        notes=(
            "of those with a vector of their own, and with an entry in each lexicon",
            "entries: a lexicon's words; its entries of several words are never matched",
        ),
        breaks=frozenset(breaks - {0}),
    )


def _shown(share: float | None) -> Percent | None:
    return None if share is None else Percent(round(share, 1))


def unknown_table(features: Corpora) -> Table:
    """The most frequent words of train that have no vector, a column a language."""
    listed = {
        language: entry.manifest["unknown_words"]
        for language, entry in features.items()
        if entry.manifest["unknown_words"]
    }
    return Table(
        "unknown",
        "Most frequent words without a vector, and how often train has them",
        tuple(f"{language} {what}" for language in listed for what in ("word", "count")),
        tuple(
            tuple(cell for word in words for cell in (word or (None, None)))
            for words in zip_longest(*listed.values())
        ),
    )
