"""The `softsweep` command: its subcommands put together, and how it ends."""

import sys

import typer

from sweep.commands import records, resources, training

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


for command in (
    training.run,
    training.plan,
    training.ablate,
    resources.features,
    resources.losses,
    resources.fetch,
    records.tables,
    records.leaderboard,
    records.query,
):
    app.command()(command)

INTERRUPTED = 130
"""Exit status after an interrupt, as shells have it."""


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
