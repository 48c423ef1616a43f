"""What lies in a cache folder."""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from features.content import MANIFEST, read_manifest
from features.errors import InputError
from features.inputs import FEATURE_RULES
from features.text import TEXT_RULES

ENTRY = re.compile(r"(vectors-)?[0-9a-f]{64}")
"""Names of entries."""


@dataclass(frozen=True)
class Stored:
    """An entry of the cache.

    Attributes:
        folder: Where it lies.
        vectors: Whether it holds trained word vectors rather than the features of a corpus.
        subject: Name of the corpus, or pattern of the text that the vectors were trained on; empty
            where the manifest cannot be read, as are all that come from it.
        language: ISO 639 code.
        d: Length of a word's vector.
        v: Lexicon columns after it; None for vectors.
        words: Rows of the matrix.
        bytes: Size of its files.
        built: When it was written.
        used: When it was last opened, as far as the cache could be written then.
        state: ``ok``, by the sizes of its files; ``old``: made by rules, packages or a softsweep of
            another version, so that this one never finds it; or ``damaged``.
    """

    folder: Path
    vectors: bool
    subject: str
    language: str
    d: int | None
    v: int | None
    words: int | None
    bytes: int
    built: datetime | None
    used: datetime
    state: Literal["ok", "old", "damaged"]


def is_entry(folder: Path) -> bool:
    """Tells entries from all else that may lie in the folder: by name, and by what they hold."""
    return bool(ENTRY.fullmatch(folder.name)) and (
        (folder / MANIFEST).is_file() or any(folder.glob("*.arrow"))
    )


def list_entries(cache: Path) -> list[Stored]:
    """Lists the entries of a cache, last used first; looks at names, sizes and manifests only.

    Args:
        cache: The cache folder; one that does not exist is empty.

    Raises:
        InputError: When it is no folder, or cannot be read.
    """
    if not cache.exists():
        return []
    try:
        found = [describe(folder) for folder in cache.iterdir() if is_entry(folder)]
    except OSError as error:
        raise InputError(f"{cache}: expected a cache folder ({error})") from error
    return sorted(found, key=lambda entry: entry.used, reverse=True)


def describe(folder: Path) -> Stored:
    """Describes one entry."""
    vectors = folder.name.startswith("vectors-")
    facts: dict[str, Any] = {}
    built = None
    state: Literal["ok", "old", "damaged"] = "damaged"
    try:
        facts = read_manifest(folder)
        built = _time(folder / MANIFEST)
        rules = facts.get("rules")
        state = "ok" if rules and rules.items() <= _current().items() else "old"
    except InputError:
        if facts := _unsealed(folder):
            state = "old"
    recipe = facts.get("recipe", {})
    return Stored(
        folder=folder,
        vectors=vectors,
        subject=facts.get("corpus") or recipe.get("text", ""),
        language=facts.get("language", ""),
        d=recipe.get("dimension", facts.get("d")),
        v=facts.get("v"),
        words=facts.get("words"),
        bytes=size_of(folder),
        built=built,
        used=_time(folder),
        state=state,
    )


def _unsealed(folder: Path) -> dict[str, Any]:
    """Reads a manifest of the time before manifests had a checksum; empty for any other."""
    try:
        facts = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return facts if isinstance(facts, dict) and "checksum" not in facts else {}


def size_of(path: Path) -> int:
    """Adds up the bytes of a file, or of the files of a folder."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


def _time(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def _current() -> dict[str, str]:
    return {
        "text_rules": TEXT_RULES,
        "feature_rules": FEATURE_RULES,
        "emoji": version("emoji"),
        "gensim": version("gensim"),
    }
