"""A matrix with a word to each row, as an uncompressed Arrow IPC file that opens by mapping.

Mapped pages are shared: every process of a machine reads one copy, and opening costs a
millisecond whatever the size.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from features.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray


def write_words(
    path: Path,
    words: list[str],
    matrix: "NDArray[np.float32]",
    counts: "NDArray[np.int64] | None" = None,
) -> None:
    """Writes one record batch of ``word``, ``vector`` and, where given, ``count``.

    Args:
        path: The file.
        words: W words.
        matrix: ``[W, k]``.
        counts: ``[W]``, how often each word occurred.
    """
    flat = pa.array(np.ascontiguousarray(matrix, dtype=np.float32).reshape(-1))
    columns: dict[str, Any] = {
        "word": pa.array(words, pa.string()),
        "vector": pa.FixedSizeListArray.from_arrays(flat, matrix.shape[1]),
    }
    if counts is not None:
        columns["count"] = pa.array(counts, pa.int64())
    batch = pa.record_batch(columns)
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, batch.schema) as writer:
        writer.write_batch(batch)


def map_words(path: Path) -> Any:
    """Maps a file of :func:`write_words` and returns its one record batch.

    Raises:
        InputError: When the file is missing, truncated or not Arrow.
    """
    try:
        with pa.ipc.open_file(pa.memory_map(str(path))) as file:
            return file.get_batch(0)
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path}: expected a whole Arrow IPC file ({error})") from error


def matrix_of(batch: Any) -> "NDArray[np.float32]":
    """Views the vectors of a mapped batch as ``[W, k]`` without copying; read-only."""
    column = batch.column("vector")
    width = column.type.list_size
    flat: NDArray[np.float32] = column.flatten().to_numpy(zero_copy_only=True)
    return flat.reshape(len(column), width)
