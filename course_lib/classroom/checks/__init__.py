"""Checks of the exercises: ``from course_lib.classroom.checks import ex01 as check``, then one line
after each stub: ``check.best_of_n(best_of_n)``.

One file an exercise, ``exNN.py``, written by hand; what proves a check is in ``exercises/proofs/``.
"""

from .compare import as_sentence, in_a_line, plain_value, same_value, shape_in_words
from .listing import exercises, tasks
from .outcome import CheckFailed, NotWritten, Outcome, Part, Wrong
from .registry import Task, keep, need, task
from .running import report
from .trial import Trial

__all__ = [
    "CheckFailed",
    "NotWritten",
    "Outcome",
    "Part",
    "Task",
    "Trial",
    "Wrong",
    "as_sentence",
    "exercises",
    "in_a_line",
    "keep",
    "need",
    "plain_value",
    "report",
    "same_value",
    "shape_in_words",
    "task",
    "tasks",
]
