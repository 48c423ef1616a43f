"""The main job: features -> the arms that are not recorded yet -> tables."""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from features import Features, build
from results.parts import whole_file
from results.records import check_features, merge_parts, record_examples
from sweep.errors import ExperimentError
from sweep.packages import check_packages
from sweep.plan import Plan, Request, subtract

if TYPE_CHECKING:
    from results.render import Table
    from sweep.trial import TrialSpec

MERGE_FROM = 200
"""Parts of a kind from which on they are merged into one: many small files are slow to read."""

EXECUTORS = ("ray", "inline")
DEVICES = ("auto", "cpu", "cuda")


@dataclass(frozen=True)
class Outcome:
    """What a run did.

    Attributes:
        run: run folder.
        wanted: arms that the experiment wants.
        trained: of them, those trained now.
        diverged: of those, arms whose outputs ceased to be finite.
        failed: of those, arms that ended in an error.
        tables: the tables of the whole run folder, headlines first.
    """

    run: Path
    wanted: int
    trained: int
    diverged: int
    failed: int
    tables: "Sequence[Table]"


def build_features(request: Request, console: Console) -> dict[str, Features]:
    """The features of every language of an experiment, built where the cache lacks them."""
    experiment, _, _, cache = request.load()
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
        for language in experiment.languages:
            task = bar.add_task("", total=1.0, language=language)

            def report(step: str, fraction: float, task: Any = task) -> None:
                bar.update(task, description=step, completed=fraction)

            features[language] = build(
                experiment.feature_spec(language), request.data, cache, report
            )
            bar.remove_task(task)
    return features


def run_experiment(
    experiment: str | Path | Mapping[str, Any],
    *,
    data: Path | None = None,
    out: Path | None = None,
    overrides: Sequence[str] = (),
    losses: Sequence[Path] = (),
    cache: Path | None = None,
    executor: str = "ray",
    address: str | None = None,
    device: str = "auto",
    console: Console | None = None,
) -> Outcome:
    """Build features, train the arms that are not recorded, write the tables.

    Args:
        experiment: a built-in name, the path of a YAML file, or the mapping itself.
        data: folder below which corpora, lexicons and texts are found by their official names.
        out: run folder; `runs/<name of the experiment>` by default.
        overrides: `key.key=value` settings that replace the experiment's.
        losses: files with losses of your own.
        cache: folder of the feature cache; `default_cache()` by default.
        executor: `ray` or `inline`.
        address: of a running Ray cluster; a local one is started otherwise.
        device: `cpu`, `cuda`, or `auto` (a GPU where there is one).
        console: where progress is shown; standard error by default.

    Raises:
        ExperimentError, InputError, LossError, RecordError: something asked for is wrong, or
            records cannot be written.
    """
    _one_of("--executor", executor, EXECUTORS)
    _one_of("--device", device, DEVICES)
    check_packages(shared_with_workers=executor == "ray")
    console = console or Console(stderr=True)
    request = Request(experiment, data, out, overrides, losses, cache)
    checked, known, run, _ = request.load()
    features = build_features(request, console)
    for entry in features.values():
        check_features(run, entry.corpus, entry.language, entry.sha256)
        console.print(found_line(entry), highlight=False, soft_wrap=True)
    plan = subtract(checked, known, features, run)
    _prepare(plan)
    counts = _train(plan, executor, address, device, console) if plan.todo else (0, 0, 0)
    for kind in ("arms", "epochs", "predictions"):
        merge_parts(run, kind, MERGE_FROM)

    from results import aggregate

    ok, diverged, failed = counts
    with console.status("tables") if console.is_terminal else _Quiet():
        tables = aggregate(run)
    return Outcome(run, len(plan.wanted), ok + diverged + failed, diverged, failed, tables)


def found_line(entry: Features) -> str:
    """What was found and used for one language, in a line."""
    files = [Path(source["path"]).name for source in entry.manifest["sources"]]
    counts = entry.manifest["coverage"]["train"]
    covered = 100 * counts["tokens with vector"] / max(counts["tokens"], 1)
    parts = [
        f"{entry.language}: {', '.join(files) or entry.corpus}",
        f"n = {entry.n}, d + v = {entry.d} + {entry.v}",
        f"{covered:.1f}% of train tokens have a vector",
        *entry.manifest["notes"],
    ]
    return "; ".join(parts)


class _Quiet:
    """A context that shows nothing."""

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...


def _one_of(option: str, value: str, allowed: Iterable[str]) -> None:
    if value not in allowed:
        raise ExperimentError(f"{option} {value}: expected one of {', '.join(allowed)}")


def _prepare(plan: Plan) -> None:
    """Write what a run folder holds beside its trials: experiment, loss files, examples."""
    resolved = yaml.safe_dump(
        plan.experiment.model_dump(mode="json"), sort_keys=False, allow_unicode=True
    )
    with whole_file(plan.run / "experiment.yaml") as file:
        file.write(resolved.encode())
    for path in plan.experiment.losses:
        with whole_file(plan.run / "losses" / Path(path).name) as file:
            file.write(Path(path).read_bytes())
    for entry in plan.features.values():
        splits = {name: entry.split(name) for name in entry.splits}
        record_examples(
            plan.run,
            entry.corpus,
            entry.language,
            entry.labels,
            entry.sha256,
            entry.n,
            entry.d,
            entry.v,
            {name: (s.ids, s.labels, s.half.tolist()) for name, s in splits.items()},
        )


def trial_specs(plan: Plan, device: str) -> "list[TrialSpec]":
    """The trials that train what is to do: stacks of one arm."""
    from sweep.trial import TrialSpec

    attempt = secrets.token_hex(4)  # an arm that failed before is recorded under another name
    return [
        TrialSpec(
            name=f"{arm.key}-{attempt}",
            run=plan.run,
            features=plan.features[arm.language].path,
            arms=(arm,),
            losses={arm.loss: plan.losses[arm.loss]},
            device=device,
        )
        for arm in plan.todo
    ]


def _train(
    plan: Plan, executor: str, address: str | None, device: str, console: Console
) -> tuple[int, int, int]:
    """Train what is to do; how many arms ended ok, diverged, failed."""
    import torch

    from sweep.progress import Watcher

    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    elif device == "cuda" and not torch.cuda.is_available() and address is None:
        raise ExperimentError("--device cuda: no CUDA device is usable here; give cpu or auto")
    specs = trial_specs(plan, device)
    texts = {name: len(entry.split("train").ids) for name, entry in plan.features.items()}
    work = {
        spec.name: spec.epochs * texts[spec.arms[0].language] / spec.arms[0].batch_size
        for spec in specs
    }
    with Watcher(console, plan.experiment.name, work, len(plan.todo)) as watcher:
        if executor == "inline":
            from sweep.executors.inline import run_inline

            run_inline(specs, watcher)
        else:
            from sweep.executors.ray import run_ray

            run_ray(specs, watcher, plan.run, address)
    return watcher.ok, watcher.diverged, watcher.failed
