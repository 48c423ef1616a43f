"""What lies in a run's `.checkpoints`: the work in flight, a checkpoint for each chunk of arms.

A checkpoint is a file of tensors, `<name>.<token>.safetensors`, which is never changed, and
`<name>.json`, written after it, which says which one counts: whatever a process dies at, the new
one is whole before the old one goes. A driver plans with the latter alone. No torch here.
"""

import hashlib
import secrets
import shutil
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from results.mirror import direct
from results.records import recorded
from sweep.arms import Arm, hashed
from sweep.stacks import Stack

FOLDER = ".checkpoints"
"""Where checkpoints lie in a run folder."""

OLDEST = 7 * 24 * 3600.0
"""Seconds after which nobody goes on with a checkpoint."""


class CheckpointError(ValueError):
    """A checkpoint is damaged; the message says how."""


class Checkpoint(BaseModel):
    """What is known of a checkpoint without its tensors.

    Attributes:
        arms: keys of the chunk's arms, in order.
        epoch: after which it was made.
        seconds: that the arms had taken by then, together.
        facts: what must be equal where they are gone on with.
        token: of the file of tensors.
        sha256: of that file.
        written: when, in seconds since 1970.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    arms: tuple[str, ...]
    epoch: int
    seconds: float
    facts: Mapping[str, Any]
    token: str = Field("", pattern=r"\A[0-9a-f]{8}\z")
    sha256: str = ""
    written: float = 0.0

    @property
    def name(self) -> str:
        """What its files are called."""
        return name_of(self.arms)


def name_of(keys: Sequence[str]) -> str:
    """What the checkpoint of these arms is called."""
    return hashed(list(keys))


class Checkpoints:
    """The checkpoints of a run, wherever that lies.

    Every method raises `RecordError` where the storage does not answer.

    Args:
        run: the run folder.
    """

    def __init__(self, run: Path) -> None:
        self._storage = direct(run)

    def names(self) -> set[str]:
        """Names of those that are there."""
        return {name.removesuffix(".json") for name in self._files() if name.endswith(".json")}

    def read(self, name: str) -> Checkpoint | None:
        """What is known of one; None where there is none of this name.

        Raises:
            CheckpointError: it is damaged.
        """
        data = self._storage.read(f"{FOLDER}/{name}.json")
        if data is None:
            return None
        try:
            found = Checkpoint.model_validate_json(data)
        except ValidationError as error:
            raise CheckpointError("its description is damaged") from error
        if found.name != name:
            raise CheckpointError("it is of other arms than its name says")
        return found

    def tensors(self, checkpoint: Checkpoint) -> bytes:
        """The content of the file of tensors.

        Raises:
            CheckpointError: it is damaged.
        """
        data = self._storage.read(f"{FOLDER}/{_tensors_file(checkpoint)}")
        if data is None:
            raise CheckpointError("its tensors are gone")
        if hashlib.sha256(data).hexdigest() != checkpoint.sha256:
            raise CheckpointError("other bytes than were written")
        return data

    def write(self, checkpoint: Checkpoint, tensors: bytes) -> None:
        """Put a checkpoint in the place of the one of its name, if there is one."""
        new = checkpoint.model_copy(
            update={
                "token": secrets.token_hex(4),
                "sha256": hashlib.sha256(tensors).hexdigest(),
                "written": time.time(),
            }
        )
        self._storage.write(f"{FOLDER}/{_tensors_file(new)}", tensors)
        self._storage.write(f"{FOLDER}/{new.name}.json", new.model_dump_json().encode())
        self._delete(
            file
            for file in self._files()
            if file.startswith(f"{new.name}.") and file.endswith(".safetensors")
            if file != _tensors_file(new)
        )

    def delete(self, name: str) -> None:
        """Delete one, if it is there; first what makes it count."""
        files = [file for file in self._files() if file.startswith(f"{name}.")]
        self._delete(sorted(files, key=lambda file: not file.endswith(".json")))

    def valid(self) -> list[Checkpoint]:
        """Those that are not damaged, the newest first."""
        found = []
        for name in self.names():
            with suppress(CheckpointError):
                found += [each] if (each := self.read(name)) else []
        return sorted(found, key=lambda each: -each.written)

    def clean(self, over: Callable[[], Collection[str]]) -> bool:
        """Delete whatever nobody will go on with.

        Args:
            over: gives the keys of arms that are not trained again; asked if there is anything.

        Returns:
            Whether nothing is left.
        """
        if not (files := self._files()):
            return True
        done = set(over())
        oldest = time.time() - OLDEST
        kept = {
            file
            for each in self.valid()
            if each.written >= oldest and not done & set(each.arms)
            for file in (f"{each.name}.json", _tensors_file(each))
        }
        self._delete(file for file in files if file not in kept)
        return not kept

    def _files(self) -> list[str]:
        return [Path(name).name for name in self._storage.names(f"{FOLDER}/")]

    def _delete(self, files: Iterable[str]) -> None:
        for file in files:
            self._storage.delete(f"{FOLDER}/{file}")


def _tensors_file(checkpoint: Checkpoint) -> str:
    return f"{checkpoint.name}.{checkpoint.token}.safetensors"


def clean_checkpoints(run: Path, over: Collection[str]) -> None:
    """Delete the checkpoints of a run that nobody will go on with, and the folder if none is left.

    Args:
        run: the run folder.
        over: statuses of arms that are not trained again.

    Raises:
        RecordError: the storage does not answer, or the records cannot be read.
    """

    def done() -> Collection[str]:
        return [key for key, status in recorded(run).items() if status in over]

    if Checkpoints(run).clean(done):
        shutil.rmtree(run / FOLDER, ignore_errors=True)  # with what was being written in it


def stacks_under_way(run: Path, todo: Sequence[Arm], device: str, width: int) -> list[Stack]:
    """Stacks that an earlier run left in the middle, of arms that are all to do.

    Args:
        run: the run folder.
        todo: arms that are to be trained.
        device: on which.
        width: most arms of a stack.

    Raises:
        RecordError: the storage does not answer.
    """
    ahead = {arm.key: arm for arm in todo}
    stacks = []
    for checkpoint in Checkpoints(run).valid() if todo else ():
        fits = len(checkpoint.arms) <= width and checkpoint.facts.get("device") == device
        if fits and all(key in ahead for key in checkpoint.arms):
            stacks.append(tuple(ahead.pop(key) for key in checkpoint.arms))
    return stacks
