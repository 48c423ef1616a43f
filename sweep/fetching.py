"""`softsweep fetch`: the terms, the question, the progress bar, and what was verified."""

import sys
from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from features.errors import InputError
from features.fetch import Fetched, fetch, find_corpus, find_fetched
from features.fetch.catalogue import OfficialCorpus
from sweep.printing import say


def fetch_corpus(name: str, data: Path, console: Console, *, accept_terms: bool) -> None:
    """Fetch a corpus into a folder of its name below the data folder, unless it is there.

    Args:
        name: the corpus.
        data: the folder that is later given as `--data`.
        console: where terms, progress and the outcome are shown.
        accept_terms: whether its terms are accepted; otherwise the user is asked.

    Raises:
        InputError: it cannot be fetched, or the terms are not accepted.
    """
    corpus = find_corpus(name)
    folder = data / corpus.name
    if found := find_fetched(corpus, folder):
        say(console, f"nothing to download: {_outcome(found, folder, corpus)}")
        return
    say(console, "\n".join([corpus.title, *(f"  {term}" for term in corpus.terms)]))
    say(console, f"  The terms in full: {corpus.page}")
    if not accept_terms:
        _ask(corpus)
    with Progress(
        TextColumn("[bold]{task.description}"),
        BarColumn(bar_width=30),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as bar:
        task = bar.add_task(corpus.name, total=None)
        got = fetch(
            corpus, folder, lambda there, size: bar.update(task, completed=there, total=size)
        )
    say(console, _outcome(got, folder, corpus))


def _ask(corpus: OfficialCorpus) -> None:
    """Ask on the terminal whether the terms are accepted."""
    import typer

    if not sys.stdin.isatty():
        raise InputError(
            f"the terms of {corpus.name} are not accepted and there is no terminal to ask at; "
            "read them, then give --accept-terms"
        )
    if not typer.confirm("Do you accept these terms?", err=True):
        raise InputError(f"the terms of {corpus.name} are not accepted; nothing was downloaded")


def _outcome(fetched: Fetched, folder: Path, corpus: OfficialCorpus) -> str:
    """One line: how many files are where, which of them are verified, and by what."""
    said = f"{len(fetched.files)} files in {folder}, "
    if fetched.unverified:
        said += f"verified by sha256 except {', '.join(fetched.unverified)}"
    else:
        said += "all verified by sha256, their own or the archive's"
    if fetched.other_archive:
        return (
            f"{said}; the archive is not the one recorded (sha256 {fetched.other_archive[:12]}... "
            f"instead of {corpus.sha256[:12]}...)"
        )
    if fetched.unverified:  # they were found, and the archive is not kept
        return f"{said} (not checked again: only the archive's sha256 vouches for these)"
    return said
