"""Cells: what is scored as one, each with its seeds.

A cell is an arm without its seed. Where a search chose settings, it chose them on each half of dev
for the other half (on dev, where there is a test split): the cells of both choices are scored as
one, half b with the arms of what half a chose. Arms that a search merely tried are not scored.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa

from results.errors import RecordError
from results.predicted import Texts, unscored_arms
from results.run import Run
from results.schemas import EXTERNAL, OUTCOMES

Row = dict[str, Any]
"""A row of `results.schemas.ARMS`."""

CELL = (
    ("cell", pa.string()),  # the group where a search chose other settings on either half
    ("corpus", pa.string()),
    ("language", pa.string()),
    ("loss", pa.string()),
    ("label", pa.string()),
    ("loss_sha256", pa.string()),
    ("batch_size", pa.int32()),
    ("settings", pa.string()),  # JSON; {"a": .., "b": ..} where the halves chose differently
    ("searched_by", pa.string()),  # metric of the search that chose settings; null without one
)
"""The columns by which derived tables tell cells: those of `Cell.columns` but for its status."""

_PARTS = {"test": ("dev", "dev"), "dev": ("dev/a", "dev/b")}
"""The parts of dev that choose, by the split that is scored."""

_SHARED = ("corpus", "language", "loss", "label", "loss_sha256", "batch_size")


@dataclass(frozen=True)
class Seed:
    """One seed of a cell.

    Attributes:
        seed: its number.
        arms: the arm of the setting chosen on half a, which scores half b, and that of the setting
            chosen on half b; the same arm twice unless a search chose differently.
    """

    seed: int
    arms: tuple[Row, Row]

    @property
    def keys(self) -> tuple[str, str]:
        """Keys of the arms."""
        return self.arms[0]["arm"], self.arms[1]["arm"]

    @property
    def status(self) -> str:
        """What became of the worse of the arms."""
        return OUTCOMES[max(OUTCOMES.index(arm["status"]) for arm in self.arms)]


@dataclass(frozen=True)
class Cell:
    """What is scored as one.

    Attributes:
        key: of the cell; of the group where a search chose two cells.
        facts: its columns of `scores` that are columns of `arms`.
        settings: by name; where the halves chose differently, `{"a": ..., "b": ...}`.
        own_metric: the metric that its loss approximates.
        seeds: in their order.
        searched_by: the metric of the search that chose its settings, if one did.
        searched: names of the settings that the search chose.
    """

    key: str
    facts: Mapping[str, Any]
    settings: Mapping[str, Any]
    own_metric: str
    seeds: tuple[Seed, ...]
    searched_by: str | None = None
    searched: frozenset[str] = frozenset()

    @property
    def pair(self) -> tuple[str, str]:
        """Corpus and language."""
        return self.facts["corpus"], self.facts["language"]

    @property
    def ok(self) -> tuple[Seed, ...]:
        """The seeds whose arms are ok."""
        return tuple(seed for seed in self.seeds if seed.status == "ok")

    @property
    def columns(self) -> dict[str, Any]:
        """What tables of cells say of it: key, facts, settings as JSON, search, what became of it.

        `status` is ok if any seed is, else the best that became of one.
        """
        return {
            "cell": self.key,
            **self.facts,
            "settings": json.dumps(self.settings, sort_keys=True),
            "searched_by": self.searched_by,
            "status": min((seed.status for seed in self.seeds), key=OUTCOMES.index),
        }

    @property
    def finished(self) -> datetime:
        """When the last of its arms was."""
        times: list[datetime] = [arm["finished"] for seed in self.seeds for arm in seed.arms]
        return max(times)

    @property
    def external(self) -> bool:
        """Whether it is another system's imported predictions."""
        return bool(self.settings.get(EXTERNAL))

    @property
    def ranks(self) -> bool:
        """Whether its loss has no natural threshold."""
        return bool(self.settings.get("ranks"))


def scored_cells(run: Run, texts: Mapping[tuple[str, str], Texts]) -> list[Cell]:
    """The cells of a run that there are texts to score by, in the order of its arms.

    A group whose arms are not recorded yet is left out, and so are its cells.

    Args:
        run: the run.
        texts: what scores each corpus and language.

    Raises:
        RecordError: what was searched is damaged, so that tries cannot be told from what is wanted.
    """
    tried = set(run.tries_table["arm"].to_pylist())
    choices = run.chosen_table.to_pylist()
    if lost := run.lost("tries") or run.lost("chosen"):
        raise RecordError(f"{lost}; until then, arms that were merely tried are not told apart")
    unscored = unscored_arms(run, texts)
    every: dict[str, list[Row]] = {}
    for arm in run.arms_table.to_pylist():
        if arm["arm"] in unscored:
            arm["status"] = "unscored"
        if (arm["corpus"], arm["language"]) in texts:
            every.setdefault(arm["cell"], []).append(arm)
    groups: dict[str, dict[str, Row]] = {}
    for choice in choices:
        if choice["current"]:
            groups.setdefault(choice["group"], {})[choice["part"]] = choice
    chosen = {choice["cell"] for choice in choices}
    recorded: dict[str, list[Row]] = {}
    for key, arms in every.items():
        untried = [arm for arm in arms if arm["arm"] not in tried]
        if untried:  # a try is no seed of what it chose, but may be one that a grid wants as well
            recorded[key] = untried if key in chosen else arms
    grouped = chosen - {choice["cell"] for choice in choices if _chosen_before(choice, texts)}
    cells = [_cell(key, (arms, arms)) for key, arms in recorded.items() if key not in grouped]
    # Searches that agree on a cell have it scored once for each metric that judged.
    searched = {(cell.key, cell.searched_by): cell for cell in _searched(groups, recorded, texts)}
    cells += searched.values()
    place = {arm["arm"]: row for row, arms in enumerate(recorded.values()) for arm in arms}
    return sorted(cells, key=lambda cell: place[cell.seeds[0].keys[0]])


def keys_of(cells: Sequence[Cell]) -> set[str]:
    """Keys of all arms of these cells."""
    return {key for cell in cells for seed in cell.seeds for key in seed.keys}


def _chosen_before(choice: Row, texts: Mapping[tuple[str, str], Texts]) -> bool:
    """Whether a part of dev chose that chooses no more, as a test split arrived: then it is a cell.

    Either half of dev chose by dev alone, so that test may score both choices.
    """
    pair = choice["corpus"], choice["language"]
    return bool(
        choice["current"] and pair in texts and choice["part"] not in _PARTS[texts[pair].split]
    )


def _searched(
    groups: Mapping[str, Mapping[str, Row]],
    recorded: Mapping[str, Sequence[Row]],
    texts: Mapping[tuple[str, str], Texts],
) -> Iterator[Cell]:
    """The groups of a search all of whose parts chose cells that share a recorded seed."""
    for key, by_part in groups.items():
        pair = next((choice["corpus"], choice["language"]) for choice in by_part.values())
        if pair not in texts:
            continue
        choices = [by_part[part] for part in _PARTS[texts[pair].split] if part in by_part]
        if len(choices) < 2:
            continue
        on_a, on_b = choices
        arms = recorded.get(on_a["cell"], ()), recorded.get(on_b["cell"], ())
        if {arm["seed"] for arm in arms[0]} & {arm["seed"] for arm in arms[1]}:
            searched = {name for choice in choices for name in json.loads(choice["setting"])}
            same = on_a["cell"] == on_b["cell"]
            name = on_a["cell"] if same else key
            yield _cell(name, arms, on_a["metric"], frozenset(searched))


def _cell(
    key: str,
    arms: tuple[Sequence[Row], Sequence[Row]],
    searched_by: str | None = None,
    searched: frozenset[str] = frozenset(),
) -> Cell:
    """A cell of the arms chosen on half a and those chosen on half b, paired by seed."""
    on_a, on_b = ({arm["seed"]: arm for arm in half} for half in arms)
    first, second = arms[0][0], arms[1][0]
    return Cell(
        key,
        {name: first[name] for name in _SHARED},
        _both(json.loads(first["settings"]), json.loads(second["settings"])),
        first["own_metric"],
        tuple(Seed(seed, (on_a[seed], on_b[seed])) for seed in sorted(on_a.keys() & on_b.keys())),
        searched_by,
        searched,
    )


def _both(on_a: Mapping[str, Any], on_b: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of two arms; `{"a": ..., "b": ...}` where they differ."""
    return {
        name: on_a.get(name)
        if on_a.get(name) == on_b.get(name)
        else {"a": on_a.get(name), "b": on_b.get(name)}
        for name in {**on_a, **on_b}
    }
