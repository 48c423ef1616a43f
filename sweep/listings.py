"""What the planning commands print: arms to do, features, the losses."""

from collections.abc import Mapping
from pathlib import Path

from features import Features
from model.catalogue import LossSource
from results.records import winners
from results.render import Cell, Table
from sweep.budget import search_budget
from sweep.duration import duration
from sweep.plan import Plan
from sweep.stacks import cut
from sweep.workers import GPU_WIDTH, Node, Workers, allot, local_cores

BUILD_FEATURES = "build them with `softsweep features`: arm keys depend on their bytes"


def plan_table(plan: Plan, workers: Workers) -> Table:
    """Arms wanted, recorded and to do by language and batch size, with the time they take.

    Time is judged by the recorded arms of the run with the same language and batch size: core
    seconds per epoch and arm.
    """
    pace = _pace(plan.job.run)
    rows: list[tuple[Cell, ...]] = []
    for language in plan.job.experiment.languages:
        if language not in plan.features:
            rows.append((language, None, None, None, None, "features are not built yet"))
            continue
        for size in sorted(plan.job.experiment.grid.batch_size):
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
        f"{len(plan.todo)} to do; run folder {plan.job.run}",
        *([_stacks(plan, workers)] if plan.todo else []),
        "core time: by the arms of this run that are recorded with that language and batch size",
    ]
    if len(plan.features) < len(plan.job.experiment.languages):
        notes.append(BUILD_FEATURES)
    return Table(
        "plan",
        f"Plan of {plan.job.experiment.name}",
        ("language", "b", "wanted", "recorded", "to do", "core time"),
        tuple(rows),
        notes=tuple(notes),
    )


def budget_table(plan: Plan) -> Table:
    """What a search takes at most, by language and batch size: arms, their epochs, their time."""
    pace = _pace(plan.job.run)
    rows: list[tuple[Cell, ...]] = []
    for budget in search_budget(plan.job, plan.features):
        known = pace.get((budget.language, budget.batch_size))
        rows.append(
            (
                budget.language,
                budget.batch_size,
                budget.studies,
                budget.tries,
                f"{budget.tried} x {budget.tried_epochs}",
                f"{budget.trained} x {budget.trained_epochs}",
                duration(known * budget.epochs) if known is not None else "unknown yet",
            )
        )
    lacking = [name for name in plan.job.experiment.languages if name not in plan.features]
    rows += [(language, *[None] * 5, "features are not built yet") for language in lacking]
    notes = [
        "studies: one for each loss and each part of dev that chooses its setting",
        "at most: parts of dev may try, and choose, the same setting; what is recorded is not "
        f"trained again (run folder {plan.job.run})",
        "core time: by the arms of this run that are recorded with that language and batch size",
    ]
    if lacking:
        notes.append(BUILD_FEATURES)
    return Table(
        "plan",
        f"Budget of the search of {plan.job.experiment.name}",
        (
            "language",
            "b",
            "studies",
            "tries each",
            "arms tried x epochs",
            "arms trained x epochs",
            "core time",
        ),
        tuple(rows),
        notes=tuple(notes),
    )


def _stacks(plan: Plan, workers: Workers) -> str:
    """How the arms to do would be cut for the cores of this machine."""
    here = allot(workers, "cpu", [Node(local_cores())], len(plan.wanted))
    stacks = cut(plan.todo, here.width, here.slots)
    widest = max(len(stack) for stack in stacks)
    return (
        f"stacks on this machine's CPU: {len(stacks)} (arms in the largest: {widest}, trained at "
        f"once: {here.slots}, threads of each: {here.threads}); on a GPU, up to "
        f"{workers.width or GPU_WIDTH} arms would train together"
    )


def _pace(run: Path) -> dict[tuple[str, int], float]:
    """Mean core seconds per epoch of the recorded arms, by language and batch size."""
    columns = ("status", "language", "batch_size", "seconds", "threads", "epochs")
    arms = [a for a in winners(run).select(columns).to_pylist() if a["status"] == "ok"]
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
        rows.append(
            (
                language,
                entry.n,
                entry.d,
                entry.v,
                len(entry.vectors()),
                ", ".join(lexicons),
                str(entry.path),
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
