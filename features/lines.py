"""Reading text files line by line, with the line number in every complaint."""

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path

from features.errors import InputError


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yields (1-based line number, line without its line end) of a UTF-8 file.

    Only LF and CRLF end a line: texts may hold any other character that Unicode calls a line
    break. A leading byte-order mark is dropped, a ``.gz`` file is decompressed.

    Raises:
        InputError: When the file cannot be read, is empty, or holds bytes that are not UTF-8.
    """
    number = 0
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            for number, raw in enumerate(file, start=1):
                line = raw.removesuffix(b"\n").removesuffix(b"\r")
                text = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
                yield number, text.decode("utf-8")
    except UnicodeDecodeError as error:
        byte = error.object[error.start]
        raise InputError(
            f"{path}, line {number}: byte 0x{byte:02x} is not UTF-8; expected UTF-8 text"
        ) from error
    except (OSError, EOFError, zlib.error) as error:
        what = getattr(error, "strerror", None) or str(error)
        raise InputError(f"{path}: cannot be read ({what})") from error
    if number == 0:
        raise InputError(f"{path}: the file is empty; expected rows of text")


def read_fields(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yields (line number, tab-separated fields) of a file without quoting.

    A blank last line is ignored.

    Raises:
        InputError: As :func:`read_lines`, for a blank line before others, and where there is
            nothing but a blank line: whoever asks for the first row gets one.
    """
    blank = number = 0
    for number, line in read_lines(path):
        if blank:
            raise InputError(f"{path}, line {blank}: the line is blank; expected a row")
        if not line:
            blank = number
            continue
        yield number, line.split("\t")
    if blank == number == 1:
        raise InputError(f"{path}: the file holds only a blank line; expected rows of text")
