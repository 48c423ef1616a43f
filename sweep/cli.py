"""The `softsweep` command: each function here is a subcommand; what it needs is imported in it."""

import sys
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from sweep.printing import print_tables, say
from sweep.workers import CPU_WIDTH, GPU_WIDTH, MOST_THREADS, Workers


class Form(StrEnum):
    """How a table is printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    MARKDOWN = "markdown"
    LATEX = "latex"


class Executor(StrEnum):
    """Where arms are trained."""

    RAY = "ray"
    INLINE = "inline"


class Device(StrEnum):
    """What arms are trained on."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"
    MPS = "mps"


app = typer.Typer(
    name="softsweep",
    help="Which training loss for the metric you are judged by, and how sure.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

cache_app = typer.Typer(no_args_is_help=True)
app.add_typer(cache_app, name="cache", help="List or prune the feature cache.")

INTERRUPTED = 130
"""Exit status after an interrupt, as shells have it."""

ExperimentArgument = Annotated[
    str, typer.Argument(help="A YAML file or a built-in name (sample, paper).")
]
RunArgument = Annotated[Path, typer.Argument(help="A run folder.", metavar="RUN")]
DataOption = Annotated[
    Path | None,
    typer.Option("--data", help="Folder with corpora, lexicons and texts, at any depth."),
]
OutOption = Annotated[
    Path | None, typer.Option("--out", help="Run folder.", show_default="runs/EXPERIMENT")
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Replace a setting: grid.seed=[0,1,2]."),
]
LossesOption = Annotated[
    list[Path] | None,
    typer.Option("--losses", metavar="FILE", help="A file with losses of your own."),
]
CacheOption = Annotated[
    Path | None,
    typer.Option(
        "--cache", help="Feature cache.", show_default="$SOFTSWEEP_CACHE or ~/.cache/softsweep"
    ),
]
ExecutorOption = Annotated[Executor, typer.Option(help="Where arms are trained.")]
AddressOption = Annotated[str | None, typer.Option(help="A running Ray cluster.")]
DeviceOption = Annotated[Device, typer.Option(help="What they are trained on.")]
TrialsPerGpuOption = Annotated[int, typer.Option(help="Trials that share a GPU.")]
WidthOption = Annotated[
    int | None,
    typer.Option(
        "--width",
        help="Most arms trained together.",
        show_default=f"{GPU_WIDTH} on a GPU, {CPU_WIDTH} on a CPU",
    ),
]
ThreadsOption = Annotated[
    int | None,
    typer.Option(
        "--threads",
        help="Threads of a trial.",
        show_default=f"what leaves no core idle, at most {MOST_THREADS}",
    ),
]
FormOption = Annotated[Form, typer.Option("--format", help="How to print tables.")]


@app.command()
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
    form: FormOption = Form.TABLE,
) -> None:
    """Build features, train the arms that are not recorded yet, print the tables."""
    from rich.console import Console

    from sweep.driver import run_experiment

    workers = Workers(executor.value, address, device.value, trials_per_gpu, width, threads)
    console = Console(stderr=True)
    outcome = run_experiment(
        experiment,
        data=data,
        out=out,
        overrides=set_ or (),
        losses=losses or (),
        cache=cache,
        workers=workers,
        console=console,
    )
    print_tables([table for table in outcome.tables if table.headline], form)
    if outcome.tried:
        said = [f"{outcome.tried} arms trained"]
        already = outcome.wanted - outcome.tried
        said += [f"{already} were recorded already"] if already else []
    else:
        said = [f"nothing to train: all {outcome.wanted} arms are recorded"]
    said += [f"{outcome.diverged} diverged"] if outcome.diverged else []
    said += [f"{outcome.failed} failed (tried again by the next run)"] if outcome.failed else []
    summary = f"{', '.join(said)}; tables are in {shown(outcome.run / 'tables')}"
    say(console, summary)
    if outcome.failed or outcome.diverged:
        raise typer.Exit(1)


@app.command()
def ablate(
    experiment: ExperimentArgument,
    data: DataOption = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Folder of the runs.", show_default="runs/EXPERIMENT-ablation"),
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
    form: FormOption = Form.TABLE,
) -> None:
    """Show what the lexicons bring: vectors only, with each lexicon alone, with all."""
    from rich.console import Console

    from results.ablation import ablation_tables, check_metric, programs_table
    from sweep.ablation import ablate

    check_metric(metric)
    workers = Workers(executor.value, address, device.value, trials_per_gpu, width, threads)
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
    if any(outcome.failed or outcome.diverged for outcome in done.outcomes.values()):
        raise typer.Exit(1)


@app.command()
def plan(
    experiment: ExperimentArgument,
    data: DataOption = None,
    out: OutOption = None,
    set_: SetOption = None,
    losses: LossesOption = None,
    cache: CacheOption = None,
    width: WidthOption = None,
    threads: ThreadsOption = None,
    form: FormOption = Form.TABLE,
) -> None:
    """Show the arms wanted, recorded and to do, their stacks and time; trains nothing."""
    from sweep.listings import plan_table
    from sweep.plan import find_features, make_job, make_plan

    workers = Workers(width=width, threads=threads)
    job = make_job(
        experiment, data=data, out=out, overrides=set_ or (), losses=losses or (), cache=cache
    )
    found = find_features(job, partial(typer.echo, err=True))
    print_tables([plan_table(make_plan(job, found), workers)], form)


@app.command()
def features(
    experiment: ExperimentArgument,
    data: DataOption = None,
    set_: SetOption = None,
    cache: CacheOption = None,
    stats: Annotated[
        bool, typer.Option("--stats", help="Also print the corpus in numbers.")
    ] = False,
    form: FormOption = Form.TABLE,
) -> None:
    """Build the feature cache only; --stats also shows the corpus in numbers."""
    from rich.console import Console

    from sweep.driver import build_features, found_line
    from sweep.listings import features_table, sources_table
    from sweep.plan import make_job
    from sweep.statistics import statistics_tables

    job = make_job(experiment, data=data, overrides=set_ or (), cache=cache)
    console = Console(stderr=True)
    built = build_features(job, console)
    for entry in built.values():
        say(console, found_line(entry))
    tables = [features_table(built), *sources_table(built)]
    if stats:
        tables += statistics_tables(built)
    print_tables(tables, form)


@app.command()
def fetch(
    corpus: Annotated[str, typer.Argument(help="A corpus: semeval2018-ec.")],
    folder: Annotated[Path, typer.Argument(help="Data folder to put it in.", metavar="DIR")],
    accept_terms: Annotated[
        bool, typer.Option("--accept-terms", help="Accept its terms without being asked.")
    ] = False,
) -> None:
    """Download a corpus from its official page, on its makers' terms."""
    from rich.console import Console

    from sweep.fetching import fetch_corpus

    fetch_corpus(corpus, folder, Console(stderr=True), accept_terms=accept_terms)


@app.command()
def losses(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Files with losses of your own.")
    ] = None,
    check: Annotated[
        bool,
        typer.Option("--check", help="Check yours, or else the built-in ones, for conformance."),
    ] = False,
    form: FormOption = Form.TABLE,
) -> None:
    """List the losses that exist: name, formula, what they approximate, source; or check them."""
    from model.catalogue import catalogue
    from sweep.listings import losses_table

    known = catalogue(files or ())
    if not check:
        print_tables([losses_table(known)], form)
        return
    from sweep.checking import all_pass, check_losses, conformance_table, findings_table

    findings = check_losses(loss for loss in known.values() if loss.built_in == (not files))
    programs = form in (Form.CSV, Form.JSON)
    print_tables([(findings_table if programs else conformance_table)(findings)], form)
    if not all_pass(findings):
        raise typer.Exit(1)


@app.command()
def tables(run: RunArgument, form: FormOption = Form.TABLE) -> None:
    """Aggregate a run (again): scores with intervals and the paper's tables."""
    from results import aggregate

    print_tables([table for table in aggregate(run) if table.headline], form)


@app.command()
def query(
    run: RunArgument,
    sql: Annotated[str, typer.Argument(help="One SELECT.", metavar="SQL")],
    form: FormOption = Form.TABLE,
) -> None:
    """Answer SQL over the views arms, epochs, predictions, examples, scores."""
    from results import query as answer
    from results.render import from_arrow

    print_tables([from_arrow(answer(run, sql))], form)


@cache_app.command("list")
def cache_list(cache: CacheOption = None, form: FormOption = Form.TABLE) -> None:
    """List the entries of the feature cache, last used first."""
    from features.stored import list_entries
    from sweep.cachelist import cache_folder, cache_table

    folder = cache_folder(cache)
    print_tables([cache_table(list_entries(folder), f"Feature cache {folder}")], form)


@cache_app.command("prune")
def cache_prune(
    cache: CacheOption = None,
    unused: Annotated[
        int | None,
        typer.Option("--unused", metavar="DAYS", help="Also remove what was not used for so long."),
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="Remove every entry.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would go.")] = False,
    form: FormOption = Form.TABLE,
) -> None:
    """Remove what can never be found again: entries made by other rules, damaged, left half-built.

    What is being built is left alone, as are files that are not the cache's.
    """
    from features.pruning import prune
    from sweep.cachelist import cache_folder, cache_table, kept, pruned_line

    folder = cache_folder(cache)
    pruned = prune(folder, kept(unused, everything=all_), dry_run)
    if dry_run:
        print_tables([cache_table(pruned.entries, f"To be removed from {folder}")], form)
    typer.echo(pruned_line(pruned, folder, dry_run), err=True)


def shown(path: Path) -> str:
    """A path as a user would type it: relative where it lies below the working directory."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def main() -> None:
    """Run the command; a wrong request is one sentence and exit status 2, never a traceback."""
    from features import InputError
    from model import LossError
    from results import RecordError
    from sweep.errors import ExperimentError

    try:
        app()
    except (ExperimentError, InputError, LossError, RecordError) as error:
        sys.stderr.write(f"softsweep: {error}\n")
        sys.exit(2)
    except SystemExit as end:
        if end.code == INTERRUPTED:  # what typer makes of an interrupt
            sys.stderr.write("softsweep: stopped; what is recorded is kept, run again to go on\n")
        raise
    except BrokenPipeError:  # the reader, such as `head`, has had enough
        sys.stderr.close()
        sys.exit(0)


if __name__ == "__main__":
    main()
