"""Judging an answer: the check's properties, then the hidden inputs, all outside the box.

A check (``classroom/checks``) says which calls it needs, and here they are made in a box. What is
right stays on this side. A task's points are those of the properties that hold; hidden inputs,
drawn from the cohort's secret, decide whether they count: all of them right, whole; at least half,
half; fewer, none. So an answer that fits the visible inputs alone, or a constant that is right by
luck, earns nothing.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ..classroom.checks import Outcome, Part, Trial, same_value
from ..classroom.checks.calling import Answer, Ask, Call
from ..classroom.checks.outcome import NotWritten, Wrong
from .box import STOPPED, Asked, Box, Limits, Sandbox, Stopped
from .plan import Plan, Probed

CLASSES = ("right", "partly", "hidden", "wrong", "unwritten", "missing", "stopped")


@dataclass
class Result:
    """What came of one task: a row of the gradebook.

    Attributes
    ----------
    task : its id, such as "ex01.best_of_n".
    points, most : what it earned, and what there was.
    outcome : one of :data:`CLASSES`: right; partly right; right on the visible inputs alone;
        wrong; not written; not found; stopped.
    message : one sentence for the student.
    hint, read : what helps, and where the lesson explains it.
    properties : (name, points, holds) of each property.
    hidden_right, hidden : hidden inputs answered rightly, and how many there were.
    seconds, peak_mb : of the box that answered.
    """

    task: str
    points: float
    most: float
    outcome: str
    message: str = ""
    hint: str = ""
    read: str = ""
    properties: list[tuple[str, float, bool]] = field(default_factory=list)
    hidden_right: int = 0
    hidden: int = 0
    seconds: float = 0.0
    peak_mb: float = 0.0


class Facade:
    """Stands for an answer that lies in a box: what a check asks of it besides calls."""

    def __init__(self, probed: Probed, asked: Asked) -> None:
        import inspect

        self.__name__ = probed.handed_in
        kinds = inspect.Parameter.POSITIONAL_OR_KEYWORD
        names = [name for name in asked.names if name.isidentifier()]
        unique = list(dict.fromkeys(names))
        self.__signature__ = inspect.Signature([inspect.Parameter(n, kinds) for n in unique])

    def __call__(self, *args: Any) -> Any:
        raise AssertionError("an answer in a box is called there")


class BoxTrial(Trial):
    """A trial whose calls are made in a box."""

    body = True

    def written(self) -> bool:
        """Whether the answer is more than a stub, as the box says."""
        return self.body


def judged(plan: Plan, name: str, box: Box) -> Result:
    """What the answer to one task in ``box`` earns. Raises :class:`~.box.Stopped`."""
    probed = plan.tasks[name]
    asked = box.task(name, probed.handed_in)
    if not asked.there:
        asked.over()
        return lacking(probed, "missing", f"{probed.handed_in} is not defined in the notebook.")
    value: Any = Facade(probed, asked) if asked.callable else asked.value
    try:
        found = _checked(probed, value, asked)
        right, total = _hidden(plan, probed, value, asked, found)
    finally:
        if box.why is None:
            asked.over()
    return _graded(probed, found, right, total)


def _checked(probed: Probed, value: Any, asked: Asked) -> Outcome:
    """The check's outcome, its calls made in the box."""
    task = probed.task
    try:
        if value is None or value is Ellipsis:
            raise NotWritten("it is still empty.")
        parts = _trial(probed, value, asked).parts
    except NotWritten as unwritten:
        part = Part("written", task.points, message=unwritten.message)
        return Outcome(task.id, task.points, [part], written=False)
    except Wrong as wrong:  # no function, where one is called
        part = Part("is a function", task.points, message=wrong.message)
        return Outcome(task.id, task.points, [part])
    return Outcome(task.id, task.points, parts)


def _trial(probed: Probed, value: Any, asked: Asked) -> Trial:
    answers: list[Answer] = []
    while True:
        trial = BoxTrial(value, answers, probed.task.id)
        trial.body = asked.body
        try:
            probed.task.function(trial)
            return trial
        except Ask as ask:
            if not asked.callable:
                raise Wrong("this should be a function.") from None
            answers.append(asked.made(ask.call))


def _hidden(
    plan: Plan, probed: Probed, value: Any, asked: Asked, found: Outcome
) -> tuple[int, int]:
    """How many hidden inputs are answered rightly, and how many there are."""
    if not found.written or not found.points:
        return 0, 0
    tolerance = probed.proof.tolerance
    if not callable(probed.proof.reference):
        return int(same_value(value, probed.proof.reference, tolerance)), 1
    inputs = plan.hidden(probed.task.name)
    given = [asked.made(Call(args)) for args, _ in inputs] if asked.callable else []
    right = [
        answer.wrong is None and answer.got is not None and same_value(answer.got, want, tolerance)
        for answer, (_, want) in zip(given, inputs, strict=False)
    ]
    return sum(right), len(inputs)


def _graded(probed: Probed, found: Outcome, right: int, total: int) -> Result:
    task = probed.task
    share = right / total if total else 0.0
    counts = 1.0 if share == 1 else 0.5 if share >= 0.5 else 0.0
    points = _rounded(found.points * counts)
    message = found.message
    if not found.written:
        outcome = "unwritten"
    elif found.passed and share == 1:
        outcome, message = "right", "right."
    elif found.passed:
        outcome = "hidden"
        message = (
            f"right on the inputs that you can see, and on {right} of {total} others. What do they "
            "have that the visible ones have not?"
        )
    else:
        outcome = "partly" if points else "wrong"
    level = 0 if outcome == "right" else 1
    return Result(
        task=task.id,
        points=points,
        most=task.points,
        outcome=outcome,
        message=message,
        hint=task.hints[0] if level else "",
        read=task.read,
        properties=[(part.name, part.points, part.passed) for part in found.parts],
        hidden_right=right,
        hidden=total,
    )


def _rounded(points: float) -> float:
    """Points to a hundredth, never up."""
    return math.floor(points * 100 + 1e-6) / 100


def lacking(probed: Probed, outcome: str, message: str) -> Result:
    """No points, and why."""
    task = probed.task
    return Result(task.id, 0.0, task.points, outcome, message, task.hints[0], task.read)


def graded(
    plan: Plan,
    sandbox: Sandbox,
    cells: Sequence[str],
    limits: Limits = Limits(),
) -> list[Result]:
    """What a submission's ``cells`` earn: a :class:`Result` for each task of ``plan``.

    ``sandbox`` must have the plan's own cells (:meth:`~.box.Sandbox.plan`). All tasks share a box
    at first. Where it is stopped, what it said is void, and each task gets a box of its own, unless
    it was the cells before all tasks that stopped it.
    """
    names = list(plan.tasks)
    try:
        return _in_one_box(plan, sandbox, cells, names, limits)
    except Stopped as stopped:
        # what the cells do to one box they do to every other
        if stopped.early or len(names) == 1:
            return [_stopped(plan, name, stopped) for name in names]
    results = []
    for name in names:
        try:
            results += _in_one_box(plan, sandbox, cells, [name], limits)
        except Stopped as stopped:
            results.append(_stopped(plan, name, stopped))
    return results


def _in_one_box(
    plan: Plan, sandbox: Sandbox, cells: Sequence[str], names: Sequence[str], limits: Limits
) -> list[Result]:
    with sandbox.box(cells, limits) as box:
        results = [judged(plan, name, box) for name in names]
    if box.why:  # stopped while it was being closed
        raise Stopped(box.why)
    for result in results:
        result.seconds, result.peak_mb = box.seconds / len(names), box.peak_mb
    return results


def _stopped(plan: Plan, name: str, stopped: Stopped) -> Result:
    # not in the words of the box, which could tell what it was asked
    return lacking(plan.tasks[name], "stopped", STOPPED.get(stopped.why, STOPPED["ended"]))
