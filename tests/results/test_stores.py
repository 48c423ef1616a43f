"""Stores: whole files, what fails for a while, and what is wrong in one sentence."""

import socket
import time
import uuid
from pathlib import Path
from typing import Any

import pytest

from results import RecordError, stores
from results.errors import RecordWarning
from results.places import masked
from results.stores import Store, child, is_uri


@pytest.fixture(params=["file", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """An empty folder of a store."""
    if request.param == "file":
        return Store(f"file://{tmp_path}/store")
    return Store(f"s3://bucket/{uuid.uuid4().hex}{request.getfixturevalue('s3')}")


def test_files_come_back_as_they_went(store: Store, tmp_path: Path) -> None:
    assert store.list() == {}
    content = {"a.txt": b"", "deep/er/b": bytes(range(256)) * 30_000, "ä b+c%20.txt": b"x"}
    for name, data in content.items():
        (tmp_path / "here").write_bytes(data)
        store.put(name, tmp_path / "here")
    assert {name: item.size for name, item in store.list().items()} == {
        name: len(data) for name, data in content.items()
    }
    assert list(store.list("deep")) == ["deep/er/b"]
    for name, data in content.items():
        assert store.read(name) == data
        assert store.get(name, tmp_path / "there" / "file")
        assert (tmp_path / "there" / "file").read_bytes() == data
    assert [path.name for path in (tmp_path / "there").iterdir()] == ["file"]


def test_what_is_not_there_is_no_error(store: Store, tmp_path: Path) -> None:
    assert store.read("none") is None
    assert store.info("none") is None
    assert not store.get("none", tmp_path / "none")
    store.delete("none")
    assert not (tmp_path / "none").exists()
    with pytest.raises(FileNotFoundError):
        store.put("none", tmp_path / "none")


def test_a_file_is_replaced_and_deleted(store: Store) -> None:
    store.write("a", b"one")
    store.write("a", b"other")
    info = store.info("a")
    assert info is not None
    assert info.size == 5
    store.delete("a")
    assert store.list() == {}


def test_uris() -> None:
    assert is_uri("s3://b/p")
    assert is_uri("file:///tmp")
    assert not is_uri("runs/s3://b")
    assert not is_uri("C:/runs")
    assert child("s3://b/p/?scheme=http", "x/y") == "s3://b/p/x/y?scheme=http"
    assert masked("s3://KEY:SE%2FCRET@b/p?scheme=http") == "s3://***@b/p?scheme=http"
    assert masked("s3://b/p@q") == "s3://b/p@q"


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("s3://KEY:SECRET@b/x?region=r&secret=1", r"s3://\*\*\*@b/x.*Unexpected query parameter"),
        ("s5://bucket/x", "s5://bucket/x: .*Unrecognized filesystem type.*gs://BUCKET/FOLDER"),
        ("s3://KEY:SECRET@b c/x", r"s3://\*\*\*@b c/x: cannot be listed"),
    ],
)
def test_a_uri_that_is_none_is_one_sentence_without_secrets(uri: str, said: str) -> None:
    with pytest.raises(RecordError, match=said) as caught:
        Store(uri).list()
    assert "SECRET" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_bucket_is_one_sentence(s3: str, tmp_path: Path) -> None:
    store = Store(f"s3://nowhere/run{s3}")
    for ask in (store.list, lambda: store.write("a", b"1")):
        with pytest.raises(RecordError, match=r"s3://nowhere/run.* no such bucket: make it"):
            ask()


@pytest.mark.slow
def test_what_fails_for_a_while_is_tried_again(
    forwarder: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    say = stores._say

    def mend(sentence: str) -> None:
        say(sentence)
        forwarder.pass_on()

    monkeypatch.setattr(stores, "_say", mend)
    store = Store(
        f"s3://bucket/{uuid.uuid4().hex}?endpoint_override=127.0.0.1:{forwarder.port}&scheme=http"
    )
    store.write("before", b"1")
    forwarder.refuse()
    with pytest.warns(RecordWarning, match=r"cannot be written \(.*trying again"):
        store.write("meanwhile", b"22")
    assert {name: item.size for name, item in store.list().items()} == {"before": 1, "meanwhile": 2}


@pytest.mark.slow
def test_patience_ends_in_one_sentence(forwarder: Any) -> None:
    uri = f"s3://bucket/x?endpoint_override=127.0.0.1:{forwarder.port}&scheme=http"
    forwarder.refuse()
    with pytest.raises(
        RecordError, match=r"tried for \d+ s: .*can be reached.*run again"
    ) as caught:
        Store(uri, patience=1.0).read("a")
    assert "\n" not in str(caught.value)


def test_a_server_that_takes_calls_and_never_answers_is_left_soon(
    s3: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("results.stores._ANSWER", 1.0)  # whole seconds
    with socket.create_server(("127.0.0.1", 0)) as silent:
        uri = f"s3://bucket/x?endpoint_override=127.0.0.1:{silent.getsockname()[1]}&scheme=http"
        began = time.monotonic()
        with pytest.raises(RecordError, match="cannot be read"):
            Store(uri, patience=0.0).read("a")
    assert time.monotonic() - began < 10


def test_what_cannot_be_read_here_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="cannot be read"):
        Store(f"file://{tmp_path}").put("a", tmp_path)


def test_of_several_files_one_that_fails_ends_all(tmp_path: Path) -> None:
    store = Store(f"file://{tmp_path}")
    begun = []

    def fail(name: str) -> None:
        begun.append(name)
        raise RecordError(name)

    with pytest.raises(RecordError):
        store.together(fail, map(str, range(1000)))
    assert len(begun) < 1000
