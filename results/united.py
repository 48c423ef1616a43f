"""What a merged run holds beside its trials: what was searched, the experiment, its losses."""

import ast
import re
import shutil
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from results.declared import EXPERIMENT, declared, read_experiment
from results.errors import RecordWarning
from results.parts import whole_file
from results.run import Run
from results.searched import ASKED, read_chosen, read_tries, write_chosen, write_tries

_UNITED = ("languages", "losses")
"""Keys of an experiment whose lists are united, beside `confirm` and those of its grid."""

_DECLARES = re.compile(r"\b(loss|soft_metric)\(")
"""In a decorator: the function is a loss."""

Row = dict[str, Any]


def unite_searches(runs: Sequence[Run], folder: Path) -> None:
    """Of each study keep the run that tried most; choices of others become earlier ones.

    Args:
        runs: in their order; of equals the first counts, and what the folder holds before all.
        folder: of the merged run.

    Raises:
        RecordError: a part cannot be written.
    """
    tries = _by(read_tries(folder).to_pylist(), "study")
    chosen = _by(read_chosen(folder).to_pylist(), "group")
    for run in runs:
        theirs = _by(run.tries_table.to_pylist(), "study")
        for group, rows in _by(run.chosen_table.to_pylist(), "group").items():
            mine = chosen.get(group, [])
            studies = [row["study"] for row in rows]
            ahead = not mine or _told(theirs, studies) > _told(tries, studies)
            first, second = (rows, mine) if ahead else (mine, rows)
            held = [{**row, "current": True} for row in first]
            more = [row for row in second if {**row, "current": True} not in held]
            united = first + [row | {"current": False} for row in more]
            if united != mine:
                write_chosen(folder, group, united)
                chosen[group] = united
        for study, rows in theirs.items():
            if study not in tries or _told(theirs, [study]) > _told(tries, [study]):
                write_tries(folder, study, rows)
                tries[study] = rows


def _by(rows: Sequence[Row], key: str) -> dict[str, list[Row]]:
    """Rows by the value of a column."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row[key], []).append(row)
    return found


def _told(tries: Mapping[str, Sequence[Row]], studies: Sequence[str]) -> int:
    """How many settings these studies know the value of."""
    return sum(row["status"] != ASKED for study in set(studies) for row in tries.get(study, ()))


def read_experiments(runs: Sequence[Path]) -> list[Row]:
    """The experiments of the runs that have one, in their order.

    Raises:
        RecordError: one cannot be read.
    """
    return [experiment for run in runs if (experiment := read_experiment(run))]


def unite_experiments(experiments: Sequence[Row], runs: Sequence[Path], folder: Path) -> None:
    """Write the first experiment, with what the others want beside it.

    Lists of the grid, languages, losses and declared comparisons are united; all else is as in the
    first. Own losses are copied: their names tell their versions apart, of which one is listed
    and a warning names the others.

    Args:
        experiments: from `read_experiments`.
        runs: whose own losses are copied.
        folder: of the merged run.

    Raises:
        RecordError: it cannot be written.
    """
    for run in runs:
        for loss in sorted((run / "losses").glob("*.py")):
            with loss.open("rb") as file, whole_file(folder / "losses" / loss.name) as copy:
                shutil.copyfileobj(file, copy)
    if not experiments:
        return
    united, *others = experiments
    confirm = list(dict.fromkeys(name for one in experiments for name in declared(one)))
    for other in others:
        _unite(united, other, _UNITED)
        grids = united.get("grid"), other.get("grid")
        if isinstance(grids[0], dict) and isinstance(grids[1], dict):
            _unite(grids[0], grids[1], grids[1])
    if any(one.get("confirm") is not None for one in experiments):
        united["confirm"] = confirm
    _list_each_once(united, folder)
    with whole_file(folder / EXPERIMENT) as file:
        file.write(yaml.safe_dump(united, sort_keys=False, allow_unicode=True).encode())


def _unite(into: Row, other: Row, keys: Sequence[str] | Row) -> None:
    """Add to the lists of one mapping what those of another hold more."""
    for key in keys:
        mine, theirs = into.get(key), other.get(key)
        if isinstance(mine, list) and isinstance(theirs, list):
            into[key] = mine + [value for value in theirs if value not in mine]


def _list_each_once(experiment: Row, folder: Path) -> None:
    """Take files off the list whose losses an earlier one declares: a run has one of each name."""
    listed: list[str] = []
    first: dict[str, str] = {}
    for file in map(str, experiment.get("losses") or ()):
        names = _losses_in(folder / file)
        if again := sorted(names & first.keys()):
            warnings.warn(
                f"{folder / file} is another version of {first[again[0]]}: both are kept, and what "
                f"they trained, but {EXPERIMENT} lists only the first",
                RecordWarning,
                stacklevel=1,
            )
        else:
            listed.append(file)
            first |= dict.fromkeys(names, file)
    if first:
        experiment["losses"] = listed


def _losses_in(file: Path) -> set[str]:
    """Names of the losses that a file declares; it is not run. None where it is not there."""
    try:
        tree = ast.parse(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, SyntaxError):
        return set()
    return {
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
        and any(_DECLARES.search(ast.unparse(mark)) for mark in node.decorator_list)
    }
