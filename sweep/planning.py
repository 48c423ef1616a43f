"""What the planning commands print: arms to do, features, the corpus, the losses."""

from collections.abc import Mapping
from pathlib import Path

from features import Features
from model.catalogue import LossSource
from results.records import winners
from results.render import Cell, Table
from sweep.driver import Plan
from sweep.progress import duration


def plan_table(plan: Plan) -> Table:
    """Arms wanted, recorded and to do by language and batch size, with the time they take.

    Time is judged by the recorded arms of the run with the same language and batch size: core
    seconds per epoch and arm.
    """
    pace = _pace(plan.run)
    rows: list[tuple[Cell, ...]] = []
    for language in plan.experiment.languages:
        if language not in plan.features:
            rows.append((language, None, None, None, None, "features are not built yet"))
            continue
        for size in sorted(plan.experiment.grid.batch_size):
            wanted, todo = (
                [arm for arm in arms if (arm.language, arm.batch_size) == (language, size)]
                for arms in (plan.wanted, plan.todo)
            )
            epochs = sum(arm.train["epochs"] for arm in todo)
            known = pace.get((language, size))
            time = duration(known * epochs) if known is not None else "unknown yet"
            rows.append((language, size, len(wanted), len(wanted) - len(todo), len(todo), time))
    notes = [
        f"{len(plan.wanted)} arms wanted, {len(plan.wanted) - len(plan.todo)} recorded, "
        f"{len(plan.todo)} to do in {len(plan.todo)} stacks of one; run folder {plan.run}",
        "core time: by the arms of this run that are recorded with that language and batch size",
    ]
    if len(plan.features) < len(plan.experiment.languages):
        notes.append("build them with `softsweep features`: arm keys depend on their bytes")
    return Table(
        "plan",
        f"Plan of {plan.experiment.name}",
        ("language", "b", "wanted", "recorded", "to do", "core time"),
        tuple(rows),
        notes=tuple(notes),
    )


def _pace(run: Path) -> dict[tuple[str, int], float]:
    """Mean core seconds per epoch of the recorded arms, by language and batch size."""
    arms = [arm for arm in winners(run).to_pylist() if arm["status"] == "ok"]
    totals: dict[tuple[str, int], tuple[float, int]] = {}
    for arm in arms:
        place = (arm["language"], arm["batch_size"])
        seconds, epochs = totals.get(place, (0.0, 0))
        totals[place] = (seconds + arm["seconds"] * arm["threads"], epochs + arm["epochs"])
    return {place: seconds / epochs for place, (seconds, epochs) in totals.items() if epochs}


def features_table(features: Mapping[str, Features]) -> Table:
    """The features of each language, and where they lie."""
    rows: list[tuple[Cell, ...]] = []
    for language, entry in features.items():
        lexicons = [lexicon["name"] for lexicon in entry.manifest["lexicons"]]
        counts = entry.manifest["coverage"]["train"]
        covered = 100 * counts["tokens with vector"] / max(counts["tokens"], 1)
        rows.append(
            (
                language,
                entry.n,
                entry.d,
                entry.v,
                len(entry.vectors()),
                f"{covered:.1f}",
                ", ".join(lexicons),
                str(entry.path),
            )
        )
    return Table(
        "features",
        "Features",
        ("language", "n", "d", "v", "words", "% of train tokens", "lexicons", "folder"),
        tuple(rows),
        notes=(
            "n: positions of a text; d + v: vector and lexicon columns of a word; % of train "
            "tokens: those whose word has a vector",
        ),
    )


def sources_table(features: Mapping[str, Features]) -> Table:
    """The files that were found and used."""
    rows: list[tuple[Cell, ...]] = [
        (language, source["role"], source["path"], source["sha256"][:12])
        for language, entry in features.items()
        for source in entry.manifest["sources"]
    ]
    return Table("sources", "Files used", ("language", "role", "file", "sha256"), tuple(rows))


def corpus_table(features: Mapping[str, Features]) -> Table:
    """Texts by class and split, as in the paper's Table 1."""
    columns: list[str] = ["class"]
    counts: list[list[Cell]] = [[label] for label in next(iter(features.values())).labels]
    total: list[Cell] = ["labels"]
    texts: list[Cell] = ["texts"]
    for language, entry in features.items():
        for name in entry.splits:
            labels = entry.split(name).labels
            columns.append(f"{language} {name}")
            for row, count in zip(counts, labels.sum(axis=0), strict=True):
                row.append(int(count))
            total.append(int(labels.sum()))
            texts.append(len(labels))
    rows = [*counts, total, texts]
    return Table(
        "corpus",
        "Corpus (the paper's Table 1)",
        tuple(columns),
        tuple(tuple(row) for row in rows),
        breaks=frozenset({len(counts)}),
    )


def losses_table(losses: Mapping[str, LossSource]) -> Table:
    """The losses that exist."""
    rows: list[tuple[Cell, ...]] = [
        (
            loss.name,
            loss.label,
            loss.formula,
            loss.approximates,
            loss.source,
            loss.file,
        )
        for loss in losses.values()
    ]
    return Table(
        "losses",
        "Losses",
        ("name", "label", "formula", "approximates", "source", "file"),
        tuple(rows),
        notes=("a soft metric is minimised with its sign changed",),
    )
