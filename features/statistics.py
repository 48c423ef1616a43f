"""The corpus in numbers, as in the paper's Table 1, and what vectors and lexicons know of it."""

from typing import Any

from features.entry import Features


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


def split_rows(features: Features) -> list[dict[str, Any]]:
    """Describes each split: texts, labels per text, and coverage in percent.

    Returns:
        A row per split: ``split``, ``texts``, ``labels_per_text``, ``without_label`` (%),
        ``tokens``, ``types``, and for the vectors and each lexicon the percentage of token
        occurrences (``tokens with ...``) and of types (``types with ...``) that they know.
    """
    rows = []
    for split in features.splits:
        labels = features.split(split).labels
        counted = features.manifest["coverage"][split]
        row: dict[str, Any] = {
            "split": split,
            "texts": len(labels),
            "labels_per_text": float(labels.sum(axis=1).mean()),
            "without_label": 100 * float((labels.sum(axis=1) == 0).mean()),
            "tokens": counted["tokens"],
            "types": counted["types"],
        }
        for name, count in counted.items():
            kind, _, what = name.partition(" with ")
            if what:
                row[name] = 100 * count / max(counted[kind], 1)
        rows.append(row)
    return rows
