"""How files of a corpus and language are named; the names come from records, which are not ours."""

import hashlib
import re
from collections.abc import Sequence

_PLAIN = re.compile(r"[\w.-]+")

_LONGEST = 100
"""Bytes of a name that is taken as it is: file systems allow 255, with what is put around it."""


def stems(pairs: Sequence[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Stems for file names: the language, with the corpus where there are several of one language.

    Args:
        pairs: corpora and languages.

    Returns:
        By pair, a stem that names no folder, whatever they are called.
    """
    languages = [language for _, language in pairs]
    return {
        (corpus, language): _plain(
            language if languages.count(language) == 1 else f"{language}_{corpus}"
        )
        for corpus, language in pairs
    }


def _plain(name: str) -> str:
    """The name itself where it is a plain one; else what is plain of it, and a hash."""
    if _PLAIN.fullmatch(name) and len(name.encode()) <= _LONGEST:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:12]
    return f"{re.sub('[^A-Za-z0-9_.]+', '-', name)[:_LONGEST]}~{digest}"
