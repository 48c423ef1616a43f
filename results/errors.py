"""The one error of this room that is the user's to mend, and what is said of damaged files."""

from pathlib import Path


class RecordError(ValueError):
    """A run folder, a part of it or a question about it is wrong.

    The message is one sentence: which file, what was found, and what to do. Command lines print it
    as it is, without a traceback.
    """


class DamagedError(RecordError):
    """The bytes of a part are not what was written.

    Attributes:
        path: the part.
        reason: what is wrong with it.
        group: the damaged row group; None where nothing of the part can be read.
    """

    def __init__(self, path: Path, reason: str, remedy: str, group: int | None = None) -> None:
        super().__init__(f"{path} is damaged ({reason}): {remedy}")
        self.path = path
        self.reason = reason
        self.group = group
        self._all = path, reason, remedy, group

    def __reduce__(self) -> tuple[type["DamagedError"], tuple[Path, str, str, int | None]]:
        """Errors travel between processes."""
        return type(self), self._all


class GoneError(RecordError):
    """A part was replaced or merged after the folder was listed: list it again."""


class RecordWarning(UserWarning):
    """Part of a run folder is passed by; the message says which, why, and what to do."""


def one_line(said: BaseException | str) -> str:
    """A message with line breaks and runs of blanks made single blanks."""
    return " ".join(str(said).split())
