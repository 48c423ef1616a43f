"""Fetching from a real server on this machine: whole, resumed, refused, damaged, out of space."""

import hashlib
import io
import resource
import socket
import threading
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from features.errors import InputError
from features.fetch import Fetched, fetch, find_corpus, find_fetched
from features.fetch.catalogue import SEMEVAL_2018_EC, OfficialCorpus, OfficialFile
from features.fetch.extract import LARGEST

TOP = "SemEval2018-Task1-all-data"
ARCHIVE = f"{TOP}.zip"


def own_content(name: str) -> bytes:
    """Some 20 kB that do not compress, different for every name."""
    return np.random.default_rng(list(name.encode())).bytes(20_000)


NAMES = [file.name for file in SEMEVAL_2018_EC.files]
CONTENT = {name: own_content(name) for name in NAMES}


def zipped(content: Mapping[str, bytes]) -> bytes:
    """An archive that is the same for the same content."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for path, data in content.items():
            archive.writestr(zipfile.ZipInfo(path), data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def official(content: Mapping[str, bytes] = CONTENT) -> bytes:
    """The files in folders as in the official archive, among files that nobody wants."""
    folders = {"En": "English/E-c/", "Es": "Spanish/E-c/", "Ar": "Arabic/E-c/"}
    placed = {f"{TOP}/{folders.get(name[9:11], '')}{name}": data for name, data in content.items()}
    return zipped(
        {
            f"{TOP}/English/V-oc/2018-Valence-oc-En-dev.txt": b"another task",
            f"__MACOSX/{TOP}/English/E-c/._2018-E-c-En-dev.txt": b"a Mac's notes",
            **placed,
        }
    )


class Server(ThreadingHTTPServer):
    """Serves one archive, well or badly.

    Attributes:
        archive: What it serves.
        ranges: Whether it knows `Range`.
        cut: After how many bytes of an answer it hangs up.
        headers: Sent with every answer.
        asked: `Range` and `If-Range` of every request.
    """

    daemon_threads = True

    def __init__(self, archive: bytes) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.archive, self.ranges = archive, True
        self.cut: int | None = None
        self.headers = {"ETag": '"one"'}
        self.asked: list[tuple[str | None, str | None]] = []

    def handle_error(self, *_: object) -> None:
        """Says nothing of clients that hang up."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/files/{ARCHIVE}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        server = self.server
        wanted, version = self.headers["Range"], self.headers["If-Range"]
        server.asked.append((wanted, version))
        if self.path != f"/files/{ARCHIVE}":
            self.send_error(404)
            return
        body, size = server.archive, len(server.archive)
        if wanted and server.ranges and version in server.headers.values():
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            body = body[start:]
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
        else:
            self.send_response(200)
        for name, value in server.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: server.cut])

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(official()) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def corpus(server: Server) -> OfficialCorpus:
    """The catalogue's entry, with our server, and the hashes of our own files and archive."""

    def ours(file: OfficialFile) -> OfficialFile:
        known = file.sha256 is not None
        return replace(
            file, sha256=hashlib.sha256(CONTENT[file.name]).hexdigest() if known else None
        )

    return replace(
        SEMEVAL_2018_EC,
        url=server.url,
        sha256=hashlib.sha256(server.archive).hexdigest(),
        files=tuple(ours(file) for file in SEMEVAL_2018_EC.files),
    )


def got(corpus: OfficialCorpus, folder: Path) -> Fetched:
    return fetch(corpus, folder, lambda there, size: None)


def test_what_is_wanted_is_kept_and_nothing_else(corpus: OfficialCorpus, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "data with 'spaces'"
    told: list[tuple[int, int | None]] = []
    fetched = fetch(corpus, folder, lambda there, size: told.append((there, size)))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == CONTENT
    assert [path.name for path in fetched.files] == NAMES
    assert (fetched.unverified, fetched.other_archive) == ((), None)
    assert told[0][0] == 0
    assert told[-1][0] == told[-1][1]


def test_a_second_fetch_finds_what_is_there(corpus: OfficialCorpus, tmp_path: Path) -> None:
    assert find_fetched(corpus, tmp_path) is None
    got(corpus, tmp_path)
    again = find_fetched(corpus, tmp_path)
    assert again is not None
    assert [path.name for path in again.files] == NAMES
    (tmp_path / NAMES[0]).write_bytes(b"altered")
    assert find_fetched(corpus, tmp_path) is None
    got(corpus, tmp_path)
    assert (tmp_path / NAMES[0]).read_bytes() == CONTENT[NAMES[0]]


def test_what_cannot_be_verified_is_named(
    corpus: OfficialCorpus, server: Server, tmp_path: Path
) -> None:
    unhashed = tuple(file.name for file in corpus.files if file.sha256 is None)
    other = replace(corpus, sha256="0" * 64)
    fetched = got(other, tmp_path)
    assert (fetched.unverified, fetched.other_archive) == (unhashed, corpus.sha256)
    again = find_fetched(other, tmp_path)
    assert again is not None
    assert (again.unverified, again.other_archive) == (unhashed, None)
    without_readme = dict(CONTENT)
    del without_readme["readme.txt"]
    server.archive = official(without_readme)
    (tmp_path / "other").mkdir()
    fetched = got(corpus, tmp_path / "other")
    assert "readme.txt" not in [path.name for path in fetched.files]
    assert find_fetched(corpus, tmp_path / "other") is not None


def test_a_broken_transfer_is_resumed(
    corpus: OfficialCorpus, server: Server, tmp_path: Path
) -> None:
    server.cut = 100_000
    with pytest.raises(InputError, match="broke off; the same command goes on from there"):
        got(corpus, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f"{ARCHIVE}.part",
        f"{ARCHIVE}.part.json",
    ]
    there = (tmp_path / f"{ARCHIVE}.part").stat().st_size
    assert 50_000 < there <= 100_000
    server.cut = None
    got(corpus, tmp_path)
    assert server.asked == [(None, None), (f"bytes={there}-", '"one"')]
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == CONTENT


@pytest.mark.parametrize(
    ("headers", "ranges", "resumed"),
    [
        ({"ETag": '"one"'}, False, True),  # knows no ranges
        ({"ETag": 'W/"one"'}, True, False),  # names no version that promises equal bytes
        ({}, True, False),
        ({"Last-Modified": "Tue, 06 Feb 2018 10:00:00 GMT"}, True, True),
    ],
)
def test_a_resumed_transfer_never_mixes_files(
    headers: dict[str, str],
    ranges: bool,
    resumed: bool,
    corpus: OfficialCorpus,
    server: Server,
    tmp_path: Path,
) -> None:
    server.headers, server.ranges, server.cut = headers, ranges, 100_000
    with pytest.raises(InputError, match="broke off"):
        got(corpus, tmp_path)
    server.cut = None
    got(corpus, tmp_path)
    assert (server.asked[1][0] is not None) == resumed
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == CONTENT


def test_an_archive_that_changed_meanwhile_is_taken_anew(
    corpus: OfficialCorpus, server: Server, tmp_path: Path
) -> None:
    server.cut = 100_000
    with pytest.raises(InputError, match="broke off"):
        got(corpus, tmp_path)
    server.cut, server.headers = None, {"ETag": '"two"'}
    server.archive = official(dict(reversed(CONTENT.items())))  # the same files, other bytes
    assert got(corpus, tmp_path).unverified  # it is not the archive whose hash is known
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == CONTENT


def refused(corpus: OfficialCorpus, folder: Path, message: str) -> None:
    """Fetching fails with one line and leaves nothing behind."""
    with pytest.raises(InputError, match=message) as caught:
        got(corpus, folder)
    assert "\n" not in str(caught.value)
    assert list(folder.iterdir()) == []


def test_a_page_that_is_gone(corpus: OfficialCorpus, tmp_path: Path) -> None:
    gone = replace(corpus, url=corpus.url.replace("files", "moved"))
    refused(gone, tmp_path, r"moved/.*: the server answers 404 \(Not Found\)")


def test_nobody_answers(corpus: OfficialCorpus, tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    unreachable = replace(corpus, url=f"http://127.0.0.1:{port}/x.zip")
    refused(unreachable, tmp_path, r"x\.zip: no connection \(Connection refused\)")
    refused(replace(corpus, url="nonsense"), tmp_path, r"nonsense: no connection \(MissingSchema\)")
    with pytest.raises(InputError, match="no connection"):
        got(unreachable, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_what_came_is_no_archive(corpus: OfficialCorpus, server: Server, tmp_path: Path) -> None:
    server.archive = b"<html>This page has moved</html>"
    refused(corpus, tmp_path, r"the archive is damaged \(File is not a zip file\); nothing of it")


@pytest.mark.parametrize("place", [0.1, 0.5, 0.9])
def test_a_damaged_archive(
    place: float, corpus: OfficialCorpus, server: Server, tmp_path: Path
) -> None:
    bytes_ = bytearray(server.archive)
    bytes_[int(place * len(bytes_))] ^= 0xFF
    server.archive = bytes(bytes_)
    refused(corpus, tmp_path, "the archive is damaged")


def test_another_file_by_the_same_name(
    corpus: OfficialCorpus, server: Server, tmp_path: Path
) -> None:
    server.archive = official(CONTENT | {"2018-E-c-Es-dev.txt": b"something else"})
    refused(corpus, tmp_path, r"2018-E-c-Es-dev\.txt in the archive has sha256 .*; expected")


def test_a_file_is_missing(corpus: OfficialCorpus, server: Server, tmp_path: Path) -> None:
    server.archive = official({"2018-E-c-En-train.txt": CONTENT["2018-E-c-En-train.txt"]})
    refused(corpus, tmp_path, r"the archive holds no 2018-E-c-En-dev\.txt")


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Lets no file of this process grow beyond a size: writing fails as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_no_room_for_the_archive(corpus: OfficialCorpus, server: Server, tmp_path: Path) -> None:
    with (
        largest_file(50_000),
        pytest.raises(InputError, match=r"cannot be written \(File too large\)"),
    ):
        got(corpus, tmp_path)
    assert not list(tmp_path.glob("*.txt"))
    got(corpus, tmp_path)
    assert server.asked[1][0] == "bytes=50000-"  # what had room is kept
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == CONTENT


def test_no_room_for_a_file(corpus: OfficialCorpus, server: Server, tmp_path: Path) -> None:
    large = CONTENT | {"2018-E-c-Ar-test-gold.txt": bytes(5_000_000)}  # packs to nearly nothing
    server.archive = official(large)
    with (
        largest_file(1_000_000),
        pytest.raises(InputError, match=r"cannot be written \(File too large\)"),
    ):
        got(corpus, tmp_path)
    assert [path.name for path in sorted(tmp_path.iterdir())] == [
        f"{ARCHIVE}.part",
        f"{ARCHIVE}.part.json",
    ]
    got(corpus, tmp_path)
    assert len(server.asked) == 1  # the archive was whole already
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == large


def test_an_interrupt_leaves_no_half_file(
    corpus: OfficialCorpus, server: Server, tmp_path: Path
) -> None:
    def interrupt(there: int, size: int | None) -> None:
        if there > 100_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(corpus, tmp_path, interrupt)
    assert not list(tmp_path.glob("*.txt"))
    got(corpus, tmp_path)
    assert server.asked[1][0] is not None
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == CONTENT


def test_a_folder_that_cannot_be(corpus: OfficialCorpus, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"file/x: cannot be written \(Not a directory\)"):
        got(corpus, tmp_path / "file" / "x")


def test_a_corpus_that_is_not_known() -> None:
    with pytest.raises(InputError, match=r"'semeval' cannot be fetched; expected .*semeval2018-ec"):
        find_corpus("semeval")


def test_a_file_that_would_fill_the_memory(
    corpus: OfficialCorpus, server: Server, tmp_path: Path
) -> None:
    server.archive = official(CONTENT | {"readme.txt": bytes(LARGEST + 1)})
    refused(corpus, tmp_path, r"readme\.txt in the archive has 67108865 bytes; expected at most")


def test_names_of_the_archive_never_become_paths(
    corpus: OfficialCorpus, server: Server, tmp_path: Path
) -> None:
    name = "2018-E-c-En-train.txt"
    wicked = {f"../../{name}": CONTENT[name], f"/{name}.x": b"x", "../outside.txt": b"x"}
    rest = {path: data for path, data in CONTENT.items() if path != name}
    server.archive = zipped(wicked | rest)
    got(corpus, tmp_path / "a" / "b")
    found = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert found == {f"a/b/{name}" for name in NAMES}
