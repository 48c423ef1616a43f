"""The main job: features -> the arms that are not recorded yet -> tables."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from features import Features, build
from model.catalogue import LossSource
from results.damage import set_aside
from results.errors import DamagedError
from results.mirror import publish, refresh
from results.parts import OF_TRIALS, whole_file
from results.records import merge_parts, record_examples, recorded
from results.schemas import STATUSES
from sweep.cachestore import bring, share
from sweep.checkpoints import clean_checkpoints
from sweep.driving import Drive, driving
from sweep.experiment import RESOLVED
from sweep.packages import check_packages
from sweep.plan import SETTLED, Job, Plan, check_trusted, make_job, make_plan, unsettled
from sweep.printing import say
from sweep.recording import kept_weights
from sweep.search import Search
from sweep.session import Session
from sweep.workers import Workers

if TYPE_CHECKING:
    from results.render import Table

MERGE_FROM = 200
"""Parts of a kind from which on they are merged into one: many small files are slow to read."""


@dataclass(frozen=True)
class Outcome:
    """What a run did.

    Attributes:
        run: run folder.
        wanted: arms that the experiment wants, those that a search tried among them.
        tried: of them, those that were not recorded yet and were trained now.
        diverged: of those wanted, arms recorded as diverged; a search's tries are not counted.
        failed: of those wanted, arms recorded as failed; a search's tries are not counted.
        failed_tries: arms that a search tried and that are recorded as failed.
        lost: groups of arms that were not trained, as a search found no setting for them.
        weightless: where weights are to be kept, of those wanted the arms that were recorded as ok
            without any.
        tables: the tables of the whole run folder, headlines first.
        warnings: for each corpus and language, which cells never predict which labels.
    """

    run: Path
    wanted: int
    tried: int
    diverged: int
    failed: int
    failed_tries: int
    lost: int
    weightless: int
    tables: "Sequence[Table]"
    warnings: Sequence[str]


def run_experiment(
    experiment: str | Path | Mapping[str, Any],
    *,
    data: str | Path | None = None,
    out: str | Path | None = None,
    overrides: Sequence[str] = (),
    losses: Sequence[str | Path] = (),
    cache: str | Path | None = None,
    trust_run_losses: bool = False,
    keep_weights: bool = False,
    workers: Workers | None = None,
    console: Console | None = None,
) -> Outcome:
    """Build features, train the arms that are not recorded, write the tables.

    Args:
        experiment: as the others up to `cache`, see `sweep.plan.make_job`.
        data: data folder.
        out: run folder.
        overrides: `key.key=value` settings.
        losses: files with losses of your own.
        cache: feature cache.
        trust_run_losses: whether to run losses that a run folder brings.
        keep_weights: whether arms leave the weights of their chosen epochs, for `sweep.predicting`.
        workers: where and on what arms are trained.
        console: where progress is shown; standard error by default.

    Raises:
        ExperimentError, InputError, LossError, RecordError: something asked for is wrong, or
            records cannot be written.
    """
    workers = workers or Workers()
    console = console or Console(stderr=True)
    check_packages(shared_with_workers=workers.executor == "ray")
    job = make_job(experiment, data=data, out=out, overrides=overrides, losses=losses, cache=cache)
    job = replace(job, keep_weights=keep_weights)
    if not trust_run_losses:
        check_trusted(job)
    with driving(job.run, job.experiment.name, console) as drive:
        return _drive(job, workers, console, drive)


def _drive(job: Job, workers: Workers, console: Console, drive: Drive) -> Outcome:
    """Do what is to do in a run that is ours."""
    refresh(job.run)  # it may have been another driver's until now
    for sentence in set_aside(job.run):
        say(console, sentence)
    plan = _sound_plan(job, build_features(job, console), console)
    for entry in plan.features.values():
        say(console, found_line(entry))
    _prepare(plan)
    publish(job.run)
    drive.status.counted(len(plan.wanted), plan.standing)
    clean_checkpoints(job.run, SETTLED)
    tries: Collection[str] = ()
    lost = failed_tries = 0
    with Session(plan, workers, console, drive) as session:
        if job.experiment.search:

            def said(line: str) -> None:
                say(console, line)
                drive.status.phase("search", line)

            searched = Search(job, plan.features).run(session.train, said)
            tries, lost, failed_tries = searched.tries, searched.lost, searched.failed
            todo = unsettled(job.run, searched.arms)
            plan = replace(plan, wanted=searched.arms, todo=todo)
        drive.status.phase("training")
        session.train(plan.wanted, plan.todo)
    drive.lease.check()
    drive.status.phase("tables")
    for kind in OF_TRIALS:
        merge_parts(job.run, kind, MERGE_FROM)
    publish(job.run)

    from results import aggregate
    from results.derived import current_table
    from results.run import Run
    from results.standings import warnings_of

    have = recorded(job.run)
    clean_checkpoints(job.run, STATUSES)
    ended = Counter(have[arm.key] for arm in plan.wanted)
    drive.status.counted(len(plan.wanted), ended)
    with console.status("tables") if console.is_terminal else nullcontext():
        tables = aggregate(job.run)
        warnings = warnings_of(current_table(Run(job.run), "scores").to_pylist())
    publish(job.run)
    return Outcome(
        run=job.run,
        wanted=len({*tries, *(arm.key for arm in plan.wanted)}),
        tried=len(session.trained),
        diverged=ended["diverged"],
        failed=ended["failed"],
        failed_tries=failed_tries,
        lost=lost,
        weightless=len(_weightless(plan, have)) if job.keep_weights else 0,
        tables=tables,
        warnings=warnings,
    )


def _sound_plan(job: Job, features: Mapping[str, Features], console: Console) -> Plan:
    """The plan; a part that was sound when it was last read through may be damaged by now."""
    try:
        return make_plan(job, features)
    except DamagedError:
        for sentence in set_aside(job.run):
            say(console, sentence)
        return make_plan(job, features)


def _weightless(plan: Plan, have: Mapping[str, str]) -> list[str]:
    """Arms that were recorded without their weights."""
    kept = set(kept_weights(plan.job.run))
    return [arm.key for arm in plan.wanted if have[arm.key] == "ok" and arm.key not in kept]


def build_features(job: Job, console: Console) -> dict[str, Features]:
    """The features of every language of an experiment, built where the cache lacks them."""
    features = {}
    with Progress(
        TextColumn("[bold]features {task.fields[language]}"),
        BarColumn(bar_width=30),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as bar:
        for language in job.experiment.languages:
            task = bar.add_task("", total=1.0, language=language)

            def report(step: str, fraction: float, task: Any = task) -> None:
                bar.update(task, description=step, completed=fraction)

            spec = job.experiment.feature_spec(language)
            built = build(spec, job.data, job.cache, report, partial(say, console), bring)
            features[language] = share(built)
            bar.remove_task(task)
    return features


def _share(counts: Mapping[str, int], part: str) -> str:
    return f"{100 * counts[part] / max(counts['tokens'], 1):.1f}%"


def _vectors_found(manifest: Mapping[str, Any]) -> list[str]:
    """How much of the train texts the word vectors know, or that the corpus has its own."""
    if not manifest["vectors"]:
        return ["the corpus brings its own vectors"]
    counts = manifest["coverage"]["train"]
    several = manifest["vectors"] if len(manifest["vectors"]) > 1 else []
    covered = _share(counts, "tokens with vector")
    each = ", ".join(
        f"{part['name']} {_share(counts, 'tokens with vector of ' + part['name'])}"
        for part in several
    )
    means = " and ".join(part["name"] for part in several if part["unknown_is_mean"])
    mean = f"unknown words take the mean vector{f' of {means}' if means else ''}"
    return [
        f"{covered} of train tokens have a vector{f' ({each})' if each else ''}",
        *([mean] if manifest["unknown_is_mean"] else []),
    ]


def found_line(entry: Features) -> str:
    """What was found and used for one language, in a line."""
    manifest = entry.manifest
    files = [Path(source["path"]).name for source in manifest["sources"]]
    unmatched = sum(lexicon["multiword_not_matched"] for lexicon in manifest["lexicons"])
    parts = [
        f"{entry.language}: {', '.join(files) or entry.corpus}",
        f"n = {entry.n}, d + v = {entry.d} + {entry.v}",
        *_vectors_found(manifest),
        *([f"{unmatched} lexicon entries of several words are not matched"] if unmatched else []),
        *manifest["notes"],
    ]
    return "; ".join(parts)


def _prepare(plan: Plan) -> None:
    """Write what a run folder holds beside its trials: experiment, loss files, examples."""
    job = plan.job
    used = {job.losses[entry.name] for entry in job.experiment.grid.loss}
    for path, text in experiment_files(job, used, RESOLVED).items():
        with whole_file(job.run / path) as file:
            file.write(text.encode())
    for entry in plan.features.values():
        splits = {name: entry.split(name) for name in entry.splits}
        record_examples(
            job.run,
            entry.corpus,
            entry.language,
            entry.labels,
            entry.sha256,
            entry.n,
            entry.d,
            entry.v,
            {name: (s.ids, s.labels, s.half.tolist()) for name, s in splits.items()},
        )


def experiment_files(job: Job, losses: Iterable[LossSource], name: str) -> dict[str, str]:
    """An experiment as a folder keeps it: resolved, and beside it the files of losses.

    Args:
        job: whose experiment it is.
        losses: those to keep; built-in ones need no file.
        name: of the experiment's file.

    Returns:
        The content of each file, the experiment first.
    """
    own = {loss_path(loss): loss.text for loss in losses if not loss.built_in}
    resolved = job.experiment.resolved() | {"losses": sorted(own)}
    return {name: yaml.safe_dump(resolved, sort_keys=False, allow_unicode=True), **own}


def loss_path(loss: LossSource) -> str:
    """Where a run folder keeps a user's loss file: one for each version of it.

    A file that a run folder brings is called so already.
    """
    version = f"-{loss.sha256[:8]}"
    return f"losses/{Path(loss.file).stem.removesuffix(version)}{version}.py"
