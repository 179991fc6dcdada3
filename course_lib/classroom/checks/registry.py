"""A registered check: points, minutes, hints, and what a reader sees of it."""

import contextlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ...base import CourseError, in_notebook, require
from ..record import record_task
from .calling import Answer, Ask
from .compare import as_sentence
from .outcome import CheckFailed, NotWritten, Outcome, Part
from .trial import Outline, Trial

RUNNING = "COURSE_CHECK"  # set in the kernel in which ``course check`` runs a notebook
DIFFICULTIES = ("easy", "medium", "hard")


@dataclass(frozen=True)
class Facts:
    """What is said of a task besides its check.

    ``idea``: where it stands on the map of ideas (:func:`course_lib.classroom.quiz.mastery`);
    ``read``: where the lesson explains it, as words that follow "Help: ... and"; ``hints``: three,
    each saying more than the one before.
    """

    exercise: str
    points: float
    minutes: int
    difficulty: str
    idea: str
    read: str
    hints: Sequence[str]


class Task:
    """A registered check: call it with the reader's object.

    ``hint(1)`` to ``hint(3)`` help ever more.
    """

    def __init__(self, function: Callable[[Trial], None], facts: Facts) -> None:
        self.function = function
        self.name = function.__name__
        self.exercise = facts.exercise
        self.points = facts.points
        self.minutes = facts.minutes
        self.difficulty = facts.difficulty
        self.idea = facts.idea
        self.read = facts.read
        self.hints = tuple(facts.hints)
        self.tries = 0  # failed ones in this process: the help offers a stronger hint after each
        require(len(self.hints) == 3, f"{self.id}: three hints are needed; got {len(self.hints)}.")
        require(
            self.difficulty in DIFFICULTIES,
            f"{self.id}: difficulty must be one of {', '.join(DIFFICULTIES)}; "
            f"got {self.difficulty!r}.",
        )

    @property
    def id(self) -> str:
        """Exercise and name, such as "ex01.best_of_n"."""
        return f"{self.exercise}.{self.name}"

    def outcome(self, value: Any) -> Outcome:
        """Check ``value`` and return the :class:`Outcome`; nothing is printed or kept."""
        try:
            if value is None or value is Ellipsis:
                raise NotWritten("it is still empty.")
            trial = self.trial(value)
        except NotWritten as unwritten:
            part = Part("written", self.points, message=unwritten.message)
            return Outcome(self.id, self.points, [part], written=False)
        total = sum(part.points for part in trial.parts)
        require(
            abs(total - self.points) < 1e-9,
            f"{self.id}: the parts are worth {total} points, the task {self.points}.",
        )
        return Outcome(self.id, self.points, trial.parts)

    def trial(self, value: Any) -> Trial:
        """The :class:`Trial` of ``value`` after the whole check.

        The check runs again from the start after every call that it asks for, and each call is
        made here, where no variable of any caller holds what is right.
        """
        answers: list[Answer] = []
        while True:
            trial = Trial(value, answers, self.id)
            try:
                self.function(trial)
                return trial
            except Ask as ask:
                call = ask.call
            del trial
            answers.append(call.made(value))

    def properties(self) -> list[Part]:
        """The parts that the check will try, none of them tried; empty where it cannot be told."""
        outline = Outline(lambda *_: None, task=self.id)
        with contextlib.suppress(Exception):
            self.function(outline)
            return [Part(part.name, part.points) for part in outline.parts]
        return []

    def __call__(self, value: Any) -> float | None:
        """Check the reader's object: show the points, or stop with what is wrong."""
        stale = HOW.stale(value)
        found = self.outcome(value)
        keep(found)
        if found.written and not found.passed and not stale:
            self.tries += 1
        if found.passed:
            HOW.passed(self, found, stale)
            return None
        if os.environ.get("NBGRADER_EXECUTION") == "autograde" and found.points:
            print(self.text(found))
            # nbgrader takes a check cell's value as its points, and an error as none
            return found.points
        raise CheckFailed(self.text(found, stale), HOW.failed(self, found, stale))

    def text(self, found: Outcome, stale: str = "") -> str:
        """An outcome for the reader; ``stale``: why the cell above did not run."""
        lines = [f"{self.name}: {STALE.format(stale)}"] if stale else []
        if found.passed:
            lines.append(
                f"{self.name}: {found.points:g} of {self.points:g} points. "
                f"All {len(found.parts)} properties hold."
            )
            return "\n".join(lines)
        if not found.written:
            todo = "Mend it" if stale else "Fill in the cell above"
            lines.append(
                f"{self.name}: {found.message} {todo}, run it, then run this check "
                f"again. {self._help()}"
            )
            return "\n".join(lines)
        wrong = next(part for part in found.parts if not part.passed)
        lines += [
            f"{self.name}: {found.points:g} of {self.points:g} points.",
            as_sentence(wrong.message),
        ]
        if wrong.shown:
            lines.append(f"The smallest input that shows it: {wrong.shown}")
        for part in found.parts:
            mark = "ok   " if part.passed else "not  "
            lines.append(f"  {mark} {part.name} ({part.points:g})")
        lines.append(self._help())
        return "\n".join(lines)

    @property
    def level(self) -> int:
        """How many hints are offered by now: one more after each failed try."""
        return min(max(self.tries, 1), 3)

    def _help(self) -> str:
        return f"Help: check.{self.name}.hint({self.level}), and {self.read}."

    def hint(self, level: int = 1) -> None:
        """Print a hint: 1 points to the idea, 2 to the tool, 3 nearly says it."""
        require(level in (1, 2, 3), f"hints go from 1 to 3; got {level!r}.")
        print(f"Hint {level} of 3: {self.hints[level - 1]}")


def task(
    exercise: str,
    points: float,
    minutes: int,
    difficulty: str,
    idea: str,
    read: str,
    hints: Sequence[str],
) -> Callable[[Callable[[Trial], None]], Task]:
    """Register the decorated function of a :class:`Trial` as the check of the task of its name.

    The arguments are the :class:`Facts` of the task.
    """
    facts = Facts(exercise, points, minutes, difficulty, idea, read, hints)
    return lambda function: Task(function, facts)


class Plain:
    """How results are shown outside notebooks: as lines of text."""

    def stale(self, value: Any) -> str:
        """Why the cell that defines ``value`` did not run when it was last tried, or ""."""
        return ""

    def passed(self, task: Task, found: Outcome, stale: str) -> None:
        """Show that every property holds."""
        print(task.text(found, stale))

    def failed(self, task: Task, found: Outcome, stale: str) -> Callable[[], Any] | None:
        """What makes the card of a failed check, or None."""
        return None

    def lacking(self, text: str, tasks: Sequence[Task]) -> Callable[[], Any] | None:
        """What makes the card of a cell that waits for ``tasks``, or None."""
        return None


STALE = "the cell above did not run: {} This checks the version before it."
HOW = Plain()


def show_by(how: Plain) -> None:
    """Show results by ``how`` from now on."""
    global HOW
    HOW = how


OUTCOMES: dict[str, Outcome] = {}  # task id → the last outcome in this process


def need(*tasks: Task) -> None:
    """Stop kindly unless each of these tasks has passed its check in this process.

    The first line of cells that use what the reader wrote.
    """
    passed = {task_id for task_id, found in OUTCOMES.items() if found.passed}
    missing = [task for task in tasks if task.id not in passed]
    lacking = [task.name for task in missing]
    if not lacking:
        return
    it, its_check = ("it", "its check") if len(lacking) == 1 else ("them", "their checks")
    text = (
        f"This cell uses your {' and '.join(lacking)}: finish {it} first, run {its_check} above, "
        "then run this cell."
    )
    raise CheckFailed(text, HOW.lacking(text, missing))


def keep(found: Outcome) -> None:
    """Note an outcome.

    It is kept here, and in a notebook in the reader's progress file; ``course check`` and nbgrader
    run it for reasons of their own.
    """
    OUTCOMES[found.task] = found
    if in_notebook() and not os.environ.get(RUNNING) and not os.environ.get("NBGRADER_EXECUTION"):
        # an unreadable progress file must not hide the check's own words
        with contextlib.suppress(CourseError, OSError):
            record_task(found.task, found.points, found.most)
