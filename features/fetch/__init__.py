"""Corpora from their official pages: downloaded, checked, and only what is wanted of them kept."""

from dataclasses import dataclass
from pathlib import Path

from features.errors import InputError
from features.fetch.catalogue import CORPORA, OfficialCorpus, OfficialFile
from features.fetch.download import Received, discard, download
from features.fetch.extract import extract
from features.locate import sha256_of


@dataclass(frozen=True)
class Fetched:
    """What there is after a fetch.

    Attributes:
        files: The files, in the catalogue's order.
        unverified: Names of those whose content nothing vouches for.
        other_archive: Hash of the archive they came from, where it is not the one recorded.
    """

    files: tuple[Path, ...]
    unverified: tuple[str, ...]
    other_archive: str | None = None


def find_corpus(name: str) -> OfficialCorpus:
    """Looks a corpus up.

    Raises:
        InputError: Naming those that can be fetched.
    """
    if name not in CORPORA:
        raise InputError(f"'{name}' cannot be fetched; expected one of {', '.join(CORPORA)}")
    return CORPORA[name]


def find_fetched(corpus: OfficialCorpus, folder: Path) -> Fetched | None:
    """Looks for the files of an earlier fetch; a file that was altered since does not count.

    Args:
        corpus: What is wanted.
        folder: Where :func:`fetch` was told to put it.

    Returns:
        The files, or None where one is missing.
    """
    there = [file for file in corpus.files if _is_there(file, folder)]
    if any(file not in there and not file.optional for file in corpus.files):
        return None
    return Fetched(_paths(there, folder), _unhashed(there))


def fetch(corpus: OfficialCorpus, folder: Path, received: Received) -> Fetched:
    """Downloads a corpus and keeps the files that are wanted of it.

    Args:
        corpus: What is wanted; its terms are taken as accepted.
        folder: Where its files are put; made if need be.
        received: Told the bytes there are and how many there will be.

    Raises:
        InputError: When it cannot be had, is not what is expected, or cannot be written.
    """
    archive = folder / corpus.url.rsplit("/", 1)[-1]
    try:
        part = download(corpus.url, archive, received)
        archived = sha256_of(part)
        try:
            extracted = extract(part, corpus.files, folder)
        except InputError as error:
            discard(archive)
            raise InputError(f"{corpus.url}: {error}; nothing of it was kept") from error
        discard(archive)
    except OSError as error:
        raise InputError(f"{folder}: cannot be written ({error.strerror})") from error
    if archived == corpus.sha256:
        return Fetched(_paths(extracted, folder), ())
    return Fetched(_paths(extracted, folder), _unhashed(extracted), archived)


def _is_there(file: OfficialFile, folder: Path) -> bool:
    path = folder / file.name
    return path.is_file() and file.sha256 in (None, sha256_of(path))


def _paths(files: list[OfficialFile], folder: Path) -> tuple[Path, ...]:
    return tuple(folder / file.name for file in files)


def _unhashed(files: list[OfficialFile]) -> tuple[str, ...]:
    return tuple(file.name for file in files if file.sha256 is None)
