"""A corpus in numbers, as in the paper's Table 1, and what vectors and lexicons know of it."""

from collections import Counter
from typing import Any

from features.entry import EXAMPLES, Features


def label_counts(features: Features) -> list[dict[str, Any]]:
    """Counts texts per label and split: the paper's Table 1.

    Returns:
        A row per label, with ``label`` and a count for each split and for ``all``; then the rows
        ``ALL_LABELS`` (their sum) and ``SAMPLES`` (texts).
    """
    counts = {split: features.split(split).labels.sum(axis=0) for split in features.splits}
    texts = {split: len(features.split(split).ids) for split in features.splits}

    def row(label: str, numbers: dict[str, int]) -> dict[str, Any]:
        return {"label": label, **numbers, "all": sum(numbers.values())}

    rows = [
        row(label, {split: int(counts[split][c]) for split in features.splits})
        for c, label in enumerate(features.labels)
    ]
    rows.append(row("ALL_LABELS", {split: int(counts[split].sum()) for split in features.splits}))
    rows.append(row("SAMPLES", texts))
    return rows


def labels_per_text(features: Features) -> dict[str, Counter[int]]:
    """Counts texts by how many labels they have.

    Returns:
        By split: number of labels -> texts with as many.
    """
    return {
        split: Counter(features.split(split).labels.sum(axis=1, dtype=int).tolist())
        for split in features.splits
    }


def lengths(features: Features) -> dict[str, list[int]]:
    """Counts the tokens of every text, before it is cut at n.

    Returns:
        By split, in the order of its texts.
    """
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    table = pq.read_table(features.path / EXAMPLES, columns=["split", "words"], use_threads=False)
    counted = table.set_column(1, "length", pc.list_value_length(table["words"]))
    return {
        split: counted.filter(pc.equal(counted["split"], split))["length"].to_pylist()
        for split in features.splits
    }


def coverage_shares(features: Features) -> list[dict[str, Any]]:
    """Says how much of the corpus the vectors and each lexicon know.

    Returns:
        A row per source: ``source``, and for each split ``SPLIT tokens`` and ``SPLIT types``, the
        percentage of token occurrences and of distinct tokens that the source has an entry of.
        Nothing for a corpus that brings its own vectors, whose words are not looked at.
    """
    coverage = features.manifest["coverage"]
    shares: dict[str, dict[str, Any]] = {}
    for split in features.splits:
        counted = coverage.get(split, {})
        for name, count in counted.items():
            kind, _, source = name.partition(" with ")
            if source:
                # A lexicon's name may be anything: its row is found by the full one.
                row = shares.setdefault(source, {"source": source.removeprefix("lexicon ")})
                row[f"{split} {kind}"] = 100 * count / max(counted[kind], 1)
    return list(shares.values())
