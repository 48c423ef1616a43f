"""Commands that ask what a run has recorded."""

from pathlib import Path
from typing import Annotated

import typer

from sweep.options import (
    Form,
    FormOption,
    RunArgument,
    pulled,
)
from sweep.printing import print_tables


def tables(
    runs: Annotated[
        list[Path],
        typer.Argument(
            help="A run folder or its URI, or several to merge.", metavar="RUN...", parser=pulled
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="RUN",
            help="Folder or URI of the merged run; made where missing.",
            parser=pulled,
        ),
    ] = None,
    form: FormOption = Form.TABLE,
) -> None:
    """Aggregate a run (again), or several merged into one: scores with intervals, all tables."""
    from results import aggregate
    from results.errors import RecordError
    from results.merged import merge_runs
    from results.mirror import known_by, publish

    run = runs[0]
    if out is not None:
        run = merge_runs(runs, out)
        publish(run)
    elif len(runs) > 1:
        raise RecordError(f"{len(runs)} runs are merged into a new folder: give it with --out")
    made = aggregate(run)
    publish(run)
    print_tables([table for table in made if table.headline], form)
    typer.echo(known_by(f"tables and report.html are in {run / 'tables'}"), err=True)


def leaderboard(
    run: RunArgument,
    metric: Annotated[str, typer.Option(help="acc, macro_f1 or micro_f1.")],
    language: Annotated[str | None, typer.Option(help="One language only.")] = None,
    form: FormOption = Form.TABLE,
) -> None:
    """Rank the losses by a metric, with intervals and the labels that they never predict."""
    from results import leaderboard as ranking

    print_tables(ranking(run, metric, language), form)


def per_class(
    run: RunArgument,
    a: Annotated[str, typer.Argument(help="A loss, or loss@key=value.", metavar="A")],
    b: Annotated[str, typer.Argument(help="Another.", metavar="B")],
    language: Annotated[str | None, typer.Option(help="One language only.")] = None,
    chosen_by: Annotated[
        str, typer.Option(help="What chose the epoch: own, acc, macro_f1 or micro_f1.")
    ] = "own",
    threshold: Annotated[str, typer.Option(help="0.5, tuned, or 'per label'.")] = "0.5",
    form: FormOption = Form.TABLE,
) -> None:
    """Precision, recall and F1 of every class of two losses, as in the paper's Tables 4 and 5."""
    from results.classes import per_class as classes

    print_tables(classes(run, a, b, language, chosen_by, threshold), form)


def query(
    run: RunArgument,
    sql: Annotated[str, typer.Argument(help="One SELECT.", metavar="SQL")],
    form: FormOption = Form.TABLE,
) -> None:
    """Answer SQL over a run's views; docs/views.md tells of their columns.

    They are arms, epochs, predictions, examples, tries and chosen, and once `softsweep tables` made
    them scores, comparisons, per_class and convergence.
    """
    from results import query as answer
    from results.fromarrow import from_arrow

    print_tables([from_arrow(answer(run, sql))], form)
