"""Reading JSON lines: one object a line, broken lines named by their number."""

import gzip
import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from .errors import CourseError, require

Value = TypeVar("Value")


def read_jsonl(
    path: Path | str, parse: Callable[[dict[str, Any]], Value], skip_bad: bool = False
) -> tuple[list[Value], list[dict[str, Any]]]:
    """Read a ``.jsonl`` or gzip'd file, one JSON object a line. Returns ``(values, skipped)``.

    ``parse`` turns one dictionary into a value, or raises :class:`CourseError` saying what it found
    and expected. A bad line stops the reading with the file, the line number (from 1) and the
    reason; with ``skip_bad`` it goes to ``skipped`` as ``{"line": number, "reason": text}``
    instead. Blank lines are passed over.
    """
    path = Path(path)
    require(
        path.is_file(),
        f"no file at {path}. Check the path; a file of JSON lines (.jsonl or .jsonl.gz) is "
        "expected there.",
    )
    values: list[Value] = []
    skipped: list[dict[str, Any]] = []
    for number, line in _lines(path):
        try:
            values.append(parse(_object(line)))
        except CourseError as error:
            if not skip_bad:
                raise CourseError(
                    f"{path} line {number}: {error} Put that line right, or leave bad lines "
                    "out with --skip-bad (skip_bad=True)."
                ) from None
            skipped.append({"line": number, "reason": str(error)})
    if not values and skipped:
        raise CourseError(
            f"{path} has no usable line: all {len(skipped)} are bad. Line "
            f"{skipped[0]['line']}: {skipped[0]['reason']}"
        )
    require(values, f"{path} is empty; one JSON object a line is expected.")
    return values, skipped


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines that are not blank, with their numbers from 1."""
    with open(path, "rb") as file:
        zipped = file.read(2) == b"\x1f\x8b"  # by content: a name may lie
    opened: Any = gzip.open(path, "rb") if zipped else open(path, "rb")
    try:
        with opened as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield number, line
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise CourseError(
            f"{path} is not a complete gzip file ({error}). Copy or download it again."
        ) from None


def _object(line: bytes) -> dict[str, Any]:
    try:
        value = json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise CourseError("found bytes that are not UTF-8; expected JSON in UTF-8.") from None
    except RecursionError:
        raise CourseError("found JSON nested too deeply; expected a flat object.") from None
    except ValueError as error:
        reason = getattr(error, "msg", "a number too long")  # json's own errors have a msg
        raise CourseError(
            f"found broken JSON ({reason}); expected one complete JSON object a line."
        ) from None
    require(
        isinstance(value, dict),
        f'found a JSON {type(value).__name__}; expected an object like {{"key": ...}}.',
    )
    return value


def string(row: Mapping[str, Any], key: str) -> str:
    """``row[key]`` when it is text.

    Otherwise a :class:`CourseError` naming the key and the type found, never the text.
    """
    found = ", ".join(row)[:200] or "none"
    require(key in row, f"found the keys {found}; expected {key!r} among them.")
    value = row[key]
    require(
        isinstance(value, str), f"found {type(value).__name__} under {key!r}; expected a string."
    )
    require(
        value.isascii() or value.encode("utf-8", "ignore").decode() == value,
        f"found half a character (a lone surrogate) under {key!r}; expected valid Unicode.",
    )
    return value
