"""Where a reader stands: what is due again, and the map of ideas."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ..record import RIGHT, load_progress, load_tasks
from .items import IDEAS, Item, items, lessons

if TYPE_CHECKING:  # the checks bring torch with them
    from ..checks import Task


def summary(lesson: str) -> str:
    """One line on what was answered in a lesson."""
    kept = load_progress()
    found = items(lesson)
    answered = [kept[i["id"]] for i in found if kept.get(i["id"], {}).get("answers")]
    right = sum(entry["answers"][-1]["score"] >= RIGHT for entry in answered)
    kind = "Exercise" if lesson.startswith("ex") else "Lesson"
    return f"{kind} {lesson}: {len(answered)} of {len(found)} questions answered, {right} right."


def due(now: datetime | None = None) -> list[Item]:
    """Items that were answered and are due again, the longest overdue first.

    Each answer moves the day: see ``DAYS``.
    """
    today = (now or datetime.now(UTC)).isoformat()
    kept = load_progress()
    waiting = []
    for lesson in lessons():
        for item in items(lesson):
            day = kept.get(item["id"], {}).get("due")
            if day:
                waiting.append((day, item))
    waiting.sort(key=lambda pair: pair[0])
    return [item for day, item in waiting if day <= today]


def mastery() -> list[dict[str, Any]]:
    """The map of ideas, a dictionary for each.

    Keys: ``idea``, ``lessons``, ``items``, ``answered``, ``right`` (last answers), ``due``,
    ``tasks``, ``points``, ``most`` and ``mastered``. ``tasks`` are those of the exercises,
    ``points`` of ``most`` the best of all tries. An idea is mastered when the last answer to every
    one of its items was right, none is due again, and its tasks have all their points.
    """
    from .. import checks

    found: dict[str, tuple[list, list]] = {idea: ([], []) for idea in IDEAS}
    for lesson in lessons():
        for item in items(lesson):
            of_idea, _ = found.setdefault(item["idea"], ([], []))
            of_idea.append((lesson, item))
    for exercise in checks.exercises():
        for task in checks.tasks(exercise).values():
            _, of_idea = found.setdefault(task.idea, ([], []))
            of_idea.append((exercise, task))
    kept = load_progress()
    done = load_tasks()
    waiting = {item["id"] for item in due()}
    rows = []
    for idea, (questions, work) in found.items():
        places = sorted({place for place, _ in questions + work})
        answers = _answers([item["id"] for _, item in questions], kept, waiting)
        points = _points([task for _, task in work], done)
        mastered = (
            answers["right"] == answers["items"]
            and points["points"] == points["most"]
            and not answers["due"]
        )
        rows.append({"idea": idea, "lessons": places, **answers, **points, "mastered": mastered})
    return rows


def _answers(ids: Sequence[str], kept: Mapping[str, Mapping], waiting: set[str]) -> dict[str, int]:
    """How many items there are, were answered, were right at last, and are due again."""
    histories = [kept.get(item_id, {}).get("answers") for item_id in ids]
    last = [answers[-1]["score"] for answers in histories if answers]
    return {
        "items": len(ids),
        "answered": len(last),
        "right": sum(score >= RIGHT for score in last),
        "due": sum(item_id in waiting for item_id in ids),
    }


def _points(tasks: "Sequence[Task]", done: Mapping[str, Mapping]) -> dict[str, Any]:
    """The tasks, and the points of all tries together; never more than a task gives today."""
    reached = [done.get(task.id, {"points": 0})["points"] for task in tasks]
    return {
        "tasks": [task.id for task in tasks],
        "points": sum(min(got, task.points) for got, task in zip(reached, tasks, strict=True)),
        "most": sum(task.points for task in tasks),
    }


def mastery_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """:func:`mastery` for a reader."""
    lines = [f"{'':10} questions   points in exercises"]
    for row in rows:
        questions = f"{row['right']} of {row['items']}" if row["items"] else ""
        tasks = f"{row['points']:g} of {row['most']:g}" if row["most"] else ""
        where = ", ".join(row["lessons"])
        lines.append(f"{_stage(row):10} {questions:9}   {tasks:9}   {row['idea']} ({where})")
    again = sum(row["due"] for row in rows)
    if again:
        next_step = f"{again} questions are due again: quiz.review() in a notebook."
    else:
        next_step = "Nothing is due again today."
    mastered = sum(row["mastered"] for row in rows)
    lines.append(f"{mastered} of {len(rows)} ideas mastered. {next_step}")
    return "\n".join(lines)


def _stage(row: Mapping[str, Any]) -> str:
    if row["mastered"]:
        return "mastered"
    if row["due"]:
        return "due again"
    if row["answered"] or row["points"]:
        return "begun"
    return "not yet"
