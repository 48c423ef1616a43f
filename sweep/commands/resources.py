"""Commands for what arms are made of: features, corpora, losses, the cache."""

from pathlib import Path
from typing import Annotated

import typer

from sweep.options import (
    CacheOption,
    DataOption,
    ExperimentArgument,
    Form,
    FormOption,
    SetOption,
)
from sweep.printing import print_tables, say


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


def cache_list(cache: CacheOption = None, form: FormOption = Form.TABLE) -> None:
    """List the entries of the feature cache, last used first."""
    from features.stored import list_entries
    from sweep.cachelist import cache_folder, cache_table

    folder = cache_folder(cache)
    print_tables([cache_table(list_entries(folder), f"Feature cache {folder}")], form)


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
