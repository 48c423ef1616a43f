"""Entries of a cache that are named by content, written once and never half."""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from features.errors import InputError


def content_key(parts: dict[str, Any]) -> str:
    """Hashes everything that goes in; equal parts, equal key."""
    canonical = json.dumps(parts, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()


@contextmanager
def written_whole(folder: Path) -> Iterator[Path | None]:
    """Lets one process at a time write an entry, elsewhere first, and then renames it.

    Args:
        folder: The entry; its name is its key.

    Yields:
        A new folder beside it to write into, or None when the entry exists already.

    Raises:
        InputError: When the cache cannot be written, for want of space or of permission.
    """
    from filelock import FileLock

    if folder.is_dir():
        yield None
        return
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        # The lock's file stays, also when the build fails: one who waits has it open already, and
        # once its name is gone, the next one would lock another file and build at the same time.
        with FileLock(folder.with_name(f"{folder.name}.lock")):
            if folder.is_dir():
                yield None
                return
            for stale in folder.parent.glob(f".{folder.name}-*"):
                shutil.rmtree(stale)  # of a builder that was killed: we hold its lock
            new = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
            try:
                yield new
                new.chmod(0o755)
                new.rename(folder)
            except BaseException:
                shutil.rmtree(new, ignore_errors=True)
                raise
    except OSError as error:
        raise InputError(f"{folder.parent}: the cache cannot be written ({error})") from error
