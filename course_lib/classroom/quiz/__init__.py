"""Questions at the end of a lesson.

Single choice, ordering, and case analysis, each with an explanation for every option; what is due
again, the map of ideas, and guesses before an answer.
"""

from ..guesses import guess
from .answers import answer, case_text, evaluate, heard, item_text, mark
from .cards import ask, review
from .items import (
    FOLDER,
    IDEAS,
    KINDS,
    LETTERS,
    NOTEBOOKS,
    every_item,
    item_of,
    items,
    lessons,
    place_name,
    shuffled,
    validate,
)
from .map import progress
from .mastery import SHAPES, due, mastery, mastery_text, summary
from .predictions import heard_guess, predict
from .tasks import TaskFacts, listed_tasks, registered_tasks, write_tasks

__all__ = [
    "FOLDER",
    "IDEAS",
    "KINDS",
    "LETTERS",
    "NOTEBOOKS",
    "SHAPES",
    "TaskFacts",
    "answer",
    "ask",
    "case_text",
    "due",
    "evaluate",
    "every_item",
    "guess",
    "heard",
    "heard_guess",
    "item_of",
    "item_text",
    "items",
    "lessons",
    "listed_tasks",
    "mark",
    "mastery",
    "mastery_text",
    "place_name",
    "predict",
    "progress",
    "registered_tasks",
    "review",
    "shuffled",
    "summary",
    "validate",
    "write_tasks",
]
