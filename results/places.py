"""What a run folder is called: by its path, or by the URI of the store that it mirrors."""

import os
import re
from contextlib import suppress
from pathlib import Path

from results.errors import RecordError

MARK = ".store"
"""The file in a mirror that holds its URI."""

_SECRET = re.compile(r"(?<=://)[^/?#@]*@")
"""Key and secret in a URI."""


def mirrors() -> Path:
    """Where mirrors lie: `$SOFTSWEEP_MIRRORS`, else `softsweep/mirrors` in the user's cache."""
    if given := os.environ.get("SOFTSWEEP_MIRRORS"):
        return Path(given).resolve()
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache).resolve() / "softsweep" / "mirrors"


def uri_of(folder: Path) -> str:
    """The URI of a mirror, secrets and all, for other machines; empty for an ordinary folder.

    Raises:
        RecordError: it cannot be read which of them this is.
    """
    try:
        return (folder / MARK).read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except OSError as error:
        raise RecordError(f"{folder / MARK}: cannot be read ({error.strerror})") from error


def masked(text: str) -> str:
    """A URI, or a text with some, as it may be shown: without a key and secret."""
    return _SECRET.sub("***@", text)


def place_of(folder: Path) -> str:
    """What people know a folder by: the URI of a mirror, without secrets, else its full path."""
    return masked(uri_of(folder)) or str(folder.resolve())


def copy_note(path: Path) -> str:
    """That a file is a copy here of what lies in a store; empty for any other file."""
    if known_by(str(path)) == str(path):
        return ""
    return f" as this machine's copy below {mirrors()} ($SOFTSWEEP_MIRRORS says where)"


def known_by(text: str) -> str:
    """A text in which each mirror is called by its URI."""

    def place(found: re.Match[str]) -> str:
        with suppress(RecordError):
            return masked(uri_of(Path(found[0]))) or found[0]
        return found[0]

    return re.sub(rf"{re.escape(str(mirrors()))}/[0-9a-f]{{16}}", place, text)
