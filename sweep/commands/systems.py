"""Commands for other systems' predictions, and for using what was trained."""

from pathlib import Path
from typing import Annotated

import typer

from sweep.options import CacheOption, DataOption, Form, FormOption, RunArgument
from sweep.printing import print_tables, say


def import_(
    run: RunArgument,
    file: Annotated[
        Path, typer.Argument(help="A table: id, and a column for each label.", metavar="FILE")
    ],
    name: Annotated[str, typer.Option(help="The system's name, in place of a loss.")],
    seed: Annotated[
        int, typer.Option(help="The seed of its run; several imports are several seeds.")
    ] = 0,
    label: Annotated[
        str, typer.Option(help="What tables call the system.", show_default="its name")
    ] = "",
    split: Annotated[
        str | None,
        typer.Option(
            help="The split of the texts, test or dev.", show_default="the one that has the ids"
        ),
    ] = None,
    language: Annotated[
        str | None, typer.Option(help="The language of the texts, where several have these ids.")
    ] = None,
    logits: Annotated[
        bool, typer.Option("--logits", help="The values are logits, not probabilities.")
    ] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Forget an earlier import of this name and seed.")
    ] = False,
) -> None:
    """Add another system's predictions as an arm, in every table and comparison."""
    from results.mirror import known_by, publish
    from sweep.importing import import_file

    imported = import_file(
        run,
        file,
        name,
        seed=seed,
        label=label,
        split=split,
        language=language,
        logits=logits,
        replace=replace,
    )
    publish(run)
    texts = " and ".join(f"{number:,} {of}" for of, number in imported.texts.items())
    where = f"{name}, seed {seed}, {imported.corpus} {imported.language}: {texts} texts"
    if imported.changed:
        typer.echo(known_by(f"{where}; `softsweep tables {run}` has it in every table"), err=True)
    else:
        typer.echo(f"{where} were recorded already, nothing is changed", err=True)


def predict(
    run: RunArgument,
    arm: Annotated[str, typer.Argument(help="Its key, or the beginning of it.", metavar="ARM")],
    file: Annotated[
        Path, typer.Argument(help=".txt, one text a line, or a table.", metavar="FILE")
    ],
    column: Annotated[str, typer.Option(help="Column of the texts.")] = "text",
    threshold: Annotated[
        str | None,
        typer.Option(help='0.5, tuned or "per label".', show_default="0.5; tuned if it ranks"),
    ] = None,
    chosen_by: Annotated[str, typer.Option(help="Whose epoch: own, or a metric.")] = "own",
    data: DataOption = None,
    cache: CacheOption = None,
    form: FormOption = Form.TABLE,
) -> None:
    """Predict labels of new texts with an arm of `run --keep-weights`."""
    from rich.console import Console

    from results.fromarrow import from_arrow
    from sweep.plan import default_cache
    from sweep.predicting import predict as predict_texts

    predictions = predict_texts(
        run,
        arm,
        file,
        cache=cache or default_cache(),
        data=data,
        column=column,
        threshold=threshold,
        chosen_by=chosen_by,
    )
    print_tables([from_arrow(predictions.table, "predictions")], form)
    for line in predictions.lines:
        say(Console(stderr=True), line)


def score(
    run: RunArgument,
    file: Annotated[
        Path, typer.Argument(help="Texts with gold labels, as the corpus' own.", metavar="FILE")
    ],
    split: Annotated[str, typer.Option(help="The split that arrived: test.")] = "test",
    language: Annotated[str | None, typer.Option(help="Where the run has several.")] = None,
    data: DataOption = None,
    cache: CacheOption = None,
    form: FormOption = Form.TABLE,
) -> None:
    """Score a run on a test split that arrived later, by the weights that arms kept."""
    from rich.console import Console

    from results import aggregate
    from results.mirror import publish
    from sweep.plan import default_cache
    from sweep.scoring import score_later

    scored = score_later(
        run, file, cache=cache or default_cache(), data=data, split=split, language=language
    )
    tables = aggregate(run)
    publish(run)
    print_tables([table for table in tables if table.headline], form)
    for line in scored.lines:
        say(Console(stderr=True), line)
