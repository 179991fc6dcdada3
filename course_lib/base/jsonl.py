"""Reading files of JSON objects: one a line, or one array; broken ones named by their number."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from .errors import CourseError, require
from .rows import open_rows

Value = TypeVar("Value")


def read_jsonl(
    path: Path | str, parse: Callable[[dict[str, Any]], Value], skip_bad: bool = False
) -> tuple[list[Value], list[dict[str, Any]]]:
    """Read a file of JSON objects. Returns ``(values, skipped)``.

    The file holds one object a line or one array of them, plain or gzip'd, or is a Parquet file,
    for which pyarrow must be installed.

    ``parse`` turns one dictionary into a value, or raises :class:`CourseError` saying what it found
    and expected. A bad line stops the reading with the file, the line number (from 1) and the
    reason; with ``skip_bad`` it goes to ``skipped`` as ``{"line": number, "reason": text}``
    instead. Blank lines are passed over.
    """
    path = Path(path)
    place, rows = open_rows(path)
    values: list[Value] = []
    skipped: list[dict[str, Any]] = []
    for number, row in rows:
        try:
            values.append(parse(object_of(row)))
        except CourseError as error:
            if not skip_bad:
                raise CourseError(
                    f"{path} {place} {number}: {error} Put that {place} right, or leave bad ones "
                    "out with --skip-bad (skip_bad=True)."
                ) from None
            skipped.append({"line": number, "reason": str(error)})
    if not values and skipped:
        raise CourseError(
            f"{path} has no usable {place}: all {len(skipped)} are bad. {place.capitalize()} "
            f"{skipped[0]['line']}: {skipped[0]['reason']}"
        )
    require(values, f"{path} is empty; one JSON object a line is expected.")
    return values, skipped


def object_of(row: Any) -> dict[str, Any]:
    """The row as a dictionary: JSON in bytes, or a value that was read already.

    Raises :class:`CourseError` for anything else.
    """
    value = _parsed(row) if isinstance(row, bytes) else row
    require(
        isinstance(value, dict),
        f'found a JSON {type(value).__name__}; expected an object like {{"key": ...}}.',
    )
    return value


def _parsed(line: bytes) -> Any:
    try:
        return json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise CourseError("found bytes that are not UTF-8; expected JSON in UTF-8.") from None
    except RecursionError:
        raise CourseError("found JSON nested too deeply; expected a flat object.") from None
    except ValueError as error:
        reason = getattr(error, "msg", "a number too long")  # json's own errors have a msg
        raise CourseError(
            f"found broken JSON ({reason}); expected one complete JSON object a line."
        ) from None


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
