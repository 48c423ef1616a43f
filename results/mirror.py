"""Folders in object stores, read and written as folders of this machine that mirror them.

A mirror holds a hidden file with its URI. It is pulled before it is read and pushed after it was
written; every function here leaves an ordinary folder alone. The parts of trials never change under
their names, so a file of the same name and size is the same one; of all other files the times are
compared. What the store holds counts: a file that is missing here comes again with the next pull,
and only what goes away between a pull and a push is deleted there; a part only if what replaces it
is here. A file that the store lacks and no pull has seen was written here, and goes there with the
next push.

No hidden file travels, but for those few that `direct` reads and writes in the store itself.
"""

import hashlib
import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from results import stores
from results.direct import Direct, direct
from results.errors import RecordError
from results.mirrored import (
    Known,
    done_with,
    found_here,
    in_order,
    index_of,
    is_kept,
    lasting,
    on_demand,
    remove_here,
    travelling,
    travels,
)
from results.parts import whole_file
from results.places import MARK, known_by, masked, mirrors, place_of, uri_of
from results.remedies import unwritable
from results.stores import Store, child, is_uri, store_of

__all__ = [
    "Direct",
    "below",
    "direct",
    "fetch_anew",
    "fetch_file",
    "known_by",
    "let_go",
    "local_folder",
    "place_of",
    "publish",
    "publish_files",
    "refresh",
    "uri_of",
]

SCHEMES = ("s3", "gs", "gcs", "abfs", "abfss", "file")
"""Kinds of stores."""

FIRST_TRY = 15.0
"""Seconds for which a store is tried when it is first named: its address may be wrong."""


def local_folder(place: str | Path, *, pull: bool = True) -> Path:
    """The folder of this machine where a place is read and written.

    Args:
        place: a folder, which is its own, or a URI, which has a mirror below `places.mirrors()`.
        pull: whether what the store holds is brought here.

    Raises:
        RecordError: the store cannot be read, or the mirror cannot be written; it is no URI of a
            store; or a URI was made a path, which joins its slashes.
    """
    if isinstance(place, Path) or not is_uri(place):
        if found := re.fullmatch(r"([a-zA-Z][a-zA-Z0-9+.-]+):/(.*)", str(place)):
            meant = f"{found[1]}://{found[2]}"
            raise RecordError(f"{place}: is no folder; give the URI as text, {meant!r}, not a path")
        return Path(place)
    scheme, _, rest = place.partition("://")
    path, mark, options = rest.partition("?")
    bucket = path.strip("/") if scheme.lower() == "file" else path.split("/")[0]
    if scheme.lower() not in SCHEMES or not bucket:
        raise RecordError(
            f"{masked(place)}: expected s3://BUCKET/FOLDER, gs://BUCKET/FOLDER or file:///FOLDER"
        )
    uri = f"{scheme.lower()}://{path.rstrip('/')}{mark}{options}"
    folder = mirrors() / hashlib.sha256(uri.encode()).hexdigest()[:16]
    if uri_of(folder) != uri:
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # the URI may hold a secret
        except OSError as error:
            raise unwritable(folder, error) from error
        with whole_file(folder / MARK) as file:
            file.write(uri.encode())
    if pull:
        refresh(folder, min(FIRST_TRY, stores.PATIENCE))
    return folder


def below(folder: Path, name: str) -> Path:
    """A folder in another one, to be written: of a mirror, the mirror of what lies there.

    Raises:
        RecordError: the mirror cannot be written.
    """
    uri = uri_of(folder)
    return local_folder(child(uri, name), pull=False) if uri else folder / name


def refresh(folder: Path, patience: float | None = None) -> None:
    """Bring what changed in the store here, and delete here what was deleted there.

    Weights, which few need and which are most of a run's bytes, stay there until `fetch_file`.

    Args:
        folder: a mirror; an ordinary folder is left alone.
        patience: seconds for which what fails is tried again.

    Raises:
        RecordError: the store cannot be read, or the mirror cannot be written.
    """
    if (store := store_of(folder, patience)) is None:
        return
    with index_of(folder) as index:
        there = {name: item for name, item in store.list().items() if travels(name)}
        wanted = []
        for name, item in there.items():
            here, known = found_here(folder / name), index.get(name)
            if here is None and on_demand(name):
                index.pop(name, None)
            elif known is None and here and lasting(name) and here[0] == item.size:
                index[name] = Known(item.size, item.changed, here[1])
            elif known is None or here is None or not known.is_at(name, item):
                wanted.append(name)
            elif lasting(name) and not known.is_here(here):
                wanted.append(name)  # damaged here

        def bring(name: str) -> None:
            if store.get(name, folder / name) and (here := found_here(folder / name)):
                index[name] = Known(there[name].size, there[name].changed, here[1])

        for names in in_order(wanted):
            store.together(bring, names)
        for name in index.keys() - there.keys():
            if index.pop(name).is_here(found_here(folder / name)):
                remove_here(folder / name)


def publish(folder: Path) -> None:
    """Bring what changed here to the store, and delete there what was deleted here.

    The rows of `arms` come last, and whatever replaces a file before that is deleted.

    Raises:
        RecordError: the store cannot be written.
    """
    if (store := store_of(folder)) is None:
        return
    with index_of(folder) as index:
        here = {name: found for name in travelling(folder) if (found := found_here(folder / name))}
        changed = [
            name
            for name, found in here.items()
            if not (known := index.get(name)) or not (lasting(name) or known.is_here(found))
        ]

        def send(name: str) -> None:
            with suppress(FileNotFoundError):  # deleted just now
                index[name] = _sent(store, folder, name)

        for names in in_order(changed):
            store.together(send, names)

        def delete(name: str) -> None:
            store.delete(name)
            del index[name]

        gone = index.keys() - here.keys()
        if parts := {name for name in gone if lasting(name)}:
            gone -= parts - done_with(folder, here)
        for names in reversed(in_order(gone)):
            store.together(delete, names)


def publish_files(folder: Path, files: Sequence[Path], patience: float | None = None) -> None:
    """Bring these files to the store, one after the other.

    Args:
        folder: a mirror; an ordinary folder is left alone.
        files: in it.
        patience: seconds for which what fails is tried again.

    Raises:
        RecordError: the store cannot be written.
    """
    if (store := store_of(folder, patience)) is None:
        return
    names = [file.relative_to(folder).as_posix() for file in files]
    sent = {name: _sent(store, folder, name) for name in names}
    # Lasting ones need no note, so that workers wait for nobody who reads their mirror.
    if notes := {name: known for name, known in sent.items() if not lasting(name)}:
        with index_of(folder) as index:
            index |= notes


def let_go(folder: Path, files: Sequence[Path]) -> None:
    """Delete files here that were brought to the store, unless somebody reads this mirror.

    Args:
        folder: a mirror; an ordinary folder is left alone.
        files: in it, ones that never change.
    """
    if uri_of(folder) and not is_kept(folder):
        for file in files:
            with suppress(OSError):  # it only takes up room
                file.unlink(missing_ok=True)


def fetch_file(folder: Path, file: Path) -> bool:
    """See that a file is here, if there is one.

    Args:
        folder: a mirror, or an ordinary folder.
        file: in it, one that never changes.

    Returns:
        Whether it is there; of a mirror's, whether it is in the store.

    Raises:
        RecordError: the store cannot be read, or the mirror cannot be written.
    """
    if (store := store_of(folder)) is None:
        return file.exists()
    name = file.relative_to(folder).as_posix()
    if (item := store.info(name)) is None:
        return False
    here = found_here(file)
    return (here is not None and here[0] == item.size) or store.get(name, file)


def fetch_anew(folder: Path, file: Path) -> bool:
    """Bring a file again whose copy here is damaged; False where there is no other copy.

    Raises:
        RecordError: the store cannot be read, or the mirror cannot be written.
    """
    store = store_of(folder)
    return store is not None and store.get(file.relative_to(folder).as_posix(), file)


def _sent(store: Store, folder: Path, name: str) -> Known:
    """Put one file, and say what it is now in both places.

    Raises:
        FileNotFoundError: it is not here.
    """
    if (here := found_here(folder / name)) is None:
        raise FileNotFoundError(folder / name)
    store.put(name, folder / name)  # after: what is written meanwhile has to be sent again
    there = None if lasting(name) else store.info(name)
    return Known(here[0], there.changed if there else 0, here[1])
