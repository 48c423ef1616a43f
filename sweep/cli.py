"""The `softsweep` command: its subcommands put together, and how it ends."""

import sys
import warnings

import typer

from sweep.commands import (
    claiming,
    comparing,
    records,
    resources,
    submitting,
    systems,
    training,
    watching,
)

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
cache_app.command("list")(resources.cache_list)
cache_app.command("prune")(resources.cache_prune)


app.command("import")(systems.import_)
for command in (
    training.run,
    training.plan,
    training.ablate,
    submitting.submit,
    watching.status,
    resources.features,
    resources.losses,
    resources.fetch,
    records.tables,
    records.leaderboard,
    records.per_class,
    comparing.compare,
    claiming.claims,
    comparing.changes,
    records.query,
    systems.predict,
    systems.score,
):
    app.command()(command)


def _show(message: Warning | str, *where: object, **options: object) -> None:
    """A warning as one sentence: where in the program it came up is no concern of the user."""
    from results.places import known_by

    sys.stderr.write(f"softsweep: {known_by(str(message))}\n")


def main() -> None:
    """Run the command; a wrong request is one sentence and exit status 2, never a traceback."""
    from features import InputError
    from model.errors import LossError, WeightsError
    from results import RecordError
    from results.errors import RecordWarning
    from results.places import known_by
    from sweep.errors import INTERRUPTED, ExperimentError, PlaceError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("default", RecordWarning)  # each sentence once
            warnings.showwarning = _show
            app()
    except (
        ExperimentError,
        InputError,
        LossError,
        PlaceError,
        RecordError,
        WeightsError,
    ) as error:
        sys.stderr.write(f"softsweep: {known_by(str(error))}\n")
        sys.exit(2)
    except SystemExit as end:
        if end.code == INTERRUPTED:  # what typer makes of an interrupt
            sys.stderr.write("softsweep: stopped; what is recorded is kept, run again to go on\n")
        raise
    except BrokenPipeError:  # the reader, such as `head`, has had enough
        sys.stderr.close()
        sys.exit(0)
    except OSError as error:  # a disk that is full or fails, a file that may not be read
        sys.stderr.write(f"softsweep: {known_by(str(error))}\n")
        sys.exit(2)


if __name__ == "__main__":
    main()
