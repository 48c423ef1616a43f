"""The `softsweep` command: each function here is a subcommand; what it needs is imported in it."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sweep.workers import CPU_WIDTH, GPU_WIDTH, MOST_THREADS, Workers

if TYPE_CHECKING:
    from results.render import Table


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
    Path | None, typer.Option("--out", help="Run folder. [default: runs/EXPERIMENT]")
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Replace a setting: grid.seed=[0,1,2]."),
]
LossesOption = Annotated[
    list[Path] | None, typer.Option("--losses", help="A file with losses of your own.")
]
CacheOption = Annotated[
    Path | None,
    typer.Option(
        "--cache", help="Feature cache. [default: $SOFTSWEEP_CACHE or ~/.cache/softsweep]"
    ),
]
WidthOption = Annotated[
    int | None,
    typer.Option(
        "--width",
        help=f"Most arms trained together. [default: {GPU_WIDTH} on a GPU, {CPU_WIDTH} on a CPU]",
    ),
]
ThreadsOption = Annotated[
    int | None,
    typer.Option(
        "--threads",
        help=f"Threads of a trial. [default: what leaves no core idle, at most {MOST_THREADS}]",
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
    executor: Annotated[Executor, typer.Option(help="Where arms are trained.")] = Executor.RAY,
    address: Annotated[str | None, typer.Option(help="A running Ray cluster.")] = None,
    device: Annotated[Device, typer.Option(help="What they are trained on.")] = Device.AUTO,
    trials_per_gpu: Annotated[int, typer.Option(help="Trials that share a GPU.")] = 1,
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
    _print([table for table in outcome.tables if table.headline], form)
    if outcome.tried:
        said = [f"{outcome.tried} arms trained"]
        already = outcome.wanted - outcome.tried
        said += [f"{already} were recorded already"] if already else []
    else:
        said = [f"nothing to train: all {outcome.wanted} arms are recorded"]
    said += [f"{outcome.diverged} diverged"] if outcome.diverged else []
    said += [f"{outcome.failed} failed (tried again by the next run)"] if outcome.failed else []
    summary = f"{', '.join(said)}; tables are in {shown(outcome.run / 'tables')}"
    console.print(summary, highlight=False, soft_wrap=True, markup=False)
    if outcome.failed or outcome.diverged:
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
    _print([plan_table(make_plan(job, find_features(job)), workers)], form)


@app.command()
def features(
    experiment: ExperimentArgument,
    data: DataOption = None,
    set_: SetOption = None,
    cache: CacheOption = None,
    stats: Annotated[
        bool, typer.Option("--stats", help="Also print the corpus as the paper's Table 1.")
    ] = False,
    form: FormOption = Form.TABLE,
) -> None:
    """Build the feature cache only."""
    from rich.console import Console

    from sweep.driver import build_features
    from sweep.listings import corpus_table, coverage_table, features_table, sources_table
    from sweep.plan import make_job

    job = make_job(experiment, data=data, overrides=set_ or (), cache=cache)
    built = build_features(job, Console(stderr=True))
    tables = [features_table(built), *sources_table(built)]
    if stats:
        tables += [corpus_table(built), coverage_table(built)]
    _print(tables, form)


@app.command()
def losses(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Files with losses of your own.")
    ] = None,
    form: FormOption = Form.TABLE,
) -> None:
    """List the losses that exist: name, formula, what they approximate, source."""
    from model.catalogue import catalogue
    from sweep.listings import losses_table

    _print([losses_table(catalogue(files or ()))], form)


@app.command()
def tables(run: RunArgument, form: FormOption = Form.TABLE) -> None:
    """Aggregate a run (again): scores with intervals and the paper's tables."""
    from results import aggregate

    _print([table for table in aggregate(run) if table.headline], form)


@app.command()
def query(
    run: RunArgument,
    sql: Annotated[str, typer.Argument(help="One SELECT.", metavar="SQL")],
    form: FormOption = Form.TABLE,
) -> None:
    """Answer SQL over the views arms, epochs, predictions, examples, scores."""
    from results import query as answer
    from results.render import from_arrow

    _print([from_arrow(answer(run, sql))], form)


def _print(tables: "list[Table]", form: Form) -> None:
    """Print tables on standard output, an empty line between two of them."""
    from results.render import for_console, render

    if form is Form.TABLE and sys.stdout.isatty():
        from rich.console import Console

        for table in tables:
            Console().print(for_console(table), "")
        return
    sys.stdout.write("\n".join(render(table, form.value) for table in tables))


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
