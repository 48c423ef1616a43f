"""An entry is whole, as it was written, and written by one: or it is built again."""

import errno
import multiprocessing
import os
import queue
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from features import Features, FeatureSpec, InputError, build, find, open_features
from features.content import written_whole

Ask = Callable[..., FeatureSpec]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def alter(path: Path) -> None:
    """Changes one byte of a file, and not its size."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def another_n(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert '"n": 8,' in text
    path.write_text(text.replace('"n": 8,', '"n": 9,'), encoding="utf-8")


def not_a_mapping(path: Path) -> None:
    path.write_text("[]", encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "damage", "said"),
    [
        ("words.arrow", alter, "other bytes than were written"),
        ("words.arrow", Path.unlink, "expected an entry of the feature cache"),
        ("examples.parquet", alter, "other bytes than were written"),
        ("examples.parquet", truncate, r"\d+ bytes; expected \d+"),
        ("manifest.json", another_n, "is not as it was written"),
        ("manifest.json", alter, "manifest"),
        ("manifest.json", empty, "expected an entry of the feature cache"),
        ("manifest.json", not_a_mapping, "expected an entry of the feature cache"),
        ("manifest.json", Path.unlink, "expected an entry of the feature cache"),
    ],
)
def test_what_is_damaged_is_built_again_with_one_line_said(
    spec: Ask,
    data: Path,
    tmp_path: Path,
    built: Features,
    name: str,
    damage: Callable[[Path], None],
    said: str,
) -> None:
    before = contents(built.path)
    damage(built.path / name)
    lines: list[str] = []
    assert find(spec(), data, tmp_path / "cache", lines.append) is None
    assert build(spec(), data, tmp_path / "cache", say=lines.append) == built
    assert contents(built.path) == before
    assert lines[0] == lines[1]
    assert re.search(said, lines[0])
    assert str(built.path) in lines[0]
    assert "has to be built again" in lines[0]
    assert find(spec(), data, tmp_path / "cache", lines.append) == built
    assert build(spec(), data, tmp_path / "cache", say=lines.append) == built
    assert len(lines) == 2
    assert {path.suffix for path in (tmp_path / "cache").iterdir()} == {"", ".lock"}


def test_an_entry_under_another_name_is_none(
    spec: Ask, data: Path, tmp_path: Path, built: Features
) -> None:
    other = build(spec(lexicons=[]), data, tmp_path / "cache")
    shutil.rmtree(built.path)
    shutil.copytree(other.path, built.path)
    lines: list[str] = []
    assert build(spec(), data, tmp_path / "cache", say=lines.append) == built
    assert lines[0].startswith(f"{built.path / 'manifest.json'}: is not as it was written")


def test_who_hears_nothing_is_warned(
    spec: Ask, data: Path, tmp_path: Path, built: Features
) -> None:
    alter(built.path / "words.arrow")
    with pytest.warns(UserWarning, match=r"words\.arrow: other bytes than were written"):
        build(spec(), data, tmp_path / "cache")


def test_who_has_the_entry_mapped_keeps_it(
    spec: Ask, data: Path, tmp_path: Path, built: Features
) -> None:
    mapped = built.vectors()
    before = mapped.copy()
    truncate(built.path / "examples.parquet")
    build(spec(), data, tmp_path / "cache", say=list[str]().append)
    np.testing.assert_array_equal(mapped, before)
    assert built.split("dev").ids == ["d1", "d2", "d3", "d4", "d5"]


def test_using_an_entry_sets_its_time_where_that_can_be_done(
    spec: Ask, data: Path, tmp_path: Path, built: Features, monkeypatch: pytest.MonkeyPatch
) -> None:
    for use in (build, find):
        os.utime(built.path, (0, 0))
        use(spec(), data, tmp_path / "cache")
        assert time.time() - built.path.stat().st_mtime < 60

    def refuse(path: Path) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(os, "utime", refuse)
    assert find(spec(), data, tmp_path / "cache") == built


SKIPGRAM = {"kind": "skipgram", "dimension": 4, "epochs": 1, "min_count": 1, "workers": 1}


@pytest.mark.parametrize("damage", [alter, truncate])
def test_damaged_vectors_are_trained_again_with_one_line_said(
    spec: Ask, data: Path, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    cache = tmp_path / "cache"
    first = build(spec(vectors=SKIPGRAM), data, cache)
    vectors = next(cache.glob("vectors-*/vectors.arrow"))
    before = vectors.read_bytes()
    damage(vectors)
    lines: list[str] = []
    assert build(spec(vectors=SKIPGRAM), data, cache, say=lines.append) == first  # needs them not
    assert lines == []
    build(spec(vectors=SKIPGRAM, lexicons=[]), data, cache, say=lines.append)
    assert len(lines) == 1
    assert lines[0].startswith(str(vectors))
    assert "several threads" not in lines[0]
    assert vectors.read_bytes() == before


def test_vectors_of_several_threads_are_said_to_differ(
    spec: Ask, data: Path, tmp_path: Path
) -> None:
    recipe = SKIPGRAM | {"workers": 2}
    build(spec(vectors=recipe), data, tmp_path)
    alter(next(tmp_path.glob("vectors-*/vectors.arrow")))
    lines: list[str] = []
    build(spec(vectors=recipe, lexicons=[]), data, tmp_path, say=lines.append)
    assert len(lines) == 1
    assert "several threads never train the same vectors twice" in lines[0]


def test_a_damaged_entry(built: Features, tmp_path: Path) -> None:
    words = built.path / "words.arrow"
    words.write_bytes(words.read_bytes()[:-1])
    with pytest.raises(InputError, match=r"words\.arrow: \d+ bytes; expected \d+: the entry is da"):
        open_features(built.path)
    (built.path / "manifest.json").write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match="expected an entry of the feature cache"):
        open_features(built.path)
    with pytest.raises(InputError, match="expected an entry of the feature cache"):
        open_features(tmp_path / "absent")


def test_a_failed_build_leaves_nothing(spec: Ask, data: Path, tmp_path: Path) -> None:
    (data / "vectors.txt").write_text("a 1 nan\n", encoding="utf-8")
    with pytest.raises(InputError, match="not finite"):
        build(spec(), data, tmp_path / "cache")
    assert [path for path in (tmp_path / "cache").iterdir() if path.is_dir()] == []


def test_what_a_killed_builder_left_is_removed(
    spec: Ask, data: Path, tmp_path: Path, built: Features
) -> None:
    other = tmp_path / "other"
    stale = other / f".{built.key}-killed"
    stale.mkdir(parents=True)
    (stale / "words.arrow").write_text("half", encoding="utf-8")
    assert build(spec(), data, other).sha256 == built.sha256
    assert not stale.exists()


def test_a_cache_that_cannot_be_written(spec: Ask, data: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder", encoding="utf-8")
    with pytest.raises(InputError, match="file: the cache cannot be written"):
        build(spec(), data, tmp_path / "file")


def on_a_full_disk(spec: FeatureSpec, data: Path, cache: Path) -> str:
    """What a process that builds says at its end, which may write no file beyond 500 bytes."""
    code = (
        "import resource, sys; from pathlib import Path; from features import *;"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500));"
        "spec = FeatureSpec.model_validate_json(sys.argv[1]);"
        "build(spec, Path(sys.argv[2]), Path(sys.argv[3]))"
    )
    arguments = [spec.model_dump_json(), str(data), str(cache)]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stderr


@pytest.mark.slow
def test_a_full_disk_is_said_and_leaves_nothing(spec: Ask, data: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    said = on_a_full_disk(spec(), data, cache)
    assert "InputError" in said
    assert "cache: the cache cannot be written" in said
    assert [path for path in cache.iterdir() if path.is_dir()] == []


@pytest.mark.slow
def test_a_full_disk_leaves_a_damaged_entry_to_be_built_later(
    spec: Ask, data: Path, tmp_path: Path, built: Features
) -> None:
    alter(built.path / "words.arrow")
    before = contents(built.path)
    said = on_a_full_disk(spec(), data, tmp_path / "cache")
    assert "words.arrow: other bytes than were written" in said
    assert "cache: the cache cannot be written" in said
    assert contents(built.path) == before
    assert [path for path in (tmp_path / "cache").iterdir() if path.is_dir()] == [built.path]
    assert build(spec(), data, tmp_path / "cache", say=list[str]().append) == built
    assert contents(built.path) != before


def _enter(folder: Path, results: Any) -> None:
    with written_whole(folder) as new:
        results.put(new is not None)
        if new is not None:
            (new / "content").write_text("whole", encoding="utf-8")
            (new / "manifest.json").write_text("{}", encoding="utf-8")


@pytest.mark.slow
def test_of_concurrent_builders_one_writes(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    results: Any = context.Queue()
    workers = [context.Process(target=_enter, args=(tmp_path / "k", results)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(results.get() for _ in workers) == [False, False, True]
    assert (tmp_path / "k" / "content").read_text(encoding="utf-8") == "whole"


def _build(spec: str, data: Path, cache: Path, results: Any) -> None:
    lines: list[str] = []
    features = build(FeatureSpec.model_validate_json(spec), data, cache, say=lines.append)
    results.put((features.sha256, lines))


def _build_until_killed(spec: str, data: Path, cache: Path, results: Any) -> None:
    def report(step: str, fraction: float) -> None:
        if step == "writing features" and fraction == 1.0:  # all is written, nothing is named yet
            results.put("half")
            time.sleep(100)

    build(FeatureSpec.model_validate_json(spec), data, cache, report)


@pytest.mark.slow
def test_of_builders_that_notice_damage_at_once_one_builds(
    spec: Ask, data: Path, tmp_path: Path, built: Features
) -> None:
    alter(built.path / "words.arrow")
    context = multiprocessing.get_context("spawn")
    results: Any = context.Queue()
    given = (spec().model_dump_json(), data, tmp_path / "cache", results)
    workers = [context.Process(target=_build, args=given) for _ in range(3)]
    for worker in workers:
        worker.start()
    found = [results.get(timeout=60) for _ in workers]
    for worker in workers:
        worker.join()
    assert {sha for sha, _ in found} == {built.sha256}
    assert sum(len(lines) for _, lines in found) == 1


@pytest.mark.slow
def test_a_builder_that_is_killed_leaves_the_work_to_the_one_who_waits(
    spec: Ask, data: Path, tmp_path: Path, built: Features
) -> None:
    cache = tmp_path / "other"
    context = multiprocessing.get_context("spawn")
    results: Any = context.Queue()
    given = (spec().model_dump_json(), data, cache, results)
    first = context.Process(target=_build_until_killed, args=given)
    first.start()
    assert results.get(timeout=60) == "half"
    second = context.Process(target=_build, args=given)
    second.start()
    with pytest.raises(queue.Empty):
        results.get(timeout=3)  # it waits
    first.kill()
    assert results.get(timeout=60) == (built.sha256, [])
    for worker in (first, second):
        worker.join()
    assert [path for path in cache.iterdir() if path.is_dir()] == [cache / built.key]
