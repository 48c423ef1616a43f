"""What lies in a cache can be listed, and what is of no more use goes; nothing else does."""

import json
import os
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from filelock import FileLock, Timeout

from features import Features, FeatureSpec, InputError, build, find, inputs, skipgram, stored
from features.content import lock_of, written_whole
from features.pruning import Pruned, prune
from features.stored import Stored, list_entries

Ask = Callable[..., FeatureSpec]

SKIPGRAM = {"kind": "skipgram", "dimension": 4, "epochs": 1, "min_count": 1, "workers": 1}
KEY = "0123456789abcdef" * 4


def everything(entry: Stored) -> bool:
    return True


def nothing(entry: Stored) -> bool:
    return False


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*")}


@pytest.fixture
def cache(tmp_path: Path, built: Features) -> Path:
    """Holds one entry of features."""
    return built.path.parent


@pytest.fixture
def trained(spec: Ask, data: Path, cache: Path) -> Features:
    """Adds vectors, and features made from them."""
    return build(spec(vectors=SKIPGRAM), data, cache)


def test_entries_are_listed_last_used_first(
    spec: Ask, data: Path, cache: Path, built: Features, trained: Features
) -> None:
    os.utime(trained.path, (0, 0))
    newest, middle, oldest = sorted(
        list_entries(cache), key=lambda e: (e.folder == trained.path, not e.vectors)
    )
    os.utime(newest.folder, (2e9, 2e9))
    assert list_entries(cache)[0].folder == newest.folder
    assert list_entries(cache)[2] == oldest
    assert (middle.folder, middle.vectors, middle.subject) == (built.path, False, built.corpus)
    assert (middle.language, middle.d, middle.v) == ("en", 3, 1)
    assert middle.words == len(built.words())
    assert middle.bytes == sum(path.stat().st_size for path in built.path.iterdir())
    assert middle.built is not None
    assert abs((datetime.now(UTC) - middle.built).total_seconds()) < 60
    assert oldest.used == datetime.fromtimestamp(0, UTC)
    assert (newest.vectors, newest.subject) == (True, "tweets/{lang}*.txt*")
    assert (newest.language, newest.d, newest.v, newest.words) == ("en", 4, None, 4)
    assert {entry.state for entry in list_entries(cache)} == {"ok"}


def test_a_damaged_entry_is_listed_as_such(cache: Path, built: Features) -> None:
    (built.path / "manifest.json").write_text("{", encoding="utf-8")
    entry = list_entries(cache)[0]
    assert (entry.state, entry.subject, entry.words, entry.built) == ("damaged", "", None, None)
    assert entry.bytes > 0


def test_entries_of_the_time_before_checksums_are_old(cache: Path, built: Features) -> None:
    manifest = json.loads((built.path / "manifest.json").read_text(encoding="utf-8"))
    del manifest["checksum"]
    (built.path / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    (entry,) = list_entries(cache)
    assert (entry.state, entry.subject, entry.built) == ("old", built.corpus, None)


def test_vectors_are_in_use_where_features_made_of_them_are(
    spec: Ask, data: Path, cache: Path, trained: Features
) -> None:
    (vectors,) = (entry.folder for entry in list_entries(cache) if entry.vectors)
    os.utime(vectors, (0, 0))
    build(spec(vectors=SKIPGRAM), data, cache)
    assert vectors.stat().st_mtime > 0


def test_a_cache_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert list_entries(tmp_path / "absent") == []
    assert prune(tmp_path / "absent", nothing) == Pruned()
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(InputError, match="file: expected a cache folder"):
        list_entries(tmp_path / "file")
    with pytest.raises(InputError, match="file: the cache cannot be pruned"):
        prune(tmp_path / "file", nothing)


def test_by_default_nothing_that_can_be_found_goes(
    spec: Ask, data: Path, cache: Path, trained: Features
) -> None:
    before = names(cache)
    assert prune(cache, everything) == Pruned()
    assert names(cache) == before
    assert find(spec(vectors=SKIPGRAM), data, cache) == trained


@pytest.mark.parametrize(
    ("rule", "gone"),
    [("text_rules", 3), ("feature_rules", 2), ("emoji", 3), ("gensim", 2), ("numpy", 0)],
)
def test_entries_of_other_rules_go_as_the_key_has_it(
    spec: Ask,
    data: Path,
    cache: Path,
    trained: Features,
    monkeypatch: pytest.MonkeyPatch,
    rule: str,
    gone: int,
) -> None:
    for module in (inputs, skipgram, stored):
        if hasattr(module, rule.upper()):
            monkeypatch.setattr(module, rule.upper(), "other")
        version = module.version
        monkeypatch.setattr(
            module, "version", lambda name, of=version: "0" if name == rule else of(name)
        )
    states = [entry.state for entry in list_entries(cache)]
    assert states.count("old") == gone
    lost = find(spec(vectors=SKIPGRAM), data, cache) is None
    assert lost == (rule != "numpy")
    pruned = prune(cache, everything)
    assert len(pruned.entries) == gone
    assert len(list_entries(cache)) == 3 - gone


def test_what_nobody_finds_again_goes(cache: Path, built: Features) -> None:
    os.truncate(built.path / "words.arrow", 10)
    leftover = cache / f".vectors-{KEY}-abcd_123"
    (leftover / "tmp").mkdir(parents=True)
    (leftover / "tmp" / "sentences.txt").write_text("half", encoding="utf-8")
    (cache / f"{KEY}.lock").touch()
    size = sum(path.stat().st_size for path in built.path.iterdir()) + 4
    would = prune(cache, everything, dry_run=True)
    assert built.path.is_dir()
    assert leftover.is_dir()
    did = prune(cache, everything)
    for pruned in (would, did):
        assert [entry.folder for entry in pruned.entries] == [built.path]
        assert (pruned.leftovers, pruned.locks, pruned.building) == (1, 1, 0)
        assert pruned.bytes == size
    assert names(cache) == set()


def test_what_is_not_the_caches_own_stays(cache: Path, built: Features) -> None:
    theirs = ["notes.txt", f"{KEY}.txt", ".hidden-abcdefgh", "vectors-old.lock", f".{KEY}"]
    for name in theirs:
        (cache / name).write_text("mine", encoding="utf-8")
    for folder in ("vectors-mine", f"{KEY}x", KEY):
        (cache / folder).mkdir()
        (cache / folder / "diff").write_text("mine", encoding="utf-8")
    before = names(cache) - {*names(built.path), built.key, f"{built.key}.lock"}
    pruned = prune(cache, nothing)
    assert len(pruned.entries) == 1
    assert names(cache) == before


def test_what_is_being_built_stays(cache: Path, built: Features) -> None:
    new = cache / KEY
    with written_whole(new) as folder:
        assert folder is not None
        (folder / "manifest.json").write_text("{}", encoding="utf-8")
        for dry_run in (True, False):
            pruned = prune(cache, everything, dry_run)
            assert (pruned.building, pruned.leftovers, pruned.locks) == (1, 0, 0)
    assert (new / "manifest.json").is_file()
    with FileLock(lock_of(built.path)):
        pruned = prune(cache, nothing)
        assert (pruned.building, [e.folder for e in pruned.entries]) == (1, [new])
    assert built.path.is_dir()


def test_those_not_to_be_kept_go_and_others_stay(
    cache: Path, built: Features, trained: Features
) -> None:
    pruned = prune(cache, lambda entry: entry.vectors)
    assert {entry.folder for entry in pruned.entries} == {built.path, trained.path}
    assert [entry.vectors for entry in list_entries(cache)] == [True]
    assert not lock_of(built.path).exists()


def test_looking_writes_nothing(cache: Path, built: Features) -> None:
    lock_of(built.path).unlink()
    os.utime(cache, (0, 0))
    assert len(prune(cache, nothing, dry_run=True).entries) == 1
    assert cache.stat().st_mtime == 0


def test_a_lock_whose_file_goes_while_one_waits_still_excludes(cache: Path) -> None:
    file = lock_of(cache / KEY)
    waiting = FileLock(file, thread_local=False)
    with FileLock(file):
        waiter = threading.Thread(target=waiting.acquire)
        waiter.start()
        time.sleep(0.2)
        file.unlink()  # as `prune` does
    waiter.join()
    with pytest.raises(Timeout):
        FileLock(file, timeout=0).acquire()
    waiting.release()
