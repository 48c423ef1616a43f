"""softsweep as a wheel: whole, the same each time, and usable where nothing of it is installed."""

import base64
import hashlib
import io
import subprocess
import sys
from importlib.metadata import Distribution, distribution, version
from pathlib import Path
from zipfile import ZipFile

import pytest

from sweep.packages import NAMES
from sweep.wheel import archive, wheel_files


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return wheel_files()


@pytest.fixture
def unpacked(files: dict[str, bytes], tmp_path: Path) -> Path:
    with ZipFile(io.BytesIO(archive(files))) as packed:
        packed.extractall(tmp_path)
    return tmp_path


def test_it_holds_the_packages_with_their_data_and_nothing_else(files: dict[str, bytes]) -> None:
    description = f"softsweep-{version('softsweep')}.dist-info"
    assert {name.split("/")[0] for name in files} == {*NAMES, description}
    assert {
        "sweep/experiments/sample.yaml",
        "results/report/report.css",
        "results/paper/table1.csv",
        "model/losses/bce.py",
    } <= set(files)
    assert not [name for name in files if "__pycache__" in name or "/." in name]


def test_it_is_the_same_bytes_each_time(files: dict[str, bytes]) -> None:
    backwards = dict(reversed(wheel_files().items()))
    assert archive(files) == archive(backwards)


def test_its_record_is_true(unpacked: Path) -> None:
    (found,) = Distribution.discover(name="softsweep", path=[str(unpacked)])
    listed = found.files or []
    on_disk = {path for path in unpacked.rglob("*") if path.is_file()}
    assert {Path(str(file.locate())) for file in listed} == on_disk
    for file in listed:
        if file.name != "RECORD":
            digest = hashlib.sha256(file.read_binary()).digest()
            assert file.hash is not None
            assert file.hash.value == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    installed = distribution("softsweep")
    assert found.read_text("METADATA") == installed.read_text("METADATA")
    assert list(found.entry_points) == list(installed.entry_points)


@pytest.mark.slow
def test_pip_installs_it_without_a_network(files: dict[str, bytes], tmp_path: Path) -> None:
    wheel = tmp_path / f"softsweep-{version('softsweep')}-py3-none-any.whl"
    wheel.write_bytes(archive(files))
    target = tmp_path / "there"
    pip = [sys.executable, "-m", "pip", "install", "--no-index", "--no-deps"]
    subprocess.run([*pip, "--target", str(target), str(wheel)], check=True, capture_output=True)
    where = "import sweep; print(sweep.__file__)"
    ran = subprocess.run(
        [sys.executable, "-c", where],
        env={"PYTHONPATH": str(target)},
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    )
    assert Path(ran.stdout.strip()) == target / "sweep" / "__init__.py"
