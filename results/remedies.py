"""What a damaged file means, and what brings back what was in it."""

from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

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


def _import_too(path: Path) -> str:
    """What is to be said besides of a merged part that holds imported predictions."""
    if path.parent.name != "epochs":
        with suppress(pa.ArrowException, OSError, ValueError):  # else its footer is lost too
            if any(imported(name) for name in facts_of(pq.read_schema(path)).get("replaces", ())):
                return "; what was imported is to be imported again"
    return ""
