"""Checks of the exercises: one line after each stub of an exercise's notebook.

``from course_lib.classroom.checks import ex01 as check``, then ``check.best_of_n(best_of_n)``. One
file an exercise, ``exNN.py``, written by hand; what proves a check is in ``exercises/proofs/``.
"""

from .compare import as_sentence, in_a_line, plain_value, same_value, shape_in_words
from .listing import exercises, tasks
from .outcome import CheckFailed, NotWritten, Outcome, Part, Wrong
from .registry import Facts, Task, keep, need, task
from .running import find_notebook, remember, report, standing, text_of
from .trial import Trial, has_body

__all__ = [
    "CheckFailed",
    "Facts",
    "NotWritten",
    "Outcome",
    "Part",
    "Task",
    "Trial",
    "Wrong",
    "as_sentence",
    "exercises",
    "find_notebook",
    "has_body",
    "in_a_line",
    "keep",
    "need",
    "plain_value",
    "remember",
    "report",
    "same_value",
    "shape_in_words",
    "standing",
    "task",
    "tasks",
    "text_of",
]
