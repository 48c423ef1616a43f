"""Commands that compare: cells of a run."""

from pathlib import Path
from typing import Annotated

import typer

from sweep.options import Form, FormOption, RunArgument, pulled
from sweep.printing import print_tables


def compare(
    run: RunArgument,
    a: Annotated[str, typer.Argument(help="A loss, or loss@key=value.", metavar="A")],
    b: Annotated[str, typer.Argument(help="Another.", metavar="B")],
    metric: Annotated[str, typer.Option(help="acc, macro_f1 or micro_f1.")],
    language: Annotated[str | None, typer.Option(help="One language only.")] = None,
    threshold: Annotated[str, typer.Option(help="0.5, tuned, or 'per label'.")] = "tuned",
    form: FormOption = Form.TABLE,
) -> None:
    """Compare two losses on a metric, paired over seeds and texts, in words and numbers."""
    from results.compare import compare as compared
    from results.compare import comparison_table, rows_table
    from results.words import caveats, verdict

    rows = compared(run, a, b, metric, language, threshold)
    if form is not Form.TABLE:
        print_tables([rows_table(rows)], form)
        return
    for row in rows:
        typer.echo(f"{row['language']} ({row['corpus']}): {verdict(row)}")
        for sentence in caveats(row):
            typer.echo(sentence)
        if row["difference"] is not None:
            print_tables([comparison_table(row)], form)


def changes(
    before: Annotated[
        Path, typer.Argument(help="A run folder or URI.", metavar="RUN1", parser=pulled)
    ],
    after: Annotated[Path, typer.Argument(help="A later one.", metavar="RUN2", parser=pulled)],
    metric: Annotated[str | None, typer.Option(help="One metric only.")] = None,
    form: FormOption = Form.TABLE,
) -> None:
    """Compare two runs of the same arms, such as of two releases: did anything change?"""
    from results.changes import changes as compared
    from results.changes import changes_table, programs_table

    found = compared(before, after, metric)
    if form in (Form.CSV, Form.JSON):  # for programs: every column, unrounded
        print_tables([programs_table(found)], form)
    else:
        print_tables([changes_table(found)], form)
