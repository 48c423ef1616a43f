"""A run as Arrow tables.

Only rows that count are read: of each arm the row that `records.winners` keeps, and of its epochs
and predictions those written by the same part.
"""

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa

from results.errors import RecordError
from results.parts import names_of, part_groups, part_path, read_groups
from results.records import winners
from results.schemas import epochs_schema, facts_of


class Run:
    """What a run folder holds, read on first use and kept.

    Every reading raises `RecordError` where a part is damaged, naming the file.
    """

    def __init__(self, path: str | Path) -> None:
        """Find the folder.

        Raises:
            RecordError: the folder is missing or holds no records.
        """
        self.path = Path(path)
        if not self.path.is_dir():
            raise RecordError(f"{path}: no such run folder; `softsweep run --out` makes one")
        if not names_of(self.path, "arms"):
            raise RecordError(f"{path}: no arms are recorded in this folder; is it a run folder?")

    @cached_property
    def arms_table(self) -> pa.Table:
        """The arms, ordered by corpus, language, batch size, loss, settings and seed."""
        keys = ("corpus", "language", "batch_size", "loss", "settings", "seed", "arm")
        return winners(self.path).sort_by([(key, "ascending") for key in keys])

    @cached_property
    def epochs_table(self) -> pa.Table:
        """The epochs of the arms that count."""
        groups = [self._counting(group) for group in read_groups(self.path, "epochs")]
        # A part recorded before a metric was added lacks its column: null there.
        return pa.concat_tables([epochs_schema().empty_table(), *groups], promote_options="default")

    @cached_property
    def examples_table(self) -> pa.Table:
        """The texts with their gold labels, as lists of 0 and 1 and as names."""
        tables = []
        for name in names_of(self.path, "examples"):
            for group in part_groups(part_path(self.path, "examples", name)):
                names = facts_of(group.schema)["label_names"]
                gold = _names(labels_of(group["labels"]).astype(bool), names)
                group = group.append_column("gold", gold).replace_schema_metadata()
                tables.append(plain_lists(group, "labels"))
        if not tables:
            raise RecordError(f"{self.path}: no examples are recorded, so nothing can be scored")
        return pa.concat_tables(tables)

    def prediction_groups(self, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """Predictions that count, one table per trial, so that memory stays bounded.

        Args:
            columns: those to read, `arm` and `part` among them; all by default.
        """
        for group in read_groups(self.path, "predictions", columns):
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
