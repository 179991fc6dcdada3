"""Words for messages about files. They name keys and types, and never quote a value."""

from collections.abc import Iterable
from typing import Any


def listed(names: Iterable[str]) -> str:
    """Names for a message: "a, b", or "none"."""
    return ", ".join(names) or "none"


def type_name(value: Any) -> str:
    """The type of a JSON value for a message, which never quotes the value itself."""
    if value == []:
        return "an empty list"
    if value is None:
        return "null"
    return type(value).__name__
