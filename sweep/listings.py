"""What the commands print of features and losses."""

from collections.abc import Mapping

from features import Features
from model.catalogue import LossSource
from results.places import known_by
from results.render import Cell, Table


def features_table(features: Mapping[str, Features]) -> Table:
    """The features of each language, and where they lie."""
    rows: list[tuple[Cell, ...]] = []
    for language, entry in features.items():
        lexicons = [lexicon["name"] for lexicon in entry.manifest["lexicons"]]
        rows.append(
            (
                language,
                entry.n,
                entry.d,
                entry.v,
                len(entry.vectors()),
                ", ".join(lexicons),
                known_by(str(entry.path)),
            )
        )
    return Table(
        "features",
        "Features",
        ("language", "n", "d", "v", "words", "lexicons", "folder"),
        tuple(rows),
        notes=("n: positions of a text; d + v: vector and lexicon columns of a word",),
    )


def sources_table(features: Mapping[str, Features]) -> list[Table]:
    """The files that were found and used; no table where there are none."""
    rows: list[tuple[Cell, ...]] = [
        (language, source["role"], source["path"], source["sha256"][:12])
        for language, entry in features.items()
        for source in entry.manifest["sources"]
    ]
    columns = ("language", "role", "file", "sha256")
    return [Table("sources", "Files used", columns, tuple(rows))] if rows else []


def losses_table(losses: Mapping[str, LossSource]) -> Table:
    """The losses that exist."""
    rows: list[tuple[Cell, ...]] = [
        (
            loss.name,
            loss.label,
            loss.formula,
            loss.approximates,
            ", ".join(f"{name}={value}" for name, value in loss.parameters.items()),
            loss.source,
            loss.file,
        )
        for loss in losses.values()
    ]
    return Table(
        "losses",
        "Losses",
        ("name", "label", "formula", "approximates", "parameters", "source", "file"),
        tuple(rows),
        notes=(
            "a soft metric is minimised with its sign changed",
            "parameters, with their defaults, are swept by grid.loss: "
            "[{name: focal, gamma: [1, 2]}]",
        ),
    )
