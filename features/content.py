"""Entries of a cache: named by content, written once and never half, checked before they are used.

The manifest of an entry lists its files with their sizes and SHA-256, and carries a checksum of
itself.
"""

import hashlib
import json
import os
import secrets
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from features.errors import InputError
from features.locate import sha256_of
from features.progress import Say

MANIFEST = "manifest.json"
_DAMAGED = "the entry is damaged and has to be built again"


def content_key(parts: dict[str, Any]) -> str:
    """Hashes everything that goes in; equal parts, equal key."""
    canonical = json.dumps(parts, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()


def lock_of(entry: Path) -> Path:
    """Names the file that whoever writes or removes an entry has to hold locked."""
    return entry.with_name(f"{entry.name}.lock")


def read_manifest(entry: Path) -> dict[str, Any]:
    """Reads what an entry says about itself; of its files, looks at the sizes only.

    Args:
        entry: The folder.

    Raises:
        InputError: When it is no entry, or its manifest or a size is not as it was written.
    """
    try:
        manifest: dict[str, Any] = json.loads((entry / MANIFEST).read_text(encoding="utf-8"))
        sizes = {name: file["bytes"] for name, file in manifest["files"].items()}
        found = {name: (entry / name).stat().st_size for name in sizes}
        checksum = manifest.pop("checksum")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{entry}: expected an entry of the feature cache ({error}); it has to be built again"
        ) from error
    if checksum != content_key(manifest) or manifest["entry"] != entry.name:
        raise InputError(f"{entry / MANIFEST}: is not as it was written; {_DAMAGED}")
    for name, size in sizes.items():
        if found[name] != size:
            raise InputError(f"{entry / name}: {found[name]} bytes; expected {size}: {_DAMAGED}")
    return manifest


def damage(entry: Path) -> str:
    """Compares every file of an entry with its checksum; says what is wrong, empty for nothing."""
    try:
        for name, file in read_manifest(entry)["files"].items():
            if sha256_of(entry / name) != file["sha256"]:
                return f"{entry / name}: other bytes than were written; {_DAMAGED}"
    except InputError as error:
        return str(error)
    return ""


def mark_used(entry: Path) -> None:
    """Sets the time of an entry's folder, which says when it was last used."""
    with suppress(OSError):  # a cache that is read-only, or somebody else's
        os.utime(entry)


def set_aside(entry: Path) -> Path:
    """Renames an entry, for those who have it open to keep, to what a killed builder leaves."""
    return entry.rename(entry.with_name(f".{entry.name}-{secrets.token_hex(4)}"))


@contextmanager
def written_whole(
    entry: Path, say: Say = warnings.warn, trouble_of: Callable[[Path], str] = damage
) -> Iterator[Path | None]:
    """Lets one process at a time write an entry, elsewhere first, and then renames it.

    A damaged entry is replaced by the new one.

    Args:
        entry: The folder; its name is its key.
        say: Told when the entry is damaged.
        trouble_of: Says why an entry that exists has to be written again, empty for no reason.

    Yields:
        A new folder beside it to write into, a manifest included, or None when the entry exists
        already; by default, with every byte as it was written.

    Raises:
        InputError: When the cache cannot be written, for want of space or of permission.
    """
    from filelock import FileLock

    if entry.is_dir() and not trouble_of(entry):
        yield None
        return
    try:
        entry.parent.mkdir(parents=True, exist_ok=True)
        # The lock's file stays, also when the build fails: one who waits has it open already, and
        # once its name is gone, the next one would lock another file and build at the same time.
        with FileLock(lock_of(entry)):
            if entry.is_dir():
                trouble = trouble_of(entry)
                if not trouble:
                    yield None
                    return
                say(trouble)
            for stale in entry.parent.glob(f".{entry.name}-*"):
                shutil.rmtree(stale, ignore_errors=True)  # of a builder that was killed
            new = Path(tempfile.mkdtemp(prefix=f".{entry.name}-", dir=entry.parent))
            try:
                yield new
                _seal(new, entry.name)
                new.chmod(0o755)
                _put(new, entry)
            except BaseException:
                shutil.rmtree(new, ignore_errors=True)
                raise
    except OSError as error:
        raise InputError(f"{entry.parent}: the cache cannot be written ({error})") from error


def _seal(new: Path, name: str) -> None:
    """Completes the manifest of an entry that has been written."""
    facts = json.loads((new / MANIFEST).read_text(encoding="utf-8"))
    files = {
        path.name: {"bytes": path.stat().st_size, "sha256": sha256_of(path)}
        for path in sorted(new.iterdir())
        if path.name != MANIFEST
    }
    manifest = {**facts, "entry": name, "files": files}
    manifest["checksum"] = content_key(manifest)
    text = json.dumps(manifest, indent=2, ensure_ascii=False)
    (new / MANIFEST).write_text(text, encoding="utf-8")


def _put(new: Path, entry: Path) -> None:
    """Gives a new entry its name, in place of a damaged one."""
    if not entry.exists():
        new.rename(entry)
        return
    aside = set_aside(entry)
    new.rename(entry)
    shutil.rmtree(aside, ignore_errors=True)
