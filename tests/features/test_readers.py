import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import TypeAdapter, ValidationError

from features.corpora import Corpus, ReaderOptions, read_corpus
from features.errors import InputError
from features.lines import read_lines
from features.spec import CorpusSpec

HEADER = "ID\tTweet\tanger\tjoy\tsadness\r\n"


def options(**given: Any) -> ReaderOptions:
    checked: ReaderOptions = TypeAdapter(CorpusSpec).validate_python(given)
    return checked


def semeval(data: Path | None, language: str = "en") -> Corpus:
    return read_corpus(options(reader="semeval2018-ec"), language, data)


def train_file(data: Path) -> Path:
    return next(data.rglob("2018-E-c-En-train.txt"))


def test_official_files_are_found_anywhere_and_read_without_quoting(data: Path) -> None:
    corpus = semeval(data)
    assert corpus.labels == ("anger", "joy", "sadness")
    assert list(corpus.splits) == ["train", "dev"]
    assert corpus.splits["train"].texts[0] == 'The cat said "meow 😀'
    assert corpus.splits["train"].labels.tolist() == [[0, 1, 0], [1, 0, 0], [0, 0, 1], [0, 0, 0]]
    assert corpus.splits["train"].labels.dtype == np.uint8
    assert corpus.splits["dev"].ids == ["d1", "d2", "d3", "d4", "d5"]
    assert [source.role for source in corpus.sources] == ["corpus train", "corpus dev"]
    assert corpus.notes == (
        "no test split: found no 2018-E-c-En-test-gold.txt or 2018-E-c-En-test.txt",
    )


def test_gold_is_preferred_and_withheld_labels_are_no_test_split(data: Path) -> None:
    withheld = HEADER + "x1\thello\tNONE\tNONE\tNONE\r\n"
    (data / "2018-E-c-En-test.txt").write_text(withheld, encoding="utf-8", newline="")
    corpus = semeval(data)
    assert "test" not in corpus.splits
    assert "labels of 2018-E-c-En-test.txt are withheld" in corpus.notes[0]
    gold = HEADER + "x1\thello\t1\t0\t1\r\n"
    (data / "2018-E-c-En-test-gold.txt").write_text(gold, encoding="utf-8", newline="")
    corpus = semeval(data)
    assert corpus.splits["test"].labels.tolist() == [[1, 0, 1]]
    assert corpus.notes == ()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"train\.txt: the file is empty; expected rows of text"),
        (b"\r\n", r"train\.txt: the file holds only a blank line; expected rows"),
        (b"Text\tanger\r\n", r"line 1: the header is \['Text', 'anger'\]; expected ID, Tweet"),
        (b"ID\tTweet\r\n", r"line 1: the header is \['ID', 'Tweet'\]; expected ID, Tweet and"),
        (b"ID\tTweet\tjoy\r\na\tx\t1\r\nb\ty\r\n", r"line 3: 2 tab-separated columns; expected 3"),
        (b"ID\tTweet\tjoy\r\na\tx\t2\r\n", r"line 2: label joy is '2'; expected 0 or 1"),
        (b"ID\tTweet\tjoy\r\na\tx\t\r\n", r"line 2: label joy is ''; expected 0 or 1"),
        (
            b"ID\tTweet\tjoy\r\na\tx\t1\r\nb\ty\t1\r\na\tz\t0\r\n",
            r"line 4: id 'a' was already on line 2; expected every id once",
        ),
        (b"ID\tTweet\tjoy\r\na\tcaf\xe9\t1\r\n", r"line 2: byte 0xe9 is not UTF-8; expected UTF-8"),
        (b"ID\tTweet\tjoy\r\na\tx\t1\r\n\r\nb\ty\t1\r\n", r"line 3: the line is blank"),
        (b"ID\tTweet\tjoy\r\n", r"expected texts in train, found none"),
        (b"ID\tTweet\tjoy\r\na\tx\tNONE\r\n", r"train\.txt: the labels are withheld"),
        (b"ID\tTweet\tjoy\tjoy\r\na\tx\t1\t0\r\n", r"train\.txt: .* column 'joy' twice"),
        (b"ID\tTweet\tjoy\t\r\na\tx\t1\t0\r\n", r"train\.txt: .* no name for column 4"),
    ],
)
def test_a_bad_official_file_is_named_with_its_row(
    data: Path, content: bytes, message: str
) -> None:
    train_file(data).write_bytes(content)
    for dev in data.rglob("2018-E-c-En-dev.txt"):
        dev.write_bytes(b"ID\tTweet\tjoy\r\nq\tx\t1\r\n")
    with pytest.raises(InputError, match=message):
        semeval(data)


def test_one_withheld_row_in_a_gold_file_is_an_error_not_a_missing_split(data: Path) -> None:
    gold = data / "2018-E-c-En-test-gold.txt"
    for rows, line in (("a\tx\t1\t0\t1\nb\ty\t%s\n", 3), ("a\tx\t%s\nb\ty\t1\t0\t1\n", 2)):
        content = HEADER.replace("\r", "") + rows % "NONE\tNONE\tNONE"
        gold.write_text(content, encoding="utf-8", newline="")
        message = (
            rf"test-gold\.txt, line {line}: the labels are NONE in a file with labels; expected"
        )
        with pytest.raises(InputError, match=message):
            semeval(data)


def test_a_test_file_without_rows(data: Path) -> None:
    gold = data / "2018-E-c-En-test-gold.txt"
    gold.write_text(HEADER, encoding="utf-8", newline="")
    with pytest.raises(InputError, match="expected texts in test, found none"):
        semeval(data)


def test_one_dev_text_can_be_halved_only_where_test_is_scored(data: Path) -> None:
    one = HEADER + "d1\train again\t0\t0\t1\r\n"
    next(data.rglob("2018-E-c-En-dev.txt")).write_text(one, encoding="utf-8", newline="")
    with pytest.raises(InputError, match="1 text in dev and no test; expected at least 2"):
        semeval(data)
    gold = data / "2018-E-c-En-test-gold.txt"
    gold.write_text(one.replace("d1", "g1"), encoding="utf-8", newline="")
    assert semeval(data).splits["dev"].ids == ["d1"]


def test_labels_of_splits_must_agree(data: Path) -> None:
    train_file(data).write_bytes(b"ID\tTweet\tjoy\r\nt1\tx\t1\r\n")
    with pytest.raises(InputError, match=r"dev\.txt, line 1: labels anger, joy, sadness differ"):
        semeval(data)


def test_an_id_in_two_splits(data: Path) -> None:
    content = train_file(data).read_bytes().replace(b"t1\t", b"d1\t")
    train_file(data).write_bytes(content)
    with pytest.raises(InputError, match="id 'd1' is in train and again in dev"):
        semeval(data)


def test_a_text_in_two_splits(data: Path) -> None:
    content = train_file(data).read_bytes().replace(b"nothing to see", b"the dog")
    train_file(data).write_bytes(content)
    assert semeval(data).notes[-1] == "1 text of dev is in train as well"


def test_missing_files_and_folders(data: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"expected 2018-E-c-Es-train\.txt somewhere below"):
        semeval(data, "es")
    with pytest.raises(
        InputError, match=r"no data folder was given .* for the SemEval-2018 E-c files"
    ):
        semeval(None)
    with pytest.raises(InputError, match="expected a folder"):
        semeval(tmp_path / "absent")


def test_copies_may_lie_around_only_if_equal(data: Path) -> None:
    copy = data / "copy" / "2018-E-c-En-train.txt"
    copy.parent.mkdir()
    copy.write_bytes(train_file(data).read_bytes())
    assert len(semeval(data).splits["train"].ids) == 4
    copy.write_bytes(b"other")
    with pytest.raises(InputError, match=r"different contents, keep one: .*copy"):
        semeval(data)


def test_only_real_line_ends_end_a_line(tmp_path: Path) -> None:
    path = tmp_path / "lines.txt"
    path.write_bytes("\ufeffa\u2028b\x85\x0cc\r\nd\n\ne".encode())
    assert list(read_lines(path)) == [(1, "a\u2028b\x85\x0cc"), (2, "d"), (3, ""), (4, "e")]
    with gzip.open(tmp_path / "lines.gz", "wb") as file:
        file.write(path.read_bytes())
    assert list(read_lines(tmp_path / "lines.gz")) == list(read_lines(path))
    (tmp_path / "cut.gz").write_bytes((tmp_path / "lines.gz").read_bytes()[:-12])
    with pytest.raises(InputError, match=r"cut\.gz: cannot be read"):
        list(read_lines(tmp_path / "cut.gz"))


ROWS = [
    {"id": "a", "text": 'one, "two"', "joy": 1, "fear": 0},
    {"id": "b", "text": "three", "joy": 0, "fear": 1},
]


def write_tables(folder: Path, suffix: str) -> None:
    """Writes train and dev in one of the formats."""
    for split in ("train", "dev"):
        rows = [{**row, "id": f"{split}-{row['id']}"} for row in ROWS]
        path = folder / f"{split}-en{suffix}"
        if suffix == ".parquet":
            pq.write_table(pa.Table.from_pylist(rows), path)
        elif suffix == ".jsonl":
            path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
        elif suffix == ".tsv":
            lines = ["\t".join(map(str, row.values())) for row in rows]
            path.write_text("\n".join(["id\ttext\tjoy\tfear", *lines]), encoding="utf-8")
        else:
            quoted = [
                f'{r["id"]},"{str(r["text"]).replace(chr(34), chr(34) * 2)}",{r["joy"]},{r["fear"]}'
                for r in rows
            ]
            path.write_text("\n".join(["id,text,joy,fear", *quoted]), encoding="utf-8")


def table(suffix: str, **more: Any) -> ReaderOptions:
    paths = {split: f"{split}-{{lang}}{suffix}" for split in ("train", "dev")}
    given = {"labels": ("joy", "fear"), "id": "id"} | more
    return options(reader="table", **paths, **given)


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".parquet"])
def test_every_table_format_reads_alike(tmp_path: Path, suffix: str) -> None:
    write_tables(tmp_path, suffix)
    corpus = read_corpus(table(suffix), "en", tmp_path)
    assert corpus.labels == ("joy", "fear")
    train = corpus.splits["train"]
    assert train.ids == ["train-a", "train-b"]
    assert train.texts == ['one, "two"', "three"]
    assert train.labels.tolist() == [[1, 0], [0, 1]]


def test_a_column_may_list_the_labels(tmp_path: Path) -> None:
    (tmp_path / "train-en.csv").write_text("text,tags\na,x;z\nb,\nc, y \n", encoding="utf-8")
    (tmp_path / "dev-en.csv").write_text("text,tags\nd,z\ne,\n", encoding="utf-8")
    given = table(".csv", labels=None, id=None, label_column="tags", delimiter=";")
    corpus = read_corpus(given, "en", tmp_path)
    assert corpus.labels == ("x", "y", "z")
    assert corpus.splits["train"].labels.tolist() == [[1, 0, 1], [0, 0, 0], [0, 1, 0]]
    assert corpus.splits["dev"].ids == ["dev-1", "dev-2"]
    (tmp_path / "dev-en.csv").write_text("text,tags\nd,z\ne,q\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"dev-en\.csv, line 3: label 'q' does not occur in train"):
        read_corpus(given, "en", tmp_path)


def test_json_may_list_the_labels(tmp_path: Path) -> None:
    for split in ("train", "dev"):
        rows = [{"text": split, "tags": tags} for tags in (["x", "y"], "y", [], "", None)]
        lines = "\n".join(json.dumps(row) for row in rows)
        (tmp_path / f"{split}-en.jsonl").write_text(lines, encoding="utf-8")
    corpus = read_corpus(table(".jsonl", labels=None, id=None, label_column="tags"), "en", tmp_path)
    assert corpus.splits["dev"].labels.tolist() == [[1, 1], [0, 1], [0, 0], [0, 0], [0, 0]]


@pytest.mark.parametrize("value", [3, 0, False, 1.5, {"x": 1}, ["x", 3]])
def test_labels_that_are_no_names(tmp_path: Path, value: object) -> None:
    for split in ("train", "dev"):
        row = {"text": split, "tags": value}
        (tmp_path / f"{split}-en.jsonl").write_text(json.dumps(row), encoding="utf-8")
    with pytest.raises(InputError, match=r"train-en\.jsonl, line 1: labels are .*; expected names"):
        read_corpus(table(".jsonl", labels=None, id=None, label_column="tags"), "en", tmp_path)


@pytest.mark.parametrize(
    ("suffix", "content", "message"),
    [
        (".csv", "id,text,joy\na,b,1\n", r"en\.csv: no column 'fear'; expected it among id"),
        (".csv", "id,text,joy,fear\na,b,1\n", r"line 2: 3 columns; expected 4 as in the header"),
        (".csv", "id,text,joy,fear\na,b,1,yes\n", r"line 2: label fear is 'yes'; expected 0 or 1"),
        (".csv", 'id,text,joy,fear\na,"b"c,1,0\n', r"line 2: not CSV"),
        (".csv", "id,text,joy,fear\n", r"expected rows of text, found none"),
        (".csv", "id,text,joy,fear\na,b,1,0\na,c,1,0\n", r"line 3: id 'a' was already on line 2"),
        (".csv", "\n", r"train-en\.csv: expected rows of text, found none"),
        (".csv", "id,text,joy,joy\na,b,1,0\n", r"train-en\.csv: .* column 'joy' twice; expected e"),
        (".tsv", "\n", r"train-en\.tsv: the file holds only a blank line; expected rows"),
        (".tsv", "id\ttext\tid\na\tb\t1\n", r"train-en\.tsv: .* column 'id' twice; expected e"),
        (".jsonl", '{"id": "a"\n', r"line 1: not JSON"),
        (".jsonl", '{"id":' + "[" * 100_000 + "\n", r"line 1: not JSON"),
        (".jsonl", "[1]\n", r"line 1: expected a JSON object, found '\[1\]'"),
        (".jsonl", '{"id":"a","text":3,"joy":1,"fear":0}', r"line 1: the text is 3; expected a st"),
        (".jsonl", '{"id":"a","text":"b","joy":0.5,"fear":0}', r"label joy is 0\.5; expected 0 or"),
        (".jsonl", '{"id":"a","text":"\\ud83d","joy":1,"fear":0}', r"line 1: .* half a surrogate"),
        (".parquet", "nonsense", r"expected a Parquet file"),
        (".xls", "x", r"expected a name that ends in one of \.csv, \.tsv, \.jsonl, \.parquet"),
    ],
)
def test_a_bad_table_is_named_with_its_row(
    tmp_path: Path, suffix: str, content: str, message: str
) -> None:
    for split in ("train", "dev"):
        (tmp_path / f"{split}-en{suffix}").write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read_corpus(table(suffix), "en", tmp_path)


@pytest.mark.parametrize("name", ["train-{lang}.csv", "x" * 300 + ".csv", "x/" * 3000 + "y.csv"])
def test_a_missing_table(tmp_path: Path, name: str) -> None:
    missing = rf"no such file: .*{name.format(lang='en')[-12:]}"
    with pytest.raises(InputError, match=missing):
        read_corpus(options(reader="table", train=name, dev="b.csv"), "en", tmp_path)


TABLE = {"reader": "table", "train": "a.csv", "dev": "b.csv", "labels": ["joy"]}


@pytest.mark.parametrize("name", ["table", "mine-2.0", "año_1"])
def test_a_table_has_a_name_of_its_own(name: str) -> None:
    assert options(**TABLE, name=name).model_dump()["name"] == name


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ({"reader": "nope"}, "reader"),
        ({"reader": "sample", "trian": 3}, "trian"),
        ({"reader": "sample", "train": 0}, "train"),
        ({**TABLE, "label_column": "joy"}, "expected labels or label_column, not both"),
        ({**TABLE, "dev": None}, "expected dev: PATH, or split: {dev: 0.1} to cut them from"),
        ({**TABLE, "dev": None, "split": {"test": 0.1}}, "expected dev: PATH, or split: {dev: 0"),
        ({**TABLE, "split": {"dev": 0.1}}, "dev is a file and split.dev cuts one; expected one"),
        ({**TABLE, "test": "c.csv", "split": {"test": 0.1}}, "test is a file and split.test cuts"),
        ({**TABLE, "dev": None, "split": {"dev": 0.5, "test": 0.5}}, "dev and test take all text"),
        ({**TABLE, "dev": None, "split": {"dev": 0}}, "split.dev\n.*greater than 0"),
        ({**TABLE, "labels": ["joy", "fear", "joy"]}, "labels\\n.*named twice: joy"),
        ({**TABLE, "name": ""}, "name"),
        ({**TABLE, "name": ".."}, "name"),
        ({**TABLE, "name": "../up"}, "name"),
        ({**TABLE, "name": "a/b"}, "name"),
        ({**TABLE, "name": "mine\n"}, "name"),
        ({**TABLE, "name": "sample"}, "name\\n.*'sample' is another reader's corpus"),
        ({**TABLE, "name": "semeval2018-ec"}, "name\\n.*'semeval2018-ec' is another reader's"),
    ],
)
def test_wrong_options_name_the_key(given: dict[str, Any], key: str) -> None:
    with pytest.raises(ValidationError, match=key):
        options(**given)
