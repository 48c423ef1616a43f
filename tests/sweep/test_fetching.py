"""`softsweep fetch` as typed: the terms, the question, what is said, the exit status."""

import functools
import hashlib
import os
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import HTTPServer, SimpleHTTPRequestHandler
from pathlib import Path

import pytest

from features.fetch.catalogue import CORPORA, SEMEVAL_2018_EC

Fetch = Callable[..., tuple[int, str]]


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An archive of our own behind the catalogue's name, on a server of this machine."""
    folder = tmp_path / "served"
    folder.mkdir()
    with zipfile.ZipFile(folder / "all.zip", "w") as archive:
        for file in SEMEVAL_2018_EC.files:
            archive.writestr(f"all/E-c/{file.name}", f"our own {file.name}")
    server = HTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    corpus = replace(
        SEMEVAL_2018_EC,
        url=f"http://127.0.0.1:{server.server_address[1]}/all.zip",
        sha256=hashlib.sha256((folder / "all.zip").read_bytes()).hexdigest(),
        files=tuple(replace(file, sha256=None) for file in SEMEVAL_2018_EC.files),
    )
    monkeypatch.setitem(CORPORA, corpus.name, corpus)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield folder
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def fetch(
    served: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    softsweep: Callable[..., tuple[int, str, str]],
) -> Fetch:
    """Runs the command in this process: exit status and standard error."""

    def run(*arguments: object, answer: str | None = None) -> tuple[int, str]:
        master, slave = os.openpty()
        with open(slave) as terminal, open(os.devnull) as nothing, open(master, "w") as typist:
            if answer is not None:
                typist.write(f"{answer}\n")
                typist.flush()
            monkeypatch.setattr(sys, "stdin", nothing if answer is None else terminal)
            status, out, err = softsweep("fetch", *arguments)
        assert out.strip() == ""  # a prompt ends with a space there
        return status, err

    return run


def test_terms_are_shown_and_accepted_by_an_option(fetch: Fetch, tmp_path: Path) -> None:
    status, err = fetch("semeval2018-ec", tmp_path / "data", "--accept-terms")
    assert status == 0
    assert "Mohammad, Bravo-Marquez, Salameh and Kiritchenko (2018)" in err
    assert "The terms in full: https://competitions.codalab.org/competitions/17751" in err
    folder = tmp_path / "data" / "semeval2018-ec"
    assert err.splitlines()[-1] == (
        f"10 files in {folder}, all verified by sha256, their own or the archive's"
    )
    assert (folder / "2018-E-c-Es-dev.txt").read_text() == "our own 2018-E-c-Es-dev.txt"


def test_a_second_time_nothing_is_asked_and_nothing_downloaded(
    fetch: Fetch, served: Path, tmp_path: Path
) -> None:
    fetch("semeval2018-ec", tmp_path / "data", "--accept-terms")
    (served / "all.zip").unlink()
    status, err = fetch("semeval2018-ec", tmp_path / "data")
    assert status == 0
    assert err.startswith("nothing to download: 10 files in ")
    assert err.count("\n") == 1
    assert ", verified by sha256 except 2018-E-c-En-train.txt, " in err
    assert err.endswith(" (not checked again: only the archive's sha256 vouches for these)\n")


def test_another_archive_than_the_one_recorded_is_told(
    fetch: Fetch, served: Path, tmp_path: Path
) -> None:
    recorded = CORPORA["semeval2018-ec"].sha256
    with zipfile.ZipFile(served / "all.zip", "a") as archive:
        archive.writestr("all/new.txt", "another file")
    other = hashlib.sha256((served / "all.zip").read_bytes()).hexdigest()
    status, err = fetch("semeval2018-ec", tmp_path / "data", "--accept-terms")
    assert status == 0
    assert ", verified by sha256 except 2018-E-c-En-train.txt, " in err
    assert err.endswith(
        "readme.txt; the archive is not the one recorded "
        f"(sha256 {other[:12]}... instead of {recorded[:12]}...)\n"
    )


def test_on_a_terminal_the_user_is_asked(fetch: Fetch, tmp_path: Path) -> None:
    status, err = fetch("semeval2018-ec", tmp_path / "data", answer="n")
    assert status == 2
    assert "Do you accept these terms? [y/N]:" in err
    assert "softsweep: the terms of semeval2018-ec are not accepted; nothing was down" in err
    assert not (tmp_path / "data").exists()
    status, err = fetch("semeval2018-ec", tmp_path / "data", answer="y")
    assert status == 0
    assert len(list((tmp_path / "data" / "semeval2018-ec").iterdir())) == 10


def test_without_a_terminal_the_terms_are_not_accepted(fetch: Fetch, tmp_path: Path) -> None:
    status, err = fetch("semeval2018-ec", tmp_path / "data")
    assert status == 2
    assert "then give --accept-terms" in err.splitlines()[-1]
    assert not (tmp_path / "data").exists()


def test_what_cannot_be_had_is_one_sentence(fetch: Fetch, served: Path, tmp_path: Path) -> None:
    (served / "all.zip").unlink()
    status, err = fetch("semeval2018-ec", tmp_path / "data", "--accept-terms")
    assert status == 2
    assert err.splitlines()[-1].startswith("softsweep: http://127.0.0.1")
    assert err.splitlines()[-1].endswith("all.zip: the server answers 404 (File not found)")
    status, err = fetch("semeval", tmp_path / "data")
    assert status == 2
    assert err == "softsweep: 'semeval' cannot be fetched; expected one of semeval2018-ec\n"
