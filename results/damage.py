"""Damaged parts put out of the way, so that what was in them is recorded anew."""

import hashlib
import json
from collections.abc import Collection
from pathlib import Path

from results.errors import DamagedError, GoneError, RecordError
from results.ledger import keep_ledger, place, sound_parts, stamp_of
from results.locks import locked
from results.mirror import fetch_anew
from results.parts import (
    EVERY,
    MERGED,
    held,
    part_files,
    part_groups,
    part_schema,
    write_tables,
)
from results.remedies import SET_ASIDE, mended
from results.schemas import KINDS, METADATA_KEY


def set_aside(run: Path) -> list[str]:
    """Rename the damaged parts of a run; of a merged one, what can be read is kept.

    A part is read to its end, for only so a flipped byte shows, unless the run's ledger knows it.

    Args:
        run: the run folder.

    Returns:
        A sentence for each; none where all is sound, or nothing recorded.

    Raises:
        RecordError: a part cannot be opened, written or renamed.
    """
    if not (run / "arms").is_dir():
        return []
    with locked(run):
        known = sound_parts(run)
        paths = (path for kind in KINDS for path in sorted(part_files(run, kind)))
        stamps = {path: stamp for path in paths if (stamp := stamp_of(path))}
        said = {p: _put_away(p) for p, stamp in stamps.items() if known.get(place(p)) != stamp}
        sound = {place(path): stamp for path, stamp in stamps.items() if not said.get(path)}
        if sound != known:
            keep_ledger(run, sound)
        return [sentence for sentence in said.values() if sentence]


def _put_away(path: Path) -> str:
    """Rename a part if it is damaged, and say so."""
    groups, reason = _damage(path)
    if reason and fetch_anew(path.parent.parent, path):  # a store may hold it sound
        groups, reason = _damage(path)
    if not reason:
        return ""
    some = path.stem.startswith(MERGED) and groups is not EVERY
    if some:
        _keep_the_rest(path, groups)
    aside, means = path.with_name(path.name + SET_ASIDE), mended(path)
    try:
        path.rename(aside)
    except OSError as error:
        raise RecordError(f"{path} is damaged and cannot be renamed ({error.strerror})") from error
    what = f"{len(groups)} of its row groups set aside" if some else "set aside"
    return f"{path} is damaged ({reason}): {what} as {aside.name}, {means}"


def _damage(path: Path) -> tuple[Collection[int], str]:
    """The damaged row groups of a part, and what is wrong with the first."""
    groups: set[int] = set()
    reason = ""
    while True:
        try:
            for _ in part_groups(path, without=groups):
                pass
        except GoneError:  # merged just now
            return (), ""
        except DamagedError as damage:
            reason = reason or damage.reason
            if damage.group is None:
                return EVERY, reason
            groups.add(damage.group)
        else:
            return groups, reason


def _keep_the_rest(path: Path, without: Collection[int]) -> None:
    """Write the sound row groups of a merged part as one that replaces it."""
    facts = json.dumps({"replaces": sorted(held(path, without) | {path.stem})})
    name = MERGED + hashlib.sha256(facts.encode()).hexdigest()[:16]
    schema = part_schema(path).with_metadata({METADATA_KEY: facts})
    write_tables(path.with_stem(name), schema, part_groups(path, without=without))
