"""However many trials a machine runs, it holds one copy of the word matrix."""

from pathlib import Path

import pytest

from benchmarks.children import shares
from features import Features, FeatureSpec, build
from model import get_loss
from model.settings import NetworkSettings, TrainSettings
from model.training import Member, Training
from sweep.trial import load_data

WORDS, DIMENSION = 2000, 200


@pytest.fixture
def features(tmp_path: Path) -> Features:
    """A corpus of many words with long vectors: 1.6 MB of them."""
    words = [f"w{i}" for i in range(WORDS)]
    vector = " ".join(map(str, range(DIMENSION)))
    (tmp_path / "v.txt").write_text("".join(f"{word} {vector}\n" for word in words))
    for split in ("train", "dev"):
        rows = [f"{split} {' '.join(words[i::50])},{i % 2}\n" for i in range(50)]
        (tmp_path / f"{split}.csv").write_text("text,joy\n" + "".join(rows))
    spec = {
        "corpus": {"reader": "table", "labels": ["joy"], "train": "train.csv", "dev": "dev.csv"},
        "language": "en",
        "vectors": {"kind": "file", "path": "v.txt", "format": "glove"},
    }
    return build(FeatureSpec.model_validate(spec), tmp_path, tmp_path / "cache")


def train(entry: Path) -> Training:
    """Trains an epoch, as a trial does, and reads every word."""
    data = load_data(entry)
    network = NetworkSettings(filters=4, heights=(1, 2))
    training = Training([Member(get_loss("bce"), 0, TrainSettings())], 16, network, data)
    training.run_epoch()
    assert training.table.isfinite().all()
    return training


def test_a_trial_reads_the_mapped_file_itself(features: Features) -> None:
    data = load_data(features.path)
    network = NetworkSettings(filters=4, heights=(1, 2))
    training = Training([Member(get_loss("bce"), 0, TrainSettings())], 16, network, data)
    assert training.table.data_ptr() == data.table.ctypes.data
    assert not data.table.flags.writeable
    assert not data.table.flags.owndata


@pytest.mark.slow
@pytest.mark.skipif(
    not Path("/proc/self/smaps").exists(), reason="only Linux tells how memory is shared"
)
def test_trials_share_one_copy(features: Features) -> None:
    file = features.path / "words.arrow"
    copy = file.stat().st_size / 2**20
    found = shares(3, train, features.path, file)
    assert sum(mapped for mapped, _ in found) == pytest.approx(copy, rel=0.05)
    for mapped, everything in found:
        assert mapped == pytest.approx(copy / 3, rel=0.05)
        assert everything > 20 * mapped  # the process itself
