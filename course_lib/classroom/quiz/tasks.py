"""What the map says of each task of the exercises, without its check.

The checks bring torch with them, and a map should not wait for it. So the facts are listed in
``checks/tasks.json``, which :func:`write_tasks` makes from the checks; a test compares the two.
"""

import json
from dataclasses import asdict, dataclass

from ...base import read_json
from .items import FOLDER

FILE = FOLDER.parent / "checks" / "tasks.json"


@dataclass(frozen=True)
class TaskFacts:
    """A task's id ("ex01.best_of_n"), its exercise, its points, and its idea on the map."""

    id: str
    exercise: str
    points: float
    idea: str


def listed_tasks() -> list[TaskFacts]:
    """The tasks of all exercises, as they are listed."""
    return [TaskFacts(**row) for row in read_json(FILE)]


def registered_tasks() -> list[TaskFacts]:
    """The tasks of all exercises, as their checks say; loads the checks."""
    from .. import checks

    return [
        TaskFacts(task.id, exercise, task.points, task.idea)
        for exercise in checks.exercises()
        for task in checks.tasks(exercise).values()
    ]


def write_tasks() -> None:
    """Write the list anew, after a task was added or changed."""
    rows = [json.dumps(asdict(task), ensure_ascii=False) for task in registered_tasks()]
    FILE.write_text("[\n" + ",\n".join(rows) + "\n]\n", encoding="utf-8")
