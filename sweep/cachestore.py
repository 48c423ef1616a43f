"""A feature cache in a store: its entries are fetched before they are used, shared once built.

An entry lies there as `<key>/<version>/`, a version being the beginning of its manifest's checksum,
and counts from when its manifest is there. Where two machines built the same at the same time, the
one that was there first is everybody's: builds need not be reproducible.
"""

import json
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

from features import Features, InputError, open_features
from features.content import (
    MANIFEST,
    content_key,
    damage,
    read_manifest,
    written_whole,
)
from features.locate import sha256_of
from features.skipgram import entry_of
from results.errors import RecordError
from results.mirror import local_folder, place_of
from results.stores import Store, store_of
from sweep.errors import ExperimentError

_VERSION = 16
"""Digits of a checksum that name a version."""


def bring(entry: Path) -> None:
    """See that an entry is in its cache folder whole, if the store has it.

    Args:
        entry: in a mirror; in an ordinary cache nothing is done.

    Raises:
        RecordError: the store cannot be read or its entry is damaged, or the copy cannot be
            written.
    """
    store = store_of(entry.parent)
    if store and not (entry.is_dir() and not damage(entry)):
        for version in _versions(store, entry.name)[:1]:
            _fetch(store, entry, version)


def bring_features(cache: Path, sha256: str) -> None:
    """See that the features with these bytes, and the vectors they use, are in a cache folder.

    Args:
        cache: a mirror; with an ordinary cache nothing is done.
        sha256: of their bytes.

    Raises:
        RecordError: the store cannot be read or its entry is damaged, or the copy cannot be
            written.
    """
    if (store := store_of(cache)) is None:
        return
    names = {PurePosixPath(name).parts[0] for name in store.list()}
    for name in sorted(name for name in names if not name.startswith(("vectors-", "."))):
        for version in _versions(store, name):
            manifest = _manifest(store, name, version)
            if manifest["sha256"] == sha256:
                _replace(store, cache / name, version)
                for part in manifest["vectors"]:
                    bring(entry_of(part["key"], cache))
                return


def share(entry: Features) -> Features:
    """Put features, and the vectors that they use, into the store of their cache.

    Args:
        entry: in a mirror; of an ordinary cache nothing is shared.

    Returns:
        The features that the store holds, which another machine may have put there before.

    Raises:
        RecordError: the store cannot be read or written.
    """
    if (store := store_of(entry.path.parent)) is None:
        return entry
    keys = [part["key"] for part in entry.manifest["vectors"]]
    for vectors in (entry_of(key, entry.path.parent) for key in keys):
        if (vectors / MANIFEST).is_file():
            _share(store, vectors)
    _share(store, entry.path)
    return open_features(entry.path)


def entry_at_home(cache: str, name: str, sha256: str) -> Path:
    """This machine's copy of features, fetched once for all its processes.

    Args:
        cache: URI of the feature cache.
        name: of the entry.
        sha256: of the features' bytes.

    Raises:
        ExperimentError: the store does not hold these features.
        RecordError: it cannot be read, or the copy cannot be written.
    """
    entry = local_folder(cache, pull=False) / name
    if _is(entry, sha256):
        return entry
    store = Store(cache)
    for version in _versions(store, name):
        if _manifest(store, name, version)["sha256"] == sha256:
            _replace(store, entry, version)
            return entry
    raise ExperimentError(
        f"{store.shown}: no features {sha256[:12]}… in it, on which the arms are to be trained; "
        "were they deleted? run again to have them built"
    )


def folder_of(cache: Path) -> Path:
    """A cache folder that is one of this machine, as those commands need that look after one.

    Raises:
        ExperimentError: it lies in a store.
    """
    if store_of(cache):
        raise ExperimentError(
            f"--cache {place_of(cache)}: lies in a store; use that store's own tools to list and "
            "delete its entries"
        )
    return cache


def _is(entry: Path, sha256: str) -> bool:
    """Whether an entry is here with these bytes, by its manifest and sizes."""
    try:
        return bool(read_manifest(entry)["sha256"] == sha256)
    except InputError:
        return False


def _share(store: Store, entry: Path) -> None:
    """Put an entry into the store; one that was there first takes its place here."""
    ours = str(json.loads((entry / MANIFEST).read_text(encoding="utf-8"))["checksum"])[:_VERSION]
    if ours not in (versions := _versions(store, entry.name)):
        files = [path.name for path in entry.iterdir() if path.name != MANIFEST]
        below = f"{entry.name}/{ours}"
        store.together(lambda name: store.put(f"{below}/{name}", entry / name), files)
        store.put(f"{below}/{MANIFEST}", entry / MANIFEST)
        versions = _versions(store, entry.name)
    if versions[:1] != [ours]:
        _replace(store, entry, versions[0])


def _versions(store: Store, name: str) -> list[str]:
    """The versions of an entry that are in the store, the first one first."""
    manifests = {
        PurePosixPath(file).parts[1]: item.changed
        for file, item in store.list(name).items()
        if len(PurePosixPath(file).parts) == 3 and PurePosixPath(file).name == MANIFEST
    }
    return sorted(manifests, key=lambda version: (manifests[version], version))


def _replace(store: Store, entry: Path, version: str) -> None:
    """Fetch a version in place of another one, which those who have it open keep."""

    def unlike(entry: Path) -> str:
        """By sizes only: whoever fetched it compared the rest, and several may wait for that."""
        try:
            same = content_key(read_manifest(entry)).startswith(version)
        except InputError as error:
            return str(error)
        return "" if same else "another version"

    _fetch(store, entry, version, unlike)


def _fetch(
    store: Store, entry: Path, version: str, trouble_of: Callable[[Path], str] = damage
) -> None:
    """Bring a version of an entry here, whole or not at all, by one process at a time."""
    with written_whole(entry, lambda trouble: None, trouble_of) as new:
        if new is None:
            return
        manifest = _manifest(store, entry.name, version)
        below = f"{entry.name}/{version}"
        if any(Path(name).name != name or name.startswith(".") for name in manifest["files"]):
            raise _damaged(store, below)
        store.together(lambda name: store.get(f"{below}/{name}", new / name), manifest["files"])
        for name, file in manifest["files"].items():
            if not (new / name).is_file() or sha256_of(new / name) != file["sha256"]:
                raise _damaged(store, f"{below}/{name}")
        (new / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")


def _manifest(store: Store, name: str, version: str) -> dict[str, Any]:
    """What a version says about itself, without the checksum that was compared."""
    path = f"{name}/{version}/{MANIFEST}"
    try:
        manifest: dict[str, Any] = json.loads(store.read(path) or b"")
        checksum = manifest.pop("checksum")
    except (ValueError, KeyError, AttributeError) as error:
        raise _damaged(store, path) from error
    if checksum != content_key(manifest) or not checksum.startswith(version):
        raise _damaged(store, path)
    return manifest


def _damaged(store: Store, name: str) -> RecordError:
    return RecordError(
        f"{store.shown}: {name} is not as it was written; delete its folder there to have it built "
        "again"
    )
