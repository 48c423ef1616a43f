"""Any archive, however made or damaged: the wanted files whole, or nothing."""

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.errors import InputError
from features.fetch.catalogue import OfficialFile
from features.fetch.extract import extract


def zipped(content: Mapping[str, bytes]) -> bytes:
    """An archive that is the same for the same content."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for path, data in content.items():
            archive.writestr(zipfile.ZipInfo(path), data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def test_of_several_files_of_a_name_the_outermost_is_taken(tmp_path: Path) -> None:
    archive = tmp_path / "x.zip"
    archive.write_bytes(zipped({"a/b/ReadMe.TXT": b"deep", "a/README.txt": b"outer"}))
    extract(archive, [OfficialFile("readme.txt")], tmp_path)
    assert (tmp_path / "readme.txt").read_bytes() == b"outer"


WICKED = st.text(st.sampled_from("./\\:aC~ \0"), max_size=12)


@settings(max_examples=30, deadline=None)
@given(before=WICKED, after=WICKED)
def test_no_name_leads_outside(
    before: str, after: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = tmp_path_factory.mktemp("zip")
    inside = root / "in"
    inside.mkdir()
    archive = root / "x.zip"
    archive.write_bytes(zipped({f"{before}/../..//{after}": b"x", "top/wanted.txt": b"good"}))
    extract(archive, [OfficialFile("wanted.txt")], inside)
    found = {path.relative_to(root) for path in root.rglob("*") if path.is_file()}
    assert found == {Path("x.zip"), Path("in/wanted.txt")}


SMALL = {f"top/{name}": name.encode() * 9 for name in ("one.txt", "two.txt")}
DAMAGE = st.lists(st.tuples(st.integers(0, len(zipped(SMALL)) - 1), st.integers(0, 255)))


@settings(max_examples=100, deadline=None)
@given(damage=DAMAGE, length=st.integers(0, len(zipped(SMALL))))
def test_a_damaged_archive_gives_the_files_or_nothing(
    damage: list[tuple[int, int]], length: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    altered = bytearray(zipped(SMALL))
    for place, byte in damage:
        altered[place] = byte
    archive = folder / "x.zip"
    archive.write_bytes(altered if length % 2 else altered[:length])
    try:
        extract(archive, [OfficialFile("one.txt"), OfficialFile("two.txt")], folder)
    except InputError:
        assert list(folder.iterdir()) == [archive]
    else:
        assert all((folder / Path(name).name).read_bytes() == SMALL[name] for name in SMALL)
