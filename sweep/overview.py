"""What `softsweep status` shows of a run: by what its driver told, else by its records."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import yaml

from results.errors import RecordError
from results.mirror import direct, place_of, refresh, uri_of
from results.parts import part_files
from results.records import winners
from results.render import Cell, Table
from sweep.duration import duration
from sweep.experiment import RESOLVED
from sweep.lease import CLAIM, read_holder, was_killed
from sweep.status import ENDED, LAST, Running, Told, read_status

QUIET = 60.0
"""Seconds without a sign of life after which a driver is said to give none."""

GO_ON = "run `softsweep run` again to go on"

Row = tuple[str, Cell]


def overview(run: Path) -> list[Table]:
    """How a run stands: its driver, its arms, the trials under way, the last failures.

    Args:
        run: the run folder, or the mirror of one.

    Raises:
        RecordError: it is no run folder, or cannot be read.
    """
    told = read_status(run)
    if told is None:
        refresh(run)
    if told is None and not (run / RESOLVED).is_file() and not any(part_files(run, "arms")):
        raise RecordError(f"{place_of(run)}: no such run folder; `softsweep run --out` makes one")
    gone = _gone(run, told) if told else ""
    driven = told is not None and not gone and told.phase not in ENDED
    counted = told is not None and told.wanted is not None and not gone
    if told is None or not (counted or uri_of(run)):  # all of a store would have to come here
        arms, failures = _by_records(run)
    else:
        arms, failures = told.ended, told.failures
    settled = sum(count for status, count in arms.items() if status != "failed")
    settled = max(settled, told.recorded if told else 0)
    wanted = told.wanted if told else None
    rows: list[Row] = [
        ("experiment", told.experiment if told else _experiment(run)),
        *(_driver(told, gone) if told else ()),
        ("arms wanted", wanted),
        ("arms recorded", settled),
        *((f"arms {status}", arms.get(status, 0)) for status in ("ok", "diverged", "failed")),
        *([("arms pruned", arms["pruned"])] if arms.get("pruned") else []),
        ("arms to do", None if wanted is None else max(wanted - settled, 0)),
        *(_going(told) if told and driven else ()),
    ]
    tables = [Table("status", f"Status of {place_of(run)}", ("what", "value"), tuple(rows))]
    if told and driven and told.running:
        tables.append(_running(told.running))
    if failures:
        last = tuple((said,) for said in failures)
        tables.append(Table("failures", "Arms that went wrong last", ("arm and error",), last))
    return tables


def _gone(run: Path, told: Told) -> str:
    """Why a driver that did not end is not taken to be at work; empty otherwise."""
    if told.phase in ENDED:
        return ""
    if was_killed(read_holder(direct(run).read(CLAIM))):
        return f"no, it was killed: {GO_ON}"
    if (age := _age(told)) > QUIET:
        return f"no sign of life for {duration(age)} (as clocks go here): {GO_ON}"
    return ""


def _age(told: Told) -> float:
    """Seconds since a driver told something, as far as clocks agree."""
    return max((datetime.now(UTC) - told.beat).total_seconds(), 0.0)


def _driver(told: Told, gone: str) -> Iterator[Row]:
    """Who drives or drove a run, and what it does."""
    yield "phase", f"{told.phase}: {told.note}" if told.note else told.phase
    yield "driver", f"{told.host}, pid {told.pid}"
    yield "since", _time(told.started)
    if told.phase in ENDED:
        yield "ended", _time(told.beat)
    else:
        yield "alive", gone or f"yes, {_age(told):.0f} s ago"


def _time(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _going(told: Told) -> Iterator[Row]:
    """How fast a run goes, and on what."""
    yield "arms an hour", None if told.pace is None else round(told.pace, 1)
    yield "time left", None if told.left is None else duration(told.left)
    if told.nodes:
        cores, gpus = sum(node.cores for node in told.nodes), sum(node.gpus for node in told.nodes)
        yield "machines", f"{len(told.nodes)} ({cores} cores, {gpus} GPUs)"
    yield "faults of machines", told.faults


def _running(trials: Sequence[Running]) -> Table:
    """The trials under way."""
    rows = tuple((trial.arms, trial.host or None, f"{trial.share:.0%}") for trial in trials)
    return Table("running", "Trials under way", ("arms", "host", "done"), rows)


def _by_records(run: Path) -> tuple[Mapping[str, int], Sequence[str]]:
    """The recorded arms by status, and the last that went wrong."""
    shown = ("status", "label", "language", "batch_size", "seed", "error")
    table = winners(run, ("arm", "finished", "part", *shown))
    finished = table["finished"].cast(pa.int64()).to_pylist()
    rows = list(zip(finished, *(table[name].to_pylist() for name in shown), strict=True))
    bad = sorted(row for row in rows if row[1] in ("diverged", "failed"))[-LAST:]
    failures = [
        f"{label} {language} b={size} seed={seed}: {error}"
        for _, _, label, language, size, seed, error in bad
    ]
    return Counter(row[1] for row in rows), failures


def _experiment(run: Path) -> str | None:
    """The name of a run's experiment, from its file."""
    try:
        experiment = yaml.safe_load((run / RESOLVED).read_text(encoding="utf-8"))
        return str(experiment["name"])
    except (OSError, ValueError, TypeError, KeyError, yaml.YAMLError):
        return None
