"""Checks of the exercises: one line after each stub of an exercise's notebook.

``from course_lib.classroom.checks import ex01 as check``, then ``check.best_of_n(best_of_n)``. One
file an exercise, ``exNN.py``, written by hand; what proves a check is in ``exercises/proofs/``.
"""

from . import showing
from .calling import has_body
from .compare import as_sentence, in_a_line, same_value, shape_in_words
from .links import find_notebook
from .listing import exercises, tasks
from .outcome import CheckFailed, NotWritten, Outcome, Part, Wrong
from .plain import builtin_value, kinds, plain_value
from .registry import Facts, Task, keep, need, task
from .reporting import report
from .running import remember, standing, text_of
from .trial import Trial
from .untidy import untidy_inputs, write_prints

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
    "builtin_value",
    "exercises",
    "find_notebook",
    "has_body",
    "in_a_line",
    "keep",
    "kinds",
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
    "untidy_inputs",
    "write_prints",
]

showing.watch()
