"""Settings: frozen dataclasses that are changed by name, and keys made from the whole of them."""

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeVar

from .errors import require

Settings = TypeVar("Settings")


def no_key(default: Any) -> Any:
    """A field that cannot change a result, such as a memory budget: it is left out of keys."""
    return dataclasses.field(default=default, metadata={"key": False})


def changed(settings: Settings, changes: Mapping[str, Any]) -> Settings:
    """``settings`` with the fields in ``changes`` replaced.

    Raises :class:`~course_lib.base.CourseError` for a name that is no field, and for something
    else in the settings' place, such as a number that should have been given by name.
    """
    require(
        dataclasses.is_dataclass(settings),
        f"settings must be a settings object, such as Sampling(n=16); got {settings!r}. "
        "Give single settings by name: n=16.",
    )
    known = [field.name for field in dataclasses.fields(settings)]  # type: ignore[arg-type]
    unknown = sorted(set(changes) - set(known))
    require(
        not unknown,
        f"unknown settings: {', '.join(unknown)}. "
        f"{type(settings).__name__} has: {', '.join(known)}.",
    )
    return dataclasses.replace(settings, **changes)  # type: ignore[type-var]


def key_of(settings: Any) -> dict[str, Any]:
    """Every field that may change a result, as plain data: what a checkpoint's key is made from.

    Nested settings become dictionaries; what JSON has no form for, such as a torch dtype, its text.
    Raises TypeError for a function: settings that hold one, such as a loop's, are not keyed whole,
    the settings of their steps are.
    """
    key = {}
    for field in dataclasses.fields(settings):
        if field.metadata.get("key", True):
            key[field.name] = _plain(getattr(settings, field.name))
    return key


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return key_of(value)
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if callable(value):
        raise TypeError(f"{value!r} is a function, which has no text that identifies it.")
    return str(value)
