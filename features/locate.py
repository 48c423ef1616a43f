"""Finding files: by official name anywhere below the data folder, or by path."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from features.errors import InputError


@dataclass(frozen=True)
class Source:
    """A file that went into the features.

    Attributes:
        role: What it was used as, such as ``corpus train`` or ``lexicon afinn``.
        path: Where it lay.
        sha256: Hash of its bytes.
    """

    role: str
    path: Path
    sha256: str


def sha256_of(path: Path) -> str:
    """Hashes a file's bytes.

    Raises:
        InputError: When the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error


def source(role: str, path: Path) -> Source:
    """Describes a file that is used, by role and content."""
    return Source(role, path, sha256_of(path))


def require_folder(data: Path | None, wanted: str) -> Path:
    """Returns the data folder, or says what it is needed for.

    Raises:
        InputError: When none was given or it is no folder.
    """
    if data is None:
        raise InputError(f"no data folder was given (--data DIR) for {wanted}")
    if not data.is_dir():
        raise InputError(f"{data}: expected a folder that holds {wanted}, found none")
    return data


def find_official(data: Path, name: str) -> Path | None:
    """Finds a file by its official name anywhere below a folder.

    Args:
        data: The folder.
        name: The file's exact name.

    Returns:
        Its path, the first in sorted order among copies with equal bytes; None if absent.

    Raises:
        InputError: When several files of that name differ.
    """
    found = sorted(path for path in data.rglob(name) if path.is_file())
    if len({sha256_of(path) for path in found}) > 1:
        listed = ", ".join(str(path) for path in found)
        raise InputError(f"{name} lies below {data} with different contents, keep one: {listed}")
    return found[0] if found else None


def find_text(data: Path, pattern: str) -> list[Path]:
    """Finds unlabelled text by a pattern relative to anywhere below a folder.

    Equal files count once; the order follows names, not folders, so a moved folder changes
    nothing.

    Raises:
        InputError: When nothing matches, or the pattern is none.
    """
    if Path(pattern).is_absolute():
        raise InputError(f"'{pattern}': expected a pattern relative to the data folder {data}")
    try:
        matches = sorted(data.rglob(pattern), reverse=True)
    except ValueError as error:
        raise InputError(f"'{pattern}': expected a pattern of file names ({error})") from error
    found = {
        sha256_of(path): path
        for path in matches
        if path.is_file() and path.name.endswith((".txt", ".txt.gz"))
    }
    if not found:
        raise InputError(
            f"{data}: expected unlabelled text (.txt or .txt.gz) as '{pattern}' somewhere below "
            "it, found none (text: corpus would take the train texts)"
        )
    return [found[digest] for digest in sorted(found, key=lambda d: (found[d].name, d))]


def resolve(path: str, language: str, data: Path | None) -> Path:
    """Finds a file given by path: below the data folder, else from the working directory.

    Args:
        path: The path; ``{lang}`` stands for the language.
        language: Two-letter code.
        data: The data folder, if any.

    Raises:
        InputError: When there is no such file.
    """
    written = Path(path.replace("{lang}", language))
    candidates = [data / written, written] if data is not None else [written]
    for candidate in candidates:
        if _is_file(candidate):
            return candidate
    raise InputError(f"no such file: {' or '.join(str(c) for c in dict.fromkeys(candidates))}")


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # such as a name that is too long for any file
        return False
