"""Commands that want arms: run, plan, ablate; each imports what it needs."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from results.places import known_by
from sweep.errors import ExperimentError
from sweep.options import (
    AddressOption,
    CacheOption,
    DataOption,
    Device,
    DeviceOption,
    Executor,
    ExecutorOption,
    ExperimentArgument,
    Form,
    FormOption,
    KeepWeightsOption,
    LossesOption,
    OutOption,
    PricesOption,
    ProbeOption,
    SetOption,
    SlotsOption,
    StallAfterOption,
    ThreadsOption,
    TrialsPerGpuOption,
    TrustOption,
    WidthOption,
    mirrored,
)
from sweep.printing import print_tables, say
from sweep.workers import STALL_AFTER, Workers


def run(
    experiment: ExperimentArgument = "sample",
    data: DataOption = None,
    out: OutOption = None,
    set_: SetOption = None,
    losses: LossesOption = None,
    cache: CacheOption = None,
    executor: ExecutorOption = Executor.RAY,
    address: AddressOption = None,
    device: DeviceOption = Device.AUTO,
    trials_per_gpu: TrialsPerGpuOption = 1,
    width: WidthOption = None,
    threads: ThreadsOption = None,
    slots: SlotsOption = None,
    stall_after: StallAfterOption = STALL_AFTER,
    trust_run_losses: TrustOption = False,
    keep_weights: KeepWeightsOption = False,
    form: FormOption = Form.TABLE,
) -> None:
    """Build features, train the arms that are not recorded yet, print the tables."""
    from rich.console import Console

    from sweep.driver import run_experiment

    workers = Workers(
        executor.value, address, device.value, trials_per_gpu, width, threads, stall_after, slots
    )
    console = Console(stderr=True)
    outcome = run_experiment(
        experiment,
        data=data,
        out=out,
        overrides=set_ or (),
        losses=losses or (),
        cache=cache,
        trust_run_losses=trust_run_losses,
        keep_weights=keep_weights,
        workers=workers,
        console=console,
    )
    print_tables([table for table in outcome.tables if table.headline], form)
    for line in outcome.warnings:
        say(console, line)
    if outcome.tried:
        said = [f"{outcome.tried} arms trained"]
        already = outcome.wanted - outcome.tried
        said += [f"{already} were recorded already"] if already else []
    else:
        said = [f"nothing to train: all {outcome.wanted} arms are recorded"]
    said += [f"{outcome.diverged} diverged"] if outcome.diverged else []
    said += [f"{outcome.failed} failed (tried again by the next run)"] if outcome.failed else []
    if outcome.failed_tries:
        said.append(f"{outcome.failed_tries} tries failed (tried again by the next run)")
    said += [f"{outcome.lost} not trained for want of a setting"] if outcome.lost else []
    if outcome.weightless:
        said.append(f"{outcome.weightless} without weights, recorded before they were kept")
    summary = f"{', '.join(said)}; tables and report.html are in {shown(outcome.run / 'tables')}"
    say(console, summary)
    if outcome.failed or outcome.failed_tries or outcome.diverged or outcome.lost:
        raise typer.Exit(1)


def ablate(
    experiment: ExperimentArgument,
    data: DataOption = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="DIR",
            help="Folder or URI of the runs.",
            show_default="runs/EXPERIMENT-ablation",
            parser=mirrored,
        ),
    ] = None,
    set_: SetOption = None,
    losses: LossesOption = None,
    cache: CacheOption = None,
    variant: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Lexicons to compare with none, or all; may be repeated.",
            show_default="each, and all",
        ),
    ] = None,
    metric: Annotated[
        str,
        typer.Option(help="What to show: acc, macro_f1, micro_f1; own: what each loss is for."),
    ] = "own",
    executor: ExecutorOption = Executor.RAY,
    address: AddressOption = None,
    device: DeviceOption = Device.AUTO,
    trials_per_gpu: TrialsPerGpuOption = 1,
    width: WidthOption = None,
    threads: ThreadsOption = None,
    slots: SlotsOption = None,
    stall_after: StallAfterOption = STALL_AFTER,
    form: FormOption = Form.TABLE,
) -> None:
    """Show what the lexicons bring: vectors only, with each lexicon alone, with all."""
    from rich.console import Console

    from results.ablation import ablation_tables, check_metric, programs_table
    from sweep.ablation import ablate

    check_metric(metric)
    workers = Workers(
        executor.value, address, device.value, trials_per_gpu, width, threads, stall_after, slots
    )
    console = Console(stderr=True)
    done = ablate(
        experiment,
        variants=variant or (),
        data=data,
        out=out,
        overrides=set_ or (),
        losses=losses or (),
        cache=cache,
        workers=workers,
        console=console,
    )
    if form in (Form.CSV, Form.JSON):  # for programs: every metric, unrounded
        print_tables([programs_table(done.rows)], form)
    else:
        print_tables(ablation_tables(done.rows, metric), form)
    summary = f"ablation.md and ablation.csv with all metrics are in {shown(done.folder)}"
    say(console, summary)
    if any(o.failed or o.failed_tries or o.diverged for o in done.outcomes.values()):
        raise typer.Exit(1)


def plan(
    experiment: ExperimentArgument,
    data: DataOption = None,
    out: OutOption = None,
    set_: SetOption = None,
    losses: LossesOption = None,
    cache: CacheOption = None,
    probe: ProbeOption = False,
    address: AddressOption = None,
    device: DeviceOption = Device.AUTO,
    trials_per_gpu: TrialsPerGpuOption = 1,
    slots: SlotsOption = None,
    prices: PricesOption = None,
    width: WidthOption = None,
    threads: ThreadsOption = None,
    form: FormOption = Form.TABLE,
) -> None:
    """Show the arms wanted, recorded and to do, their stacks, time and cost; records nothing."""
    from results.parts import cut_off_parts
    from sweep.plan import find_features, make_job, make_plan
    from sweep.planlist import budget_tables, known_from_records, plan_tables
    from sweep.prices import read_prices

    workers = Workers("ray", address, device.value, trials_per_gpu, width, threads, slots=slots)
    if address and not probe:
        raise ExperimentError(f"--address {address}: without --probe nothing is asked of a cluster")
    table = read_prices(prices)
    job = make_job(
        experiment, data=data, out=out, overrides=set_ or (), losses=losses or (), cache=cache
    )
    say_on_stderr = partial(typer.echo, err=True)
    for damage in cut_off_parts(job.run):
        say_on_stderr(known_by(str(damage)))
    todo = make_plan(job, find_features(job, say_on_stderr))
    arms = todo.wanted if job.experiment.search else todo.todo
    if probe and arms:
        from sweep.probe import known_from_probe

        known = known_from_probe(todo, arms, workers, say_on_stderr)
    else:
        known = known_from_records(todo, workers)
    if job.experiment.search:
        print_tables(budget_tables(todo, known, table), form)
    else:
        print_tables(plan_tables(todo, known, width, table), form)


def shown(path: Path) -> str:
    """A path as a user would type it: a URI, or relative where it lies below this folder."""
    if (place := known_by(str(path))) != str(path):
        return place
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
