from pathlib import Path

import pytest

from features.errors import InputError
from features.lexicons import find_lexicon, lexicon_names
from features.lexicons.nrc_emolex import COLUMNS


def test_named_lexicons() -> None:
    assert {"afinn", "nrc-emolex", "sample"} <= set(lexicon_names())


def test_afinn_is_scaled_and_several_words_are_counted_not_matched(data: Path) -> None:
    lexicon = find_lexicon("afinn", "en", data).read()
    assert lexicon.entries == {"rage": (-1.0,), "tears": (-0.4,)}
    assert lexicon.multiword == 1
    assert find_lexicon("afinn", "en", data).sources[0].role == "lexicon afinn"


def test_the_preferred_file_is_taken(data: Path) -> None:
    (data / "AFINN-111.txt").rename(data / "AFINN-en-165.txt")
    assert find_lexicon("afinn", "en", data).read().entries["rage"] == (-1.0,)
    (data / "AFINN-111.txt").write_text("other\t5\n", encoding="utf-8")
    assert list(find_lexicon("afinn", "en", data).read().entries) == ["other"]


def test_english_emolex_has_a_row_for_each_word_and_emotion(tmp_path: Path) -> None:
    rows = [f"gloom\t{emotion}\t{int(emotion == 'sadness')}" for emotion in COLUMNS]
    path = tmp_path / "NRC-Emotion-Lexicon-Wordlevel-v0.92.txt"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    lexicon = find_lexicon("nrc-emolex", "en", tmp_path).read()
    assert lexicon.columns == COLUMNS
    assert lexicon.entries == {"gloom": (0, 0, 0, 0, 0, 0, 0, 1, 0, 0)}


def test_spanish_emolex_takes_the_maximum_over_english_words(tmp_path: Path) -> None:
    header = "\t".join(["English Word", *COLUMNS, "Spanish Word"])
    rows = [
        "\t".join(["sadly", *"0000000100", "Canción"]),
        "\t".join(["sorely", *"1000000000", "cancion"]),
        "\t".join(["at last", *"0000100000", "por fin"]),
    ]
    path = tmp_path / "Spanish-NRC-EmoLex.txt"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    lexicon = find_lexicon("nrc-emolex", "es", tmp_path).read()
    assert lexicon.entries == {"cancion": (1, 0, 0, 0, 0, 0, 0, 1, 0, 0)}
    assert lexicon.multiword == 1


def test_a_plain_table_needs_no_code(tmp_path: Path) -> None:
    path = tmp_path / "mine.tsv"
    path.write_text("word\theat\tlight\nSol\t1\t2\nsól\t3\t0\n", encoding="utf-8")
    lexicon = find_lexicon("mine.tsv", "es", tmp_path).read()
    assert (lexicon.name, lexicon.columns) == ("mine", ("heat", "light"))
    assert lexicon.entries == {"sol": (2.0, 1.0)}  # equal when folded: the mean
    assert find_lexicon(str(path), "es", None).read().entries == lexicon.entries
    quoted = tmp_path / "mine.csv"
    quoted.write_text('word,heat,"light, seen"\nSol,1,2\n"a, b",0,0\n', encoding="utf-8")
    lexicon = find_lexicon("mine.csv", "es", tmp_path).read()
    assert (lexicon.columns, lexicon.multiword) == (("heat", "light, seen"), 1)
    assert lexicon.entries == {"sol": (1.0, 2.0)}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", r"mine\.tsv: the file is empty"),
        ("\n", r"mine\.tsv: the file holds only a blank line; expected rows"),
        ("word\na\n", r"line 1: one column; expected a header of word and at least one column"),
        ("sol\t1\n", r"line 1: '1' is a number; expected a header of word and the names"),
        ("word\tx\na\t1\t2\n", r"line 2: 3 columns; expected 2 as in the header"),
        ("word\tx\na\tmany\n", r"line 2: the value is 'many'; expected a number"),
        ("word\tx\na\tnan\n", r"line 2: the value is 'nan'; expected a number"),
        ("word\tx\na\tinf\n", r"line 2: the value is 'inf'; expected a number"),
        ("word\tx\na\t1e39\n", r"line 2: the value is '1e39'; expected a number"),
    ],
)
def test_a_bad_table_is_named_with_its_row(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "mine.tsv").write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        find_lexicon("mine.tsv", "en", tmp_path).read()


def test_what_cannot_be_found(data: Path) -> None:
    with pytest.raises(InputError, match=r"expected NRC-Emotion-Lexicon-Wordlevel-v0\.92\.txt som"):
        find_lexicon("nrc-emolex", "en", data).read()
    with pytest.raises(InputError, match="lexicon afinn: has no language 'es'; expected en"):
        find_lexicon("afinn", "es", data).read()
    with pytest.raises(
        InputError, match=r"'affin' is unknown; expected one of afinn, .*nrc-emolex"
    ):
        find_lexicon("affin", "en", data).read()
    with pytest.raises(InputError, match=r"no data folder was given .* for lexicon afinn"):
        find_lexicon("afinn", "en", None).read()


def test_a_bad_emolex(tmp_path: Path) -> None:
    path = tmp_path / "NRC-Emotion-Lexicon-Wordlevel-v0.92.txt"
    path.write_text("gloom\tgloominess\t1\n", encoding="utf-8")
    with pytest.raises(InputError, match="line 1: emotion 'gloominess'; expected one of anger"):
        find_lexicon("nrc-emolex", "en", tmp_path).read()
    (tmp_path / "Spanish-NRC-EmoLex.txt").write_text("\t" * 11 + "\n", encoding="utf-8")
    with pytest.raises(InputError, match="line 1: the header's columns are"):
        find_lexicon("nrc-emolex", "es", tmp_path).read()
