"""Commands that ask what a run has recorded."""

from typing import Annotated

import typer

from sweep.options import (
    Form,
    FormOption,
    RunArgument,
)
from sweep.printing import print_tables


def tables(run: RunArgument, form: FormOption = Form.TABLE) -> None:
    """Aggregate a run (again): scores with intervals and the paper's tables."""
    from results import aggregate

    print_tables([table for table in aggregate(run) if table.headline], form)


def leaderboard(
    run: RunArgument,
    metric: Annotated[str, typer.Option(help="acc, macro_f1 or micro_f1.")],
    language: Annotated[str | None, typer.Option(help="One language only.")] = None,
    form: FormOption = Form.TABLE,
) -> None:
    """Rank the losses by a metric, with intervals and the labels that they never predict."""
    from results import leaderboard as ranking

    print_tables(ranking(run, metric, language), form)


def query(
    run: RunArgument,
    sql: Annotated[str, typer.Argument(help="One SELECT.", metavar="SQL")],
    form: FormOption = Form.TABLE,
) -> None:
    """Answer SQL over the views arms, epochs, predictions, examples, scores, tries, chosen."""
    from results import query as answer
    from results.render import from_arrow

    print_tables([from_arrow(answer(run, sql))], form)
