"""A run as Arrow tables.

Only rows that count are read: of each arm the row that `records.winners` keeps, and of its epochs
and predictions those written by the same part. A damaged part is passed by, with a warning that
names it; its arms do not count.
"""

import warnings
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from results.errors import DamagedError, GoneError, RecordError, RecordWarning
from results.mirror import local_folder
from results.parts import (
    EVERY,
    MERGED,
    Item,
    cut_off_parts,
    names_of,
    part_groups,
    part_path,
    read_groups,
)
from results.records import corpus_facts, winners
from results.schemas import KINDS, epochs_schema, facts_of
from results.searched import read_chosen, read_tries

_LOOKS = 5
"""How often a folder is listed anew because parts went away; others merge it meanwhile."""


class Run:
    """What a run folder holds, read on first use and kept.

    Attributes:
        path: the folder.
        broken: what is wrong with each damaged part that was found so far, by its path.
    """

    def __init__(self, path: str | Path) -> None:
        """Find the folder; of a URI, bring what is there.

        Raises:
            RecordError: the folder is missing or holds no records, or a store cannot be read.
        """
        self.path = local_folder(path)
        self.broken: dict[Path, str] = {}
        self._aside: dict[Path, set[int] | range] = {}
        if not self.path.is_dir():
            raise RecordError(f"{path}: no such run folder; `softsweep run --out` makes one")
        for damage in cut_off_parts(self.path):
            self._set_aside(damage)
        if not names_of(self.path, "arms"):
            lost = self.lost("arms")
            raise RecordError(
                f"{path}: no arms can be read: {lost}"
                if lost
                else f"{path}: no arms are recorded in this folder; is it a run folder?"
            )

    def lost(self, kind: str) -> str:
        """What is wrong with the first damaged part of a kind; empty where none was found."""
        return next((why for part, why in self.broken.items() if part.parent.name == kind), "")

    def passing_damage(self, read: Callable[[], Item]) -> Item:
        """What `read` returns; it is called again without the parts that turn out to be damaged.

        Raises:
            RecordError: parts go away again and again, or it raises another one.
        """
        looks = 0
        while True:
            try:
                return read()
            except DamagedError as damage:
                self._set_aside(damage)
            except GoneError:
                looks += 1
                if looks == _LOOKS:
                    raise

    def warn(self, sentence: str) -> None:
        """Say that something is passed by; what is said once is not said again."""
        warnings.warn(sentence, RecordWarning, stacklevel=1)

    def _set_aside(self, damage: DamagedError) -> None:
        """Pass a damaged part by from now on; of merged parts the row group, if it is known."""
        part = damage.path
        known = self._aside.get(part, set())
        if known is EVERY or damage.group in known:
            raise damage  # it was to be passed by: reading it again would not end
        if isinstance(known, set) and damage.group is not None and part.stem.startswith(MERGED):
            self._aside[part] = known | {damage.group}
        else:
            self._aside[part] = EVERY
        if part not in self.broken:
            self.broken[part] = str(damage)
            self.warn(str(damage))
        for name in vars(self).keys() - {"path", "broken", "_aside"}:
            del vars(self)[name]  # which arms count has changed

    def examine(self) -> None:
        """Read every part once, so that all damage is found before anything is derived."""

        def read() -> None:
            for kind in KINDS:
                for _ in self.groups(kind):
                    pass

        self.passing_damage(read)

    def part_names(self, kind: str) -> dict[str, Collection[int]]:
        """The parts of a kind to be read, and of each the row groups to pass by."""
        names = names_of(self.path, kind, self._aside)
        return {name: self._aside.get(part_path(self.path, kind, name), ()) for name in names}

    def groups(self, kind: str, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """The row groups of a kind, whether their arms count or not.

        Raises:
            DamagedError: a part is damaged that was not known to be; see `passing_damage`.
        """
        return read_groups(self.path, kind, columns, self._aside)

    @cached_property
    def arms_table(self) -> pa.Table:
        """The arms, ordered by corpus, language, batch size, loss, settings and seed."""
        keys = ("corpus", "language", "batch_size", "loss", "settings", "seed", "arm")
        arms = self.passing_damage(lambda: winners(self.path, aside=self._aside))
        return arms.sort_by([(key, "ascending") for key in keys])

    @cached_property
    def epochs_table(self) -> pa.Table:
        """The epochs of the arms that count."""

        def read() -> list[pa.Table]:
            return [self._counting(group) for group in self.groups("epochs")]

        # A part recorded before a metric was added lacks its column: null there.
        tables = [epochs_schema().empty_table(), *self.passing_damage(read)]
        return pa.concat_tables(tables, promote_options="default")

    @cached_property
    def facts(self) -> dict[tuple[str, str], dict[str, Any]]:
        """Facts of each corpus and language: names of labels, features, n, d, v."""
        facts = self.passing_damage(lambda: corpus_facts(self.path, self._aside))
        return {(fact["corpus"], fact["language"]): fact for fact in facts}

    @cached_property
    def tries_table(self) -> pa.Table:
        """What searches tried, a table of `results.searched.TRIES`."""
        return self.passing_damage(lambda: read_tries(self.path, self._aside))

    @cached_property
    def chosen_table(self) -> pa.Table:
        """What searches chose, a table of `results.searched.CHOSEN`."""
        return self.passing_damage(lambda: read_chosen(self.path, self._aside))

    @cached_property
    def examples_table(self) -> pa.Table:
        """The texts with their gold labels, as lists of 0 and 1 and as names.

        Raises:
            RecordError: there are none that can be read.
        """
        tables = self.passing_damage(self._read_examples)
        if not tables:
            lost = self.lost("examples")
            raise RecordError(
                f"{self.path}: no examples can be read, so nothing can be scored: {lost}"
                if lost
                else f"{self.path}: no examples are recorded, so nothing can be scored"
            )
        return pa.concat_tables(tables)

    def _read_examples(self) -> list[pa.Table]:
        """The texts of each corpus and language."""
        tables = []
        for name in self.part_names("examples"):
            for group in part_groups(part_path(self.path, "examples", name)):
                names = facts_of(group.schema)["label_names"]
                gold = _names(labels_of(group["labels"]).astype(bool), names)
                group = group.append_column("gold", gold).replace_schema_metadata()
                tables.append(plain_lists(group, "labels"))
        return tables

    def prediction_groups(self, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """Predictions that count, one table per trial, so that memory stays bounded.

        Args:
            columns: those to read, `arm` and `part` among them; all by default.

        Raises:
            DamagedError: a part is damaged that was not known to be; see `passing_damage`.
        """
        for group in self.groups("predictions", columns):
            counting = self._counting(group)
            if len(counting):
                yield counting

    @cached_property
    def _part_of(self) -> dict[str, str]:
        """The part that wrote the counting row of each arm."""
        arms = self.arms_table
        return dict(zip(arms["arm"].to_pylist(), arms["part"].to_pylist(), strict=True))

    def _counting(self, rows: pa.Table) -> pa.Table:
        """The rows whose part is the one that wrote their arm's counting row."""
        arm = rows["arm"].combine_chunks().dictionary_encode()
        part = rows["part"].combine_chunks().dictionary_encode()
        place = {name: index for index, name in enumerate(part.dictionary.to_pylist())}
        wanted = [place.get(self._part_of.get(key, ""), -1) for key in arm.dictionary.to_pylist()]
        mask = np.array(wanted, dtype=np.int64)[arm.indices.to_numpy()] == part.indices.to_numpy()
        return rows if mask.all() else rows.filter(pa.array(mask))


def labels_of(column: pa.ChunkedArray) -> np.ndarray:
    """A column of fixed-size lists, C numbers a row, as a NumPy matrix `[m, C]`."""
    array = column.combine_chunks()
    matrix: np.ndarray = array.flatten().to_numpy(zero_copy_only=False)
    return matrix.reshape(len(array), array.type.list_size)


def plain_lists(table: pa.Table, column: str) -> pa.Table:
    """The table with fixed-size lists made plain, so that corpora of other sizes fit beside it."""
    at = table.schema.get_field_index(column)
    plain = pa.list_(table.schema.field(column).type.value_type)
    return table.set_column(at, column, table[column].cast(plain))


def _names(present: np.ndarray, names: Sequence[str]) -> pa.ListArray:
    """For each row the names of the columns that are true."""
    offsets = np.concatenate([[0], present.sum(axis=1).cumsum()]).astype(np.int32)
    return pa.ListArray.from_arrays(
        pa.array(offsets), pa.array(names, pa.string()).take(pa.array(np.nonzero(present)[1]))
    )
