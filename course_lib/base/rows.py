"""The rows of a file, whatever they are packed in: JSON lines, one JSON array, gzip, Parquet.

A file is known by its first bytes, not by its name, which may lie.
"""

import gzip
import itertools
import json
import re
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from .errors import CourseError, require

BLANKS = re.compile(r"\s*")
GZIP = b"\x1f\x8b"
BOM = b"\xef\xbb\xbf"  # the byte order mark that some editors put before UTF-8
START = 4096  # bytes looked at
# where a file that is one object keeps its rows
WRAPPERS = ("data", "rows", "instances", "examples", "samples")
# an object with one of these is a row itself, whatever lists it holds
ASKED = ("prompt", "question", "problem", "query", "instruction", "input", "messages",
         "conversations", "chosen", "doc")  # fmt: skip
# the first bytes of files that are no rows, what such a file is, and what to do
REFUSED = (
    (b"\xff\xfe", "text in UTF-16", "Save it as UTF-8."),
    (b"\xfe\xff", "text in UTF-16", "Save it as UTF-8."),
    (b"\x28\xb5\x2f\xfd", "packed with zstd", "Unpack it first: zstd -d FILE."),
    (b"BZh", "packed with bzip2", "Unpack it first: bunzip2 FILE."),
    (b"\xfd7zXZ", "packed with xz", "Unpack it first: unxz FILE."),
    (b"PK", "a zip file", "Unpack it first; a pool made by this course ends in .npz."),
    (b"ARROW1", "an Arrow file", "Write it again as Parquet or JSON lines."),
    (b"version https://git-lfs", "a Git LFS pointer, not the data", "Fetch it with: git lfs pull."),
    (b"<!DOCTYPE", "a web page", "Download the raw file."),
    (b"<html", "a web page", "Download the raw file."),
)


class Rows(NamedTuple):
    """``place`` is what a row is called: "line", "item" or "row".

    ``numbered`` gives each row's number, from 1, with its JSON: as bytes, or read already.
    """

    place: str
    numbered: Iterable[tuple[int, Any]]


def open_rows(path: Path) -> Rows:
    """The rows of the file at ``path``.

    Raises :class:`CourseError` for a missing file, one that is not JSON or Parquet, a broken gzip
    file and a broken array. Broken lines are left to whoever reads them.
    """
    require(not path.is_dir(), f"{path} is a folder; a file of JSON lines or Parquet is expected.")
    require(
        path.is_file(),
        f"no file at {path}. Check the path; a file of JSON lines (.jsonl or .jsonl.gz) is "
        "expected there.",
    )
    start = _start(path)
    for beginning, what, advice in REFUSED:
        require(not start.startswith(beginning), f"{path} is {what}. {advice}")
    require(b"\0" not in start[:4], f"{path} is text in UTF-16 or UTF-32. Save it as UTF-8.")
    if start.startswith(b"PAR1"):
        return Rows("row", enumerate(_parquet(path), 1))
    whole = _whole(path)
    if whole is not None:
        return Rows("item", enumerate(whole, 1))
    return Rows("line", _lines(path))


def _start(path: Path) -> bytes:
    """The first bytes, unpacked."""
    with open(path, "rb") as file:
        raw = file.read(START)
    if not raw.startswith(GZIP):
        return raw
    with _explained(path), gzip.open(path, "rb") as unpacked:
        return unpacked.read(START)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn what a broken gzip file raises into a clear error."""
    try:
        yield
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise CourseError(
            f"{path} is not a complete gzip file ({error}). Copy or download it again."
        ) from None


def _opened(path: Path) -> Any:
    with open(path, "rb") as file:
        zipped = file.read(2) == GZIP
    return gzip.open(path, "rb") if zipped else open(path, "rb")


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines that are not blank, with their numbers from 1."""
    with _explained(path), _opened(path) as file:
        for number, line in enumerate(file, 1):
            if number == 1:
                line = line.removeprefix(BOM)
            if line.strip():
                yield number, line


# ---- one array, or one object, over the whole file


def _whole(path: Path) -> list[Any] | None:
    """The rows of a file that is one JSON array or object; None for JSON lines."""
    first, second = _first_two(path)
    alone = _is_json(first)
    if first[:1] == b"[" and (second is None or not alone):
        if second is not None and _is_json(second):
            return None  # lines, the first of them broken
        return _array(path)
    if first[:1] != b"{" or (alone and second is not None):
        return None
    values = [json.loads(first)] if alone else _objects(path)
    if len(values) != 1:
        return values or None  # none: lines, the first of them broken
    for name in WRAPPERS if not any(key in values[0] for key in ASKED) else ():
        inner = values[0].get(name)
        if isinstance(inner, list) and inner and all(isinstance(row, dict) for row in inner):
            return inner
    return None if alone else values


def _objects(path: Path) -> list[Any]:
    """The objects of a file that holds one after another over several lines, as jq prints them."""
    found: list[Any] = []
    try:
        text = _text(path).strip()
        end = 0
        while end < len(text):
            value, end = json.JSONDecoder().raw_decode(text, end)
            found.append(value)
            end = BLANKS.match(text, end).end()  # type: ignore[union-attr]  # it always matches
    except (ValueError, RecursionError):
        return []
    return found if all(isinstance(value, dict) for value in found) else []


def _first_two(path: Path) -> tuple[bytes, bytes | None]:
    """The first two lines that are not blank, stripped; None where there is no second."""
    lines = [line.strip() for _, line in itertools.islice(_lines(path), 2)]
    return (lines or [b""])[0], lines[1] if len(lines) > 1 else None


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _text(path: Path) -> str:
    with _explained(path), _opened(path) as file:
        return file.read().decode("utf-8-sig")


def _array(path: Path) -> list[Any]:
    try:
        return json.loads(_text(path))
    except UnicodeDecodeError:
        raise CourseError(f"{path} has bytes that are not UTF-8; save it as UTF-8.") from None
    except RecursionError:
        raise CourseError(f"{path} is JSON nested too deeply; expected flat objects.") from None
    except ValueError as error:
        reason = getattr(error, "msg", "a number too long")
        where = f" at line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise CourseError(
            f"{path} begins as a JSON array and is broken{where} ({reason}). Commas stand between "
            "the objects and none after the last; a closing ] ends the file. Or write one object "
            "a line."
        ) from None


# ---- Parquet


def _parquet(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a Parquet file as JSON would hold them; columns that are null are left out."""
    with parquet_file(path) as file:
        for batch in file.iter_batches(1024):
            for row in batch.to_pylist():
                yield {name: _plain(value) for name, value in row.items() if value is not None}


@contextmanager
def parquet_file(path: str | Path) -> Iterator[Any]:
    """The Parquet file at ``path``, open; what pyarrow says of a broken one in our words."""
    try:
        import pyarrow.parquet
    except ImportError:
        raise CourseError(
            f"{path} is a Parquet file, and pyarrow, which reads those, is not installed: "
            "pip install pyarrow. Or write the file again as JSON lines."
        ) from None
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            yield file
    except (pyarrow.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0][:100]
        raise CourseError(f"{path} is not a readable Parquet file ({reason}).") from None


def _plain(value: Any) -> Any:
    """A value as JSON could hold it: dates, bytes and decimals become text."""
    if isinstance(value, dict):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
