"""Where a reader stands: what is due again, and the map of ideas."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ..record import RIGHT, load_progress, load_tasks
from .items import IDEAS, Item, every_item, items, lesson_of, place_name
from .tasks import TaskFacts, listed_tasks

# state → the shape that stands for it, filled more and more
SHAPES = {"not yet": "○", "begun": "◐", "due again": "◆", "mastered": "●"}
SHOWN = 60  # characters of a question that is due, in a list


def summary(lesson: str) -> str:
    """One line on what was answered in a lesson."""
    kept = load_progress()
    found = items(lesson)
    answered = [kept[i["id"]] for i in found if kept.get(i["id"], {}).get("answers")]
    right = sum(entry["answers"][-1]["score"] >= RIGHT for entry in answered)
    place = place_name(lesson).capitalize()
    return f"{place}: {len(answered)} of {len(found)} questions answered, {right} right."


def due(now: datetime | None = None) -> list[Item]:
    """Items that were answered and are due again, the longest overdue first.

    Each answer moves the day: see ``DAYS``.
    """
    today = (now or datetime.now(UTC)).isoformat()
    kept = load_progress()
    waiting = []
    for item in every_item():
        day = kept.get(item["id"], {}).get("due")
        if day and day <= today:
            waiting.append((day, item))
    waiting.sort(key=lambda pair: pair[0])
    return [item for _, item in waiting]


def mastery() -> list[dict[str, Any]]:
    """The map of ideas, a dictionary for each.

    Keys: ``idea``, ``lessons`` (and exercises), ``items``, ``answered``, ``right`` (last answers),
    ``due``, ``tasks``, ``points``, ``most``, ``mastered`` and ``state``. ``tasks`` are those of the
    exercises, ``points`` of ``most`` the best of all tries. An idea is mastered when the last
    answer to every one of its items was right, none is due again, and its tasks have all their
    points. ``state`` is one of ``SHAPES``.
    """
    kept = load_progress()
    done = load_tasks()
    waiting = {item["id"] for item in due()}
    rows = []
    for idea, (questions, work) in ideas().items():
        places = sorted({*(lesson for lesson, _ in questions), *(task.exercise for task in work)})
        answers = _answers([item["id"] for _, item in questions], kept, waiting)
        points = _points(work, done)
        mastered = (
            answers["right"] == answers["items"]
            and points["points"] == points["most"]
            and not answers["due"]
        )
        row = {"idea": idea, "lessons": places, **answers, **points, "mastered": mastered}
        rows.append({**row, "state": _state(row)})
    return rows


def ideas() -> dict[str, tuple[list[tuple[str, Item]], list[TaskFacts]]]:
    """idea → its questions, each with its lesson, and its tasks."""
    found: dict[str, tuple[list, list]] = {idea: ([], []) for idea in IDEAS}
    for item in every_item():
        questions, _ = found.setdefault(item["idea"], ([], []))
        questions.append((item["id"].split("-")[0], item))
    for task in listed_tasks():
        _, work = found.setdefault(task.idea, ([], []))
        work.append(task)
    return found


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


def _points(tasks: Sequence[TaskFacts], done: Mapping[str, Mapping]) -> dict[str, Any]:
    """The tasks, and the points of all tries together; never more than a task gives today."""
    reached = [done.get(task.id, {"points": 0})["points"] for task in tasks]
    return {
        "tasks": [task.id for task in tasks],
        "points": sum(min(got, task.points) for got, task in zip(reached, tasks, strict=True)),
        "most": sum(task.points for task in tasks),
    }


def _state(row: Mapping[str, Any]) -> str:
    if row["mastered"]:
        return "mastered"
    if row["due"]:
        return "due again"
    if row["answered"] or row["points"]:
        return "begun"
    return "not yet"


def by_lesson(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """Lesson → the ideas that it is the first to ask about.

    An idea that only exercises work on belongs to their lesson.
    """
    found: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        lessons = [place for place in row["lessons"] if not place.startswith("ex")]
        home = min(lessons or map(lesson_of, row["lessons"]))
        found.setdefault(home, []).append(row)
    return dict(sorted(found.items()))


def mastery_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """:func:`mastery` for a reader of a terminal: what is due first, then the map by lesson."""
    lines = [*_due_lines(), "", f"{'lesson':8}{'':13}questions   points"]
    for lesson, here in by_lesson(rows).items():
        for k, row in enumerate(here):
            number = "" if k else lesson
            questions = f"{row['right']} of {row['items']}" if row["items"] else ""
            tasks = f"{row['points']:g} of {row['most']:g}" if row["most"] else ""
            where = ", ".join(place for place in row["lessons"] if place != lesson)
            also = f" (also {where})" if where else ""
            state = f"{SHAPES[row['state']]} {row['state']}"
            lines.append(f"{number:8}{state:13}{questions:12}{tasks:10}{row['idea']}{also}")
    count = {state: sum(row["state"] == state for row in rows) for state in SHAPES}
    told = ", ".join(f"{n} {state}" for state, n in count.items() if state != "mastered")
    points = sum(row["points"] for row in rows)
    most = sum(row["most"] for row in rows)
    lines += [
        "",
        f"{count['mastered']} of {len(rows)} ideas mastered, {told}; "
        f"{points:g} of {most:g} points in exercises.",
    ]
    return "\n".join(lines)


def _due_lines() -> list[str]:
    waiting = due()
    if not waiting:
        return ["Nothing is due again today."]
    many = len(waiting) > 1
    said = f"{len(waiting)} questions are" if many else "1 question is"
    lines = [f"{said} due again; quiz.review() in a notebook asks {'them' if many else 'it'}:"]
    return lines + [
        f"  {place_name(item['id'].split('-')[0])}: {shortened(item['question'])}"
        for item in waiting
    ]


def shortened(question: str) -> str:
    """The beginning of a question, in one line."""
    line = " ".join(question.split())
    return line if len(line) <= SHOWN else f"{line[:SHOWN].rsplit(' ', 1)[0]} …"
