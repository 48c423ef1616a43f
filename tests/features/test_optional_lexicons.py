"""A lexicon that may be missing, from what an experiment says to what the manifest says."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from features import FeatureSpec, build, find

LIWC = {"name": "liwc", "optional": True}


def spec(*lexicons: Any) -> FeatureSpec:
    return FeatureSpec.model_validate(
        {
            "corpus": {"reader": "semeval2018-ec"},
            "language": "en",
            "vectors": {"kind": "file", "path": "vectors.txt", "format": "glove"},
            "lexicons": lexicons,
        }
    )


def test_a_skipped_lexicon_has_a_note_and_no_column(data: Path, tmp_path: Path) -> None:
    without = build(spec("afinn"), data, tmp_path)
    skipped = build(spec("afinn", LIWC), data, tmp_path)
    *others, note = skipped.manifest["notes"]
    assert others == without.manifest["notes"]
    assert note.startswith("optional and skipped: lexicon liwc: expected LIWC2007")
    # The arms' keys come from the bytes: nothing is trained again for the note.
    assert (skipped.sha256, skipped.v) == (without.sha256, 1)
    assert [lexicon["name"] for lexicon in skipped.manifest["lexicons"]] == ["afinn"]
    assert find(spec("afinn", LIWC), data, tmp_path) == skipped


def test_a_lexicon_found_later_makes_other_features(data: Path, tmp_path: Path) -> None:
    skipped = build(spec("afinn", LIWC), data, tmp_path)
    dictionary = "%\n1\tanimal\n2\tnoise\n%\ncat\t1\t2\nra*\t2\n"
    (data / "LIWC2007.dic").write_text(dictionary, encoding="utf-8")
    found = build(spec("afinn", LIWC), data, tmp_path)
    assert found.key != skipped.key
    assert found.v == 3
    assert not any("liwc" in note for note in found.manifest["notes"])
    assert found.key == build(spec("afinn", "liwc"), data, tmp_path).key
    rows, words = found.vectors(), found.words()
    for word, flags in {"cat": [1, 1], "rain": [0, 1], "rage": [0, 1], "the": [0, 0]}.items():
        assert rows[words.index(word), -2:].tolist() == flags
    # rain, the cat, rage, rage, rain: words that a star finds are counted, too.
    assert found.manifest["coverage"]["dev"]["tokens with lexicon liwc"] == 5


@pytest.mark.parametrize("choice", [{"nam": "liwc"}, {"name": ""}, 3, {"name": "a", "optional": 2}])
def test_an_entry_is_a_name_or_a_choice(choice: object) -> None:
    with pytest.raises(ValidationError, match="expected a name, a path or"):
        spec(choice)


def test_a_lexicon_is_named_once() -> None:
    with pytest.raises(ValidationError, match="named twice: liwc"):
        spec("liwc", LIWC)
