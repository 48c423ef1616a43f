"""What a damaged file means, and what brings back what was in it; why one cannot be written."""

import errno
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from results.errors import RecordError, one_line
from results.places import copy_note
from results.schemas import facts_of, imported

SET_ASIDE = ".broken"
"""Behind the name of a damaged part that was set aside; readers pass it by."""

_REMEDIES = {
    "examples": "its corpus cannot be scored until the next `softsweep run` writes it anew",
    "tries": "the next `softsweep run` writes it anew, nothing trains again",
    "chosen": "the next `softsweep run` writes it anew, nothing trains again",
    "tables": "`softsweep tables` writes it anew",
}
"""By folder; in the others a part is of trials."""

_TRAIN = "its arms do not count, the next `softsweep run` trains them again"

_NO_EPOCHS = "nothing is lost with it, for imported predictions have no epochs"


def remedy(path: Path) -> str:
    """What it means that a file is damaged, and what to do."""
    kind = path.parent.name
    if kind in _REMEDIES:
        return _REMEDIES[kind]
    if imported(path.stem):
        return _NO_EPOCHS if kind == "epochs" else "its predictions do not count: import them again"
    return _TRAIN + _import_too(path)


def mended(path: Path) -> str:
    """How what was in a file comes back once it is set aside."""
    kind = path.parent.name
    if kind in _REMEDIES:
        return "it is written anew"
    if imported(path.stem):
        return _NO_EPOCHS if kind == "epochs" else "import its predictions again"
    return "its arms train again" + _import_too(path)


def unwritable(path: Path, error: OSError) -> RecordError:
    """Why a file cannot be written, in one sentence."""
    copy = copy_note(path)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return RecordError(
            f"{path}: no space left to write it{copy}; what was recorded before is kept: "
            "make room and run again to go on"
        )
    reason = error.strerror or one_line(error)
    if isinstance(error.filename, str) and Path(error.filename).parent != path.parent:
        reason += f": {error.filename}"  # not the temporary beside it, but what is in the way
    return RecordError(
        f"{path}: cannot be written{copy} ({reason}); what was recorded before is kept: "
        "see that its folder can be written, or give another one with --out"
    )


def _import_too(path: Path) -> str:
    """What is to be said besides of a merged part that holds imported predictions."""
    if path.parent.name != "epochs":
        with suppress(pa.ArrowException, OSError, ValueError):  # else its footer is lost too
            if any(imported(name) for name in facts_of(pq.read_schema(path)).get("replaces", ())):
                return "; what was imported is to be imported again"
    return ""
