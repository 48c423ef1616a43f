"""softsweep as a wheel, made from what runs here: for machines that are to run the same code.

Neither network nor build back end is needed, and an editable installation will do.
"""

import base64
import csv
import hashlib
import io
from collections.abc import Iterator, Mapping
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from sweep.errors import ExperimentError
from sweep.packages import HOME, NAMES

WHEEL = "Wheel-Version: 1.0\nGenerator: softsweep\nRoot-Is-Purelib: true\nTag: py3-none-any\n"

DESCRIBED = ("METADATA", "entry_points.txt")
"""What an installation is described by and a wheel repeats."""

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time of every entry of an archive, so that equal files are equal bytes."""

_MODE = 0o100644 << 16


def wheel_files() -> dict[str, bytes]:
    """What the wheel holds, by name: the four packages with their data, and their description.

    Raises:
        ExperimentError: softsweep is not installed.
    """
    installed = _installed()
    description = f"softsweep-{installed.version}.dist-info"
    files = {path.relative_to(HOME).as_posix(): path.read_bytes() for path in _package_files()}
    for name in DESCRIBED:
        files[f"{description}/{name}"] = (installed.read_text(name) or "").encode()
    files[f"{description}/WHEEL"] = WHEEL.encode()
    record = f"{description}/RECORD"
    files[record] = _record(files, record)
    return files


def archive(files: Mapping[str, bytes]) -> bytes:
    """A zip archive of files; equal files make equal bytes."""
    content = io.BytesIO()
    with ZipFile(content, "w") as packed:
        for name in sorted(files):
            entry = ZipInfo(name, _EPOCH)
            entry.external_attr = _MODE
            entry.compress_type = ZIP_DEFLATED
            packed.writestr(entry, files[name])
    return content.getvalue()


def _installed() -> Distribution:
    try:
        return distribution("softsweep")
    except PackageNotFoundError:
        raise ExperimentError(
            f"softsweep is not installed, only found in {HOME}: pip install {HOME}"
        ) from None


def _package_files() -> Iterator[Path]:
    """Files of the four packages; what Python compiled of them is made anew elsewhere."""
    for name in NAMES:
        for path in sorted((HOME / name).rglob("*")):
            inside = path.relative_to(HOME).parts
            hidden = any(part == "__pycache__" or part.startswith(".") for part in inside)
            if path.is_file() and not hidden:
                yield path


def _record(files: Mapping[str, bytes], record: str) -> bytes:
    """The table of all files with their hashes and sizes; of itself it knows neither."""
    table = io.StringIO()
    rows = csv.writer(table, lineterminator="\n")
    for name, content in sorted(files.items()):
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=")
        rows.writerow([name, f"sha256={digest.decode()}", len(content)])
    rows.writerow([record, "", ""])
    return table.getvalue().encode()
