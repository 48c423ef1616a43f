"""Predictions as datasets, which DuckDB reads piece by piece: memory stays bounded."""

from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
from pyarrow.fs import LocalFileSystem

from results.parts import part_path, part_schema
from results.run import Run

_PIECE = 8192
"""Rows of a piece; DuckDB takes 2,048 at a time."""

_BUFFER = 1 << 16
"""Bytes of a column read ahead, where otherwise whole row groups would be."""


class _Pieces(ds.FileSystemDataset):  # type: ignore[misc]
    """A dataset that is read a piece at a time, with little read ahead."""

    def scanner(self, **options: Any) -> ds.Scanner:
        """A scan of the columns and rows that DuckDB asks for."""
        return super().scanner(
            **options, batch_size=_PIECE, batch_readahead=2, fragment_readahead=1
        )


def prediction_datasets(run: Run) -> list[ds.Dataset]:
    """The predictions of a run, damaged ones left out: a dataset for each number of labels.

    Raises:
        DamagedError: a part is damaged that was not known to be.
    """
    options = ds.ParquetFragmentScanOptions(
        use_buffered_stream=True,
        buffer_size=_BUFFER,
        pre_buffer=False,
        page_checksum_verification=True,
    )
    form = ds.ParquetFileFormat(default_fragment_scan_options=options)
    disk = LocalFileSystem()
    by_schema: dict[pa.Schema, list[ds.ParquetFileFragment]] = {}
    for name, without in run.part_names("predictions").items():
        path = part_path(run.path, "predictions", name)
        fragment = form.make_fragment(str(path), disk)
        if without:
            groups = [group for group in range(fragment.num_row_groups) if group not in without]
            fragment = fragment.subset(row_group_ids=groups)
        by_schema.setdefault(part_schema(path).remove_metadata(), []).append(fragment)
    return [_Pieces(parts, schema, form, disk) for schema, parts in by_schema.items()]
