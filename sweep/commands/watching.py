"""The command that tells how a run stands."""

from pathlib import Path
from typing import Annotated

import typer

from sweep.options import Form, FormOption, mirrored
from sweep.printing import print_tables


def status(
    run: Annotated[
        Path, typer.Argument(help="A run folder or its URI.", metavar="RUN", parser=mirrored)
    ],
    form: FormOption = Form.TABLE,
) -> None:
    """Show how a run stands: its driver, its arms, trials under way, time left, the last failures.

    It may be asked from any machine that reads the storage, and at any time.
    """
    from sweep.overview import overview

    print_tables(overview(run), form)
