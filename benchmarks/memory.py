"""Memory of a process that trains one arm, and of several that share the word matrix."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.children import fresh, memory, shares
from benchmarks.measure import Row, against

if TYPE_CHECKING:
    from model.training import Training

TITLE = (
    "Memory of a trial's process on a corpus of the English size (limit 1.5 GiB); of the word "
    "matrix in trials that run at once (peer: a copy in each)"
)


def _peak() -> float:
    """Train one epoch and evaluate all splits in this process; peak resident MiB."""
    import ray  # noqa: F401  # a worker of Ray has it loaded
    import torch

    from benchmarks.corpora import english_size
    from model import get_loss
    from model.settings import NetworkSettings, TrainSettings
    from model.training import Member, Training

    torch.set_num_threads(1)
    member = Member(get_loss("bce"), 0, TrainSettings())
    Training([member], 128, NetworkSettings(), english_size()).run_epoch()
    return memory()[1]


def _train_on(matrix: Path) -> "Training":
    """Train one epoch on a tenth of the texts, with the word matrix of a file; read all of it."""
    import torch

    from benchmarks.corpora import english_size
    from features.arrow import map_words, matrix_of
    from model import get_loss
    from model.settings import NetworkSettings, TrainSettings
    from model.training import Data, Member, Training

    torch.set_num_threads(1)
    data = Data(matrix_of(map_words(matrix)), english_size(share=0.1).splits)
    training = Training([Member(get_loss("bce"), 0, TrainSettings())], 128, NetworkSettings(), data)
    training.run_epoch()
    training.table.sum()
    return training


def _write_matrix(file: Path) -> None:
    """Write a word matrix of the English size, as the feature cache does."""
    from benchmarks.corpora import english_size
    from features.arrow import write_words

    table = english_size(share=0.1).table
    write_words(file, [f"w{row}" for row in range(len(table))], table)


def rows(quick: bool) -> Iterator[Row]:
    """The peak of one; then the word matrix in 1, 2, 4 and 8 trials that run at once."""
    yield Row("one arm, one epoch, all splits", fresh(_peak), None, "MiB", None)
    if not Path("/proc/self/smaps").exists():
        yield Row("word matrix", None, None, "", None, "not measured (only Linux tells)")
        return
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "words.arrow")
        _write_matrix(file)
        copy = file.stat().st_size / 2**20
        for trials in (1, 2) if quick else (1, 2, 4, 8):
            found = shares(trials, _train_on, file, file)
            ours = sum(mapped for mapped, _ in found)
            everything = sum(total for _, total in found)
            note = f"all memory of the processes: {everything:.0f} MiB"
            yield against(f"word matrix, trials: {trials}", ours, trials * copy, "MiB", note)
