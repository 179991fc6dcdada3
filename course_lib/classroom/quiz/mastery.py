"""Where a reader stands: what is due again, and the map of ideas."""

from datetime import UTC, datetime

from ..record import RIGHT, load_progress, load_tasks
from .items import IDEAS, items, lessons


def summary(lesson):
    """One line on what was answered in a lesson."""
    kept, found = load_progress(), items(lesson)
    answered = [kept[i["id"]] for i in found if kept.get(i["id"], {}).get("answers")]
    right = sum(entry["answers"][-1]["score"] >= RIGHT for entry in answered)
    kind = "Exercise" if lesson.startswith("ex") else "Lesson"
    return f"{kind} {lesson}: {len(answered)} of {len(found)} questions answered, {right} right."


def due(now=None):
    """Items that were answered and are due again, the longest overdue first.

    Each answer moves the day: see ``DAYS``.
    """
    now = (now or datetime.now(UTC)).isoformat()
    kept = load_progress()
    waiting = [
        (kept[i["id"]]["due"], i)
        for lesson in lessons()
        for i in items(lesson)
        if kept.get(i["id"], {}).get("due")
    ]
    return [item for day, item in sorted(waiting, key=lambda pair: pair[0]) if day <= now]


def mastery():
    """The map of ideas: a list of ``idea``, ``lessons``, ``items``, ``answered``, ``right`` (last
    answers), ``due``, ``tasks``, ``points``, ``most`` and ``mastered``.

    ``tasks`` are those of the exercises, ``points`` of ``most`` the best of all tries. An idea is
    mastered when the last answer to every one of its items was right, none is due again, and its
    tasks have all their points.
    """
    from .. import checks

    kept, done, waiting, found = (
        load_progress(),
        load_tasks(),
        {item["id"] for item in due()},
        {idea: ([], []) for idea in IDEAS},
    )
    for lesson in lessons():
        for item in items(lesson):
            found.setdefault(item["idea"], ([], []))[0].append((lesson, item))
    for exercise in checks.exercises():
        for task in checks.tasks(exercise).values():
            found.setdefault(task.idea, ([], []))[1].append((exercise, task))
    rows = []
    for idea, (mine, work) in found.items():
        last = [
            answers[-1]["score"]
            for _, item in mine
            if (answers := kept.get(item["id"], {}).get("answers"))
        ]
        again = sum(item["id"] in waiting for _, item in mine)
        right = sum(score >= RIGHT for score in last)
        most = sum(task.points for _, task in work)
        points = sum(
            min(done.get(task.id, {"points": 0})["points"], task.points) for _, task in work
        )
        rows.append(
            {
                "idea": idea,
                "lessons": sorted({lesson for lesson, _ in mine + work}),
                "items": len(mine),
                "answered": len(last),
                "right": right,
                "due": again,
                "tasks": [task.id for _, task in work],
                "points": points,
                "most": most,
                "mastered": right == len(mine) and points == most and not again,
            }
        )
    return rows


def mastery_text(rows):
    """:func:`mastery` for a reader."""
    marks = [
        (
            "mastered"
            if r["mastered"]
            else "due again"
            if r["due"]
            else "begun"
            if r["answered"] or r["points"]
            else "not yet"
        )
        for r in rows
    ]
    lines = [f"{'':10} questions   points in exercises"]
    for mark, r in zip(marks, rows, strict=True):
        questions, tasks = (
            f"{r['right']} of {r['items']}" if r["items"] else "",
            f"{r['points']:g} of {r['most']:g}" if r["most"] else "",
        )
        lines.append(
            f"{mark:10} {questions:9}   {tasks:9}   {r['idea']} ({', '.join(r['lessons'])})"
        )
    again = sum(r["due"] for r in rows)
    lines.append(
        f"{sum(r['mastered'] for r in rows)} of {len(rows)} ideas mastered. "
        + (
            f"{again} questions are due again: quiz.review() in a notebook."
            if again
            else "Nothing is due again today."
        )
    )
    return "\n".join(lines)
