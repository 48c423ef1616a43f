"""Small files that machines share while a run goes on, straight from and to where the run lies."""

import re
from pathlib import Path

from results.errors import RecordError
from results.mirrored import remove_here
from results.parts import whole_file
from results.stores import store_of

_TEMPORARY = re.compile(r"\..+\.[0-9a-f]{16}")
"""Names of files that are being written."""


class Direct:
    """Small files that machines share, in the folder itself or, of a mirror, in its store.

    Args:
        folder: a mirror or an ordinary folder.
        patience: seconds for which what fails is tried again.
    """

    def __init__(self, folder: Path, patience: float | None = None) -> None:
        self.folder = folder
        self.store = store_of(folder, patience)

    def read(self, name: str) -> bytes | None:
        """A file's bytes; None where there is none.

        Raises:
            RecordError: it cannot be read.
        """
        if self.store:
            return self.store.read(name)
        path = self.folder / name
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise RecordError(f"{path}: cannot be read ({error.strerror})") from error

    def write(self, name: str, data: bytes) -> None:
        """Write a file, whole or not at all.

        Raises:
            RecordError: it cannot be written.
        """
        if self.store:
            self.store.write(name, data)
            return
        with whole_file(self.folder / name) as file:
            file.write(data)

    def delete(self, name: str) -> None:
        """Delete a file, if it is there.

        Raises:
            RecordError: it cannot be deleted.
        """
        if self.store:
            self.store.delete(name)
            return
        remove_here(self.folder / name)

    def names(self, prefix: str) -> list[str]:
        """Names of the files that begin with this, sorted; not those in folders further below.

        Raises:
            RecordError: they cannot be listed.
        """
        below = prefix.rpartition("/")[0]
        found = self.store.list(below) if self.store else self._beside(below)
        return sorted(
            name
            for name in found
            if name.startswith(prefix)
            and name.rpartition("/")[0] == below
            and not _TEMPORARY.fullmatch(name.rpartition("/")[2])
        )

    def _beside(self, below: str) -> list[str]:
        """The files of a folder that may not be there."""
        folder = self.folder / below
        try:
            files = [path for path in folder.iterdir() if path.is_file()]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise RecordError(f"{folder}: cannot be listed ({error.strerror})") from error
        return [path.relative_to(self.folder).as_posix() for path in files]


def direct(folder: Path, patience: float | None = None) -> Direct:
    """Small shared files of a run, straight from and to where it lies."""
    return Direct(folder, patience)
