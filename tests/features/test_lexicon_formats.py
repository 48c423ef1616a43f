"""Each native format with its quirks; all words and scores are invented."""

import gzip
from pathlib import Path

import pytest

from features.errors import InputError
from features.lexicons import find_lexicon, lexicon_names
from features.lexicons.nrc_hashtag_emotion import COLUMNS as EMOTIONS

LIWC = (
    "%\r\n1\tgrue\r\n22\tbleen\tmore words\r\n%\r\nvarn\t1\t22\r\nvarn*\t22\r\nvarnish*\t1\r\n"
    "caf\xe9\t01\r\nquo vadim\t1\r\nlorp\t(03 7)1/22\t22\t99\r\ndorp\t<of>1/22\r\n"
)
SENTIWORDNET = (
    "# six columns\n"
    'a\t00000001\t0.5\t0\tvarn#1 zib#2\tof a varn; "so zib"\n'
    "a\t00000002\t0\t0.25\tvarn#2 low_zib#1\t\n"
    "n\t00000003\t125\t0.5\tzib#1\t\n"
    "\t\t\t\t#\t\n"
)
SENTICON = """<?xml version="1.0" encoding="UTF-8"?>
<senticon lang="es">
  <layer level="1">
    <positive>
      <lemma pos="a" pol="0.5" std="0.1"> varnón </lemma>
      <lemma pos="n" pol="0.75" std="0.2"> a_zib </lemma>
    </positive>
  </layer>
  <layer level="2">
    <negative>
      <lemma pos="n" pol="-0.25" std="0.3"> varnon </lemma>
    </negative>
  </layer>
</senticon>"""


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return path


def test_every_lexicon_of_the_paper_has_a_format() -> None:
    english = "afinn bing-liu mpqa sentiment140 sentiwordnet nrc-emolex nrc-hashtag-emotion liwc"
    spanish = "elhpolar isol ml-senticon nrc-emolex"
    assert set(lexicon_names()) == {"sample", *english.split(), *spanish.split()}


def test_bing_liu_is_two_commented_lists_in_either_encoding(tmp_path: Path) -> None:
    comment = ";;;;\r\n; all of them: Negative\r\n;\r\n\r\n"
    write(tmp_path, "positive-words.txt", f"{comment}z+\r\nvarn\r\n")
    words = f"{comment}zib-zab\r\nna\xefvarn\r\nvarn\r\n"
    for encoding in ("iso-8859-1", "utf-8", "utf-8-sig"):
        write(tmp_path, "negative-words.txt", words.encode(encoding))
        lexicon = find_lexicon("bing-liu", "en", tmp_path).read()
        assert lexicon.columns == ("positive", "negative")
        assert lexicon.entries == {
            "z+": (1, 0),
            "varn": (1, 1),  # in both lists
            "zib-zab": (0, 1),
            "na\xefvarn": (0, 1),
        }
    assert [file.path.name for file in find_lexicon("bing-liu", "en", tmp_path).sources] == [
        "positive-words.txt",
        "negative-words.txt",
    ]


def test_mpqa_has_a_row_for_each_part_of_speech_and_odd_ones(tmp_path: Path) -> None:
    rows = [
        "type=strongsubj len=1 word1=varn pos1=adj stemmed1=n priorpolarity=negative",
        "type=weaksubj len=1 len=1 word1=varn pos1=verb stemmed1=y priorpolarity=neutral",
        "type=weaksubj len=1 word1=zib pos1=adj polarity=negative priorpolarity=weakneg",
        "type=strongsubj len=1 word1=lorp pos1=noun stemmed1=1 m priorpolarity=both",
        "type=weaksubj len=1 word1=dorp pos1=noun priorpolarity=positive mpqapolarity=strongneg",
        "",
    ]
    write(tmp_path, "subjclueslen1-HLTEMNLP05.tff", "\n".join(rows))
    lexicon = find_lexicon("mpqa", "en", tmp_path).read()
    assert lexicon.columns == ("positive", "negative", "strength")
    assert lexicon.entries == {
        "varn": (0, 0.5, 0.75),
        "zib": (0, 1, 0.5),
        "lorp": (1, 1, 1),
        "dorp": (1, 0, 0.5),
    }


@pytest.mark.parametrize("folder", ["sentiment140", "deep/Sentiment140-Lexicon-v0.1"])
def test_sentiment140_is_told_by_its_folder(tmp_path: Path, folder: str) -> None:
    name = "unigrams-pmilexicon.txt"
    write(tmp_path, f"nrc-hashtag-sentiment/{name}", "varn\t-5\t0\t9\n")
    with pytest.raises(InputError, match=r"expected Sentiment140-Lexicon-v0\.1/unigrams-pmil"):
        find_lexicon("sentiment140", "en", tmp_path).read()
    rows = "@varn\t5\t6\t0\n#zib\t-2.5\t1\t6\n:-)\t1\t2\t1\nVarn\t0\t1\t1\nvarn\t1\t1\t1\n"
    write(tmp_path, f"{folder}/{name}", rows)
    lexicon = find_lexicon("sentiment140", "en", tmp_path).read()
    assert lexicon.columns == ("score",)
    # Two are equal in lower case: their mean.
    assert lexicon.entries == {"@varn": (1,), "#zib": (-0.5,), ":-)": (0.2,), "varn": (0.1,)}


def test_sentiwordnet_weighs_senses_by_their_number(tmp_path: Path) -> None:
    write(tmp_path, "SentiWordNet_3.0.0.txt", SENTIWORDNET)
    lexicon = find_lexicon("sentiwordnet", "en", tmp_path).read()
    assert lexicon.columns == ("positive", "negative")
    assert lexicon.entries["varn"] == pytest.approx((0.5 / 1.5, 0.125 / 1.5))
    # Two parts of speech; 125 is 0.125.
    assert lexicon.entries["zib"] == pytest.approx((0.375 / 1.5, 0.5 / 1.5))
    assert (len(lexicon.entries), lexicon.multiword) == (2, 1)


def test_sentiwordnet_may_be_compressed(tmp_path: Path) -> None:
    packed = gzip.compress(SENTIWORDNET.encode())
    write(tmp_path, "SentiWordNet_3.0.0.noglosses.txt.gz", packed)
    assert len(find_lexicon("sentiwordnet", "en", tmp_path).read().entries) == 2


def test_hashtag_emotion_begins_after_its_terms_of_use(tmp_path: Path) -> None:
    rows = [
        "What you may do",
        "",
        "1. A\ttab",
        "joy\t#varn\t1.5",
        "trust\t#varn\t0.25",
        "",
        "anger\t#Varn\t1",
    ]
    write(tmp_path, "NRC-Hashtag-Emotion-Lexicon-v0.2.txt", "\r\n".join(rows))
    lexicon = find_lexicon("nrc-hashtag-emotion", "en", tmp_path).read()
    assert lexicon.columns == EMOTIONS
    # Equal in lower case: the mean of two words.
    assert lexicon.entries == {"#varn": (0.5, 0, 0, 0, 0.75, 0, 0, 0.125)}


@pytest.mark.parametrize("encoding", ["iso-8859-1", "utf-8"])
def test_liwc_has_the_columns_of_its_file(tmp_path: Path, encoding: str) -> None:
    write(tmp_path, "LIWC2007.dic", LIWC.encode(encoding))
    lexicon = find_lexicon("liwc", "en", tmp_path).read()
    assert lexicon.columns == ("grue", "bleen")
    assert dict(lexicon.entries) == {
        "varn": (1, 1),
        "varn*": (0, 1),
        "varnish*": (1, 0),
        "caf\xe9": (1, 0),
        "lorp": (0, 1),  # what depends on other words is left out
        "dorp": (0, 0),
    }
    assert lexicon.multiword == 1


def test_elhpolar_has_comments_blanks_for_tabs_and_phrases(tmp_path: Path) -> None:
    content = "# header\n#\n\nvarn\tpositive\nzíb\tpositive\nzib     negative\na_varn\tnegative\n"
    write(tmp_path, "ElhPolar_esV1.lex", content)
    lexicon = find_lexicon("elhpolar", "es", tmp_path).read()
    assert lexicon.columns == ("positive", "negative")
    assert lexicon.entries == {"varn": (1, 0), "zib": (1, 1)}
    assert lexicon.multiword == 1


@pytest.mark.parametrize("encoding", ["iso-8859-1", "utf-8"])
def test_isol_meets_texts_without_their_accents(tmp_path: Path, encoding: str) -> None:
    write(tmp_path, "positivas_mejorada.csv", "varnacion\r\nzibo\r\n")
    words = "da\xf1ozib\r\nda\xf1ozib\r\nzibo\r\n".encode(encoding)
    write(tmp_path, "negativas_mejorada.csv", words)
    lexicon = find_lexicon("isol", "es", tmp_path).read()
    assert lexicon.columns == ("positive", "negative")
    assert lexicon.entries == {"varnacion": (1, 0), "zibo": (1, 1), "danozib": (0, 1)}


def test_ml_senticon_takes_all_layers_and_the_mean_over_parts_of_speech(tmp_path: Path) -> None:
    write(tmp_path, "senticon.es.xml", SENTICON)
    lexicon = find_lexicon("ml-senticon", "es", tmp_path).read()
    assert lexicon.columns == ("polarity", "deviation")
    assert lexicon.entries["varnon"] == pytest.approx((0.125, 0.2))
    assert (len(lexicon.entries), lexicon.multiword) == (1, 1)


ONE_FILE = {
    "mpqa": "subjclueslen1-HLTEMNLP05.tff",
    "sentiment140": "sentiment140/unigrams-pmilexicon.txt",
    "sentiwordnet": "SentiWordNet_3.0.0.txt",
    "nrc-hashtag-emotion": "NRC-Hashtag-Emotion-Lexicon-v0.2.txt",
    "liwc": "LIWC2007.dic",
    "elhpolar": "ElhPolar_esV1.lex",
    "ml-senticon": "senticon.es.xml",
}
SPANISH = {"elhpolar", "ml-senticon"}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("mpqa", "type=strongsubj word1=a\n", "line 1: priorpolarity is ''; expected priorpol.*="),
        ("mpqa", "type=loud word1=a priorpolarity=both", "type is 'loud'; expected .* strongsubj"),
        ("mpqa", "type=weaksubj word1= priorpolarity=both", "line 1: no word1=; expected the clue"),
        ("sentiment140", "a\t1\t1\n", "line 1: 3 tab-separated columns; expected 4"),
        ("sentiment140", "a\t1\t1\t1\nb\t5.5\t1\t1\n", "line 2: the score is '5.5'; expected -5"),
        ("sentiment140", "a\tlow\t1\t1\n", "line 1: the value is 'low'; expected a number"),
        ("sentiwordnet", "a\t1\t0\t0\tb#1\n", r"line 1: 5 tab.*; expected 6 \(POS, ID"),
        ("sentiwordnet", "a\t1\t-1\t0\tb#1\t\n", "line 1: the score is '-1'; expected 0 to 1"),
        ("sentiwordnet", "a\t1\t0\t1.5\tb#1\t\n", "line 1: the score is '1.5'; expected 0 to 1"),
        ("sentiwordnet", "a\t1\t0\t0\tb#1 c\t\n", "line 1: term 'c'; expected word#sense"),
        ("sentiwordnet", "a\t1\t0\t0\tb#0\t\n", "line 1: term 'b#0'; expected word#sense"),
        ("sentiwordnet", "# nothing\n", r"\.txt: no word; expected the entries of lexicon sentiw"),
        ("nrc-hashtag-emotion", "terms\njoy\ta\t1\njoy\ta\n", "line 3: 2 tab.*; expected 3"),
        ("nrc-hashtag-emotion", "mirth\ta\t1\n", "line 1: emotion 'mirth'; expected one of anger"),
        ("nrc-hashtag-emotion", "joy\ta\t-1\n", "line 1: the score is '-1'; expected 0 or more"),
        ("nrc-hashtag-emotion", "terms of use\n", r"\.txt: no word; expected the entries"),
        ("liwc", "varn\t1\n", "line 1: expected the categories between two lines of '%'"),
        ("liwc", "%\n%\nvarn\t1\n", "line 1: expected the categories between two lines of '%'"),
        ("liwc", "%\ngrue\n%\nvarn\t1\n", "line 2: 'grue'; expected the number and name"),
        ("liwc", "%\n1\tgrue\n1\tbleen\n%\nvarn\t1\n", "line 3: category 1 bleen; expected every"),
        ("liwc", "%\n1\tgrue\n2\tgrue\n%\nvarn\t1\n", "line 3: category 2 grue; expected every"),
        ("liwc", "%\n1\tgrue\n%\nvarn 1\n", "line 4: 'varn 1'; expected a word and category num"),
        ("liwc", "%\n1\tgrue\n%\nvarn\t2\n", "line 4: category '2'; expected a number listed"),
        ("liwc", "%\n1\tgrue\n%\nvarn\tgrue\n", "line 4: category 'grue'; expected a number"),
        ("elhpolar", "varn\tpositive\nzib\tgood\n", "line 2: 'zib\tgood'; expected a term and one"),
        ("elhpolar", "varn zib positive\n", "line 1: 'varn zib positive'; expected a term and"),
        (
            "ml-senticon",
            "<a>\n<lemma pol='1' std='0'>x</a>",
            "line 2: mismatched tag; expected XML",
        ),
        ("ml-senticon", "<a>\n<lemma std='0'>x</lemma></a>", "line 2: the value is ''; expected a"),
        ("ml-senticon", "<lemma pol='1.5' std='0'>x</lemma>", "line 1: pol 1.5, std 0; expected"),
        ("ml-senticon", "<lemma pol='1' std='-1'>x</lemma>", "line 1: pol 1, std -1; expected"),
        ("ml-senticon", "<senticon/>", r"\.xml: no word; expected the entries of lexicon ml-sent"),
        *[(name, "", "empty|no element found; expected XML") for name in ONE_FILE],
        ("ml-senticon", b"<senticon>\n\xe9x</senticon>", "line 2: not well-formed.*; expected XML"),
        *[
            (name, b"\xe9\n", "line 1: byte 0xe9 is not UTF-8; expected UTF-8 text")
            for name in ONE_FILE
            if name not in ("liwc", "ml-senticon")
        ],
    ],
)
def test_a_malformed_file_is_named_with_its_row(
    tmp_path: Path, name: str, content: str | bytes, message: str
) -> None:
    path = write(tmp_path, ONE_FILE[name], content)
    with pytest.raises(InputError, match=message) as raised:
        find_lexicon(name, "es" if name in SPANISH else "en", tmp_path).read()
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_malformed_word_list_is_named_with_its_row(tmp_path: Path) -> None:
    path = write(tmp_path, "positive-words.txt", ";\nvarn\nzib,1\n")
    write(tmp_path, "negative-words.txt", "")
    with pytest.raises(InputError, match="line 3: 'zib,1'; expected one word a line"):
        find_lexicon("bing-liu", "en", tmp_path).read()
    path.write_text("varn\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"negative-words\.txt: the file is empty"):
        find_lexicon("bing-liu", "en", tmp_path).read()


def test_one_of_two_files_is_not_enough(tmp_path: Path) -> None:
    write(tmp_path, "positivas_mejorada.csv", "varn\n")
    with pytest.raises(InputError, match=r"with negativas_m.*, found only positivas_mejorada\.csv"):
        find_lexicon("isol", "es", tmp_path).read()
