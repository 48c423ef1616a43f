"""One file of a corpus, read as a split that arrives later."""

from collections.abc import Callable
from pathlib import Path

import pytest

from features import InputError
from features.corpora import read_split
from features.corpora.sample import Sample
from features.corpora.semeval import SemEval
from features.corpora.table import Table

LABELS = ("anger", "joy")
OFFICIAL = 'ID\tTweet\tanger\tjoy\r\n2018-En-1\tso "glad\tit is\t0\t1\r\n'.replace("\tit", " it")


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], Path]:
    def file(name: str, text: str) -> Path:
        (tmp_path / name).write_bytes(text.encode())
        return tmp_path / name

    return file


def test_an_official_file(write: Callable[[str, str], Path]) -> None:
    texts = read_split(SemEval(), write("gold.txt", OFFICIAL), "test", LABELS)
    assert (texts.ids, texts.texts) == (["2018-En-1"], ['so "glad it is'])
    assert texts.labels.tolist() == [[0, 1]]


@pytest.mark.parametrize("options", [SemEval(), Sample()])
def test_a_table_is_read_for_any_corpus(
    write: Callable[[str, str], Path], options: SemEval | Sample
) -> None:
    path = write("gold.csv", 'joy,id,text,anger,else\n1,a,"b, c",0,x\n')
    texts = read_split(options, path, "test", LABELS)
    assert (texts.ids, texts.texts, texts.labels.tolist()) == (["a"], ["b, c"], [[0, 1]])


def test_a_table_of_the_corpus_own_columns(write: Callable[[str, str], Path]) -> None:
    options = Table(train="t", dev="d", text="tweet", label_column="tags", delimiter=";")
    path = write("gold.tsv", "tweet\ttags\nb\tjoy;anger\nc\t\n")
    texts = read_split(options, path, "test", LABELS)
    assert (texts.ids, texts.texts) == (["test-1", "test-2"], ["b", "c"])
    assert texts.labels.tolist() == [[1, 1], [0, 0]]


@pytest.mark.parametrize(
    ("options", "name", "text", "said"),
    [
        (SemEval(), "g.txt", OFFICIAL.replace("joy", "fear"), "labels anger, fear differ from"),
        (SemEval(), "g.txt", OFFICIAL.replace("\t0\t1", "\tNONE\tNONE"), "labels are withheld"),
        (SemEval(), "g.csv", "id,text,anger\na,b,1\n", "no column 'joy'"),
        (Sample(), "g.txt", OFFICIAL, r"expected a name that ends in one of \.csv"),
    ],
)
def test_another_file_is_refused(
    write: Callable[[str, str], Path], options: SemEval | Sample, name: str, text: str, said: str
) -> None:
    with pytest.raises(InputError, match=said):
        read_split(options, write(name, text), "test", LABELS)
