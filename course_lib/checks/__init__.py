"""Checks of the exercises: ``from course_lib.checks import ex01 as check``, then one line after each stub: ``check.best_of_n(best_of_n)``.

``exNN.py`` files are made by ``course build`` from ``exercises/src/``; what checks share is in :mod:`~course_lib.checks.core`.
"""

from importlib import import_module
from pathlib import Path

from ..errors import require
from .core import Task


def exercises():
    """The names of the exercises that have checks, in order."""
    return sorted(path.stem for path in Path(__file__).parent.glob("ex[0-9][0-9].py"))


def tasks(exercise):
    """name → :class:`~course_lib.checks.core.Task` of an exercise ("ex01"), in the order of the notebook."""
    require(exercise in exercises(), f"no exercise {exercise!r}; there are: {', '.join(exercises()) or 'none yet'}.")
    return {name: value for name, value in vars(import_module(f"{__name__}.{exercise}")).items() if isinstance(value, Task)}


def report(exercise):
    """Run this exercise's notebook, as saved, in a fresh kernel and print the points by task: see :mod:`course_lib.checks.running`."""
    from .running import report as run
    run(exercise)
