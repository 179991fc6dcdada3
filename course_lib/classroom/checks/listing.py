"""Which exercises have checks, and which tasks they have."""

from importlib import import_module
from pathlib import Path

from ...base import require
from .registry import Task


def exercises() -> list[str]:
    """The names of the exercises that have checks, in order."""
    return sorted(path.stem for path in Path(__file__).parent.glob("ex[0-9][0-9].py"))


def tasks(exercise: str) -> dict[str, Task]:
    """name → :class:`Task` of an exercise ("ex01"), in the order of the notebook."""
    known = exercises()
    names = ", ".join(known) or "none yet"
    require(exercise in known, f"no exercise {exercise!r}; there are: {names}.")
    module = import_module(f".{exercise}", __package__)
    return {name: value for name, value in vars(module).items() if isinstance(value, Task)}
