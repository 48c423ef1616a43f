"""`vectors:` as a list of sources: what an experiment may say, and how a mistake in it is told."""

from typing import Any

import pytest

from sweep.errors import ExperimentError
from sweep.experiment import load_experiment

FILE = {"kind": "file", "path": "emoji2vec.bin", "format": "word2vec-binary"}


def test_one_source_is_a_list_of_one(tiny: dict[str, Any]) -> None:
    one, _ = load_experiment(tiny)
    listed, _ = load_experiment(tiny | {"vectors": [tiny["vectors"]]})
    assert one == listed
    assert len(one.vectors) == 1


def test_several_sources_keep_their_order(tiny: dict[str, Any]) -> None:
    experiment, _ = load_experiment(tiny | {"vectors": [FILE, tiny["vectors"]]})
    assert [source.kind for source in experiment.vectors] == ["file", "skipgram"]
    assert experiment.feature_spec("en").vectors == experiment.vectors


@pytest.mark.parametrize(
    ("vectors", "message"),
    [
        ([], "vectors: list should have at least 1 item"),
        (3, "vectors: input should be a valid dictionary"),
        ([FILE, 3], "vectors[1]: input should be a valid dictionary"),
        ([FILE, {}], "vectors[1].kind: expected one of file, skipgram"),
        ([{"kind": "nope"}], "vectors[0].kind: expected one of file, skipgram"),
        ([FILE, {"kind": "skipgram", "dim": 3}], "vectors[1].dim: unknown key; allowed here: dim"),
        ({"kind": "skipgram", "dim": 3}, "vectors.dim: unknown key; allowed here: dimension, epoc"),
        ([FILE, {"kind": "file"}], "vectors[1].path: is required"),
        ([{"kind": "skipgram", "epochs": 0}], "vectors[0].epochs: input should be greater than or"),
        ({"kind": "skipgram", "seed": 2**40}, "vectors.seed: input should be less than 4294967296"),
        ({"kind": "skipgram", "dimension": 10**9}, "vectors.dimension: input should be less than"),
        ({"kind": "skipgram", "window": 10**12}, "vectors.window: input should be less than or eq"),
        ({"kind": "skipgram", "negative": 10**9}, "vectors.negative: input should be less than or"),
        (
            FILE | {"format": "bin"},
            "vectors.format: input should be 'fasttext', 'glove', 'keyedvectors', 'word2vec' or "
            "'word2vec-binary', not 'bin'",
        ),
    ],
)
def test_a_mistake_is_one_sentence_with_its_place(
    tiny: dict[str, Any], vectors: object, message: str
) -> None:
    with pytest.raises(ExperimentError) as caught:
        load_experiment(tiny | {"vectors": vectors})
    assert str(caught.value).startswith(f"experiment: {message}")
    assert "\n" not in str(caught.value)
