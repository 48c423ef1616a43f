"""The command that holds claims against a run."""

import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from sweep.options import Form, FormOption, RunArgument
from sweep.printing import print_tables


def claims(
    run: RunArgument,
    file: Annotated[
        Path | None,
        typer.Option("--claims", metavar="FILE", help="Claims of your own, in YAML."),
    ] = None,
    form: FormOption = Form.TABLE,
) -> None:
    """What a run confirms, contradicts or cannot decide of the paper's claims, or of your own."""
    from results.claims.shown import WIDTH, claims_table, claims_text
    from results.findings import Findings
    from results.run import Run

    table = claims_table(Findings(Run(run)), file)
    if form is Form.TABLE:
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else WIDTH
        typer.echo(claims_text(table, width), nl=False)
    else:
        print_tables([table], form)
