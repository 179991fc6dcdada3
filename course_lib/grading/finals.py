"""The points that count, and how they came about.

A task's points are those of its newest override, or of its result. Marks of questions and cases
are added. Then the late rule takes its percentage of the sum. Each step can be read.
"""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from ..base import require
from . import sheets as sheet
from .gradebook import Batch, Entry, Gradebook, Mark, Override, Rule, Stored
from .sheets import Sheet

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Step:
    """One step to the points: ``what`` happened, the ``points`` after it, and ``why``.

    ``what`` is "result", "override", "mark" or "late".
    """

    what: str
    points: float
    why: str


@dataclass(frozen=True)
class FinalTask:
    """One task: the points that count, and the result and override they come from."""

    task: str
    points: float
    most: float
    result: Stored
    override: Override | None


@dataclass(frozen=True)
class Final:
    """One student's points in an exercise.

    Attributes
    ----------
    entry : the submission that counts.
    points, most : what counts in the end, and what there was.
    before_late : the points before the late rule.
    late_percent : what the late rule takes.
    steps : how it came to that, in order.
    """

    student: str
    exercise: str
    entry: Entry
    tasks: list[FinalTask]
    marks: list[Mark]
    points: float
    most: float
    before_late: float
    late_percent: float
    steps: list[Step]


def finals(book: Gradebook, exercise: str) -> list[Final]:
    """What counts for each student who handed in ``exercise``, by name."""
    return [final(book, entry) for entry in book.entries(exercise)]


def final(book: Gradebook, entry: Entry) -> Final:
    """What counts for one submission: its results, then overrides and marks, then the late rule."""
    overrides = {override.task: override for override in book.overrides(entry.id)}
    results, marks = book.results(entry.id), book.marks(entry.id)
    points = _sum([result.points for result in results])
    steps = [Step("result", points, entry.problem or f"{len(results)} tasks graded")]
    tasks = []
    for result in results:
        override = overrides.get(result.task)
        if override is not None and override.points is None:
            override = None  # taken back
        counts = result.points if override is None else float(override.points or 0)
        tasks.append(FinalTask(result.task, counts, result.most, result, override))
        if override is not None:
            points = round(points + counts - result.points, 2)
            why = f"{result.task}: {counts:g} for {result.points:g}, {override.reason}"
            steps.append(Step("override", points, f"{why} ({override.author})"))
    if marks:
        points = round(points + _sum([mark.points for mark in marks]), 2)
        steps.append(Step("mark", points, f"{len(marks)} marks"))
    whole = overrides.get("")
    if whole is not None and whole.points is not None:
        points = whole.points
        steps.append(Step("override", points, f"the whole: {whole.reason} ({whole.author})"))
    taken, why = late_percent(book.rule(exercise=entry.exercise, student=entry.student), entry)
    counts = _hundredths(points * (1 - taken / 100))
    if why:
        steps.append(Step("late", counts, why))
    most = _sum([task.most for task in tasks] + [mark.most for mark in marks])
    return Final(
        entry.student, entry.exercise, entry, tasks, marks, counts, most, points, taken, steps
    )


def late_percent(rule: Rule | None, entry: Entry) -> tuple[float, str]:
    """(percent that the late rule takes of a submission, why); (0, "") where it is in time.

    Each day begun after the deadline counts, once the grace is over. Where only the learning
    platform says "late", and not when, that is one day.
    """
    if rule is None:
        return 0.0, ""
    if entry.submitted is None:
        if not entry.late:
            return 0.0, ""
        days, when = 1, "late by the platform's word, which does not say when: one day"
    else:
        days = days_late(entry.submitted, rule.deadline, rule.grace)
        if not days:
            return 0.0, ""
        when = f"{days} {'day' if days == 1 else 'days'} late"
    taken = min(days * rule.percent, rule.cap)
    return taken, f"{when}, {rule.percent:g} % each, at most {rule.cap:g} %: {taken:g} % off"


def days_late(submitted: datetime, deadline: datetime, grace: float = 0.0) -> int:
    """Days begun since the deadline; 0 up to ``grace`` minutes after it."""
    past = submitted - deadline
    return 0 if past <= timedelta(minutes=grace) else math.ceil(past / DAY)


def sheets(book: Gradebook, exercise: str) -> list[Sheet]:
    """What feedback and exports print of each student: their :class:`~.sheets.Sheet`, by name."""
    batches = {batch.id: batch for batch in book.batches(exercise)}
    return [_sheet(book, found, batches) for found in finals(book, exercise)]


def _sheet(book: Gradebook, found: Final, batches: dict[int, Batch]) -> Sheet:
    entry, batch = found.entry, batches.get(found.entry.batch or 0)
    given = {o.task: o for o in book.overrides(entry.id)}
    late = [step.why for step in found.steps if step.what == "late"]
    return Sheet(
        student=entry.student,
        exercise=entry.exercise,
        results=[task.result for task in found.tasks],
        name=entry.name,
        ids=entry.ids,
        overrides=[
            sheet.Override(o.task, o.points, o.reason, o.author, o.made)
            for o in given.values()
            if o.points is not None
        ],
        marks=[sheet.Mark(m.item, m.points, m.most, m.note, m.author, m.made) for m in found.marks],
        notes=[*filter(None, [entry.problem]), *entry.notes],
        late=late[0] if late else "",
        taken=round(found.before_late - found.points, 2),
        file=entry.file,
        sha256=entry.sha256,
        course=batch.course if batch else "",
        graded=entry.graded,
        unsafe=batch.unsafe if batch else False,
    )


def counting_entry(book: Gradebook, exercise: str, student: str) -> Entry:
    """The submission that counts of a student. Raises where there is none, with like names."""
    found = book.entries(exercise, student)
    if not found:
        import difflib

        names = [entry.student for entry in book.entries(exercise)]
        require(names, f"nothing of {exercise} is in this gradebook; it has {_all(book)}.")
        near = difflib.get_close_matches(student, names) or names[:5]
        require(False, f"no {student} handed in {exercise}. Did you mean {', '.join(near)}?")
    return found[0]


def _all(book: Gradebook) -> str:
    return ", ".join(book.exercises()) or "nothing at all"


def _sum(values: list[float]) -> float:
    return round(math.fsum(values), 2)


def _hundredths(points: float) -> float:
    """Points to a hundredth, halves up for the student."""
    return math.floor(points * 100 + 0.5 + 1e-9) / 100
