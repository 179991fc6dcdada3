"""A registered check: points, minutes, hints, and what a reader sees of it."""

import contextlib
import json
import os

from ...base import CourseError, in_notebook, require
from .compare import as_sentence
from .outcome import CheckFailed, NotWritten, Outcome, Part
from .trial import Trial

DIFFICULTIES = ("easy", "medium", "hard")


class Task:
    """A registered check: call it with the reader's object.

    ``hint(1)`` to ``hint(3)`` help ever more.
    """

    def __init__(self, function, exercise, points, minutes, difficulty, idea, read, hints):
        self.function, self.exercise, self.name, self.idea = (
            function,
            exercise,
            function.__name__,
            idea,
        )
        self.points, self.minutes, self.difficulty, self.read, self.hints = (
            points,
            minutes,
            difficulty,
            read,
            tuple(hints),
        )
        self.tries = 0  # failed ones in this process: the help offers a stronger hint after each
        require(len(self.hints) == 3, f"{self.id}: three hints are needed; got {len(self.hints)}.")
        require(
            difficulty in DIFFICULTIES,
            f"{self.id}: difficulty must be one of {', '.join(DIFFICULTIES)}; got {difficulty!r}.",
        )

    @property
    def id(self):
        return f"{self.exercise}.{self.name}"

    def outcome(self, value):
        """Check ``value`` and return the :class:`Outcome`; nothing is printed or kept."""
        trial = Trial(value)
        try:
            if value is None or value is Ellipsis:
                raise NotWritten("it is still empty.")
            self.function(trial)
        except NotWritten as unwritten:
            return Outcome(
                self.id,
                self.points,
                [Part("written", self.points, False, unwritten.message)],
                written=False,
            )
        found = Outcome(self.id, self.points, trial.parts)
        total = sum(part.points for part in trial.parts)
        require(
            abs(total - self.points) < 1e-9,
            f"{self.id}: the parts are worth {total} points, the task {self.points}.",
        )
        return found

    def __call__(self, value):
        """Check the reader's object: print the points, or stop with what is wrong."""
        found = self.outcome(value)
        keep(found)
        self.tries += found.written and not found.passed
        if found.passed:
            print(
                f"{self.name}: {found.points:g} of {self.points:g} points. All "
                f"{len(found.parts)} properties hold."
            )
            return None
        if os.environ.get("NBGRADER_EXECUTION") == "autograde" and found.points:
            print(self.text(found))
            # nbgrader takes a check cell's value as its points, and an error as none
            return found.points
        raise CheckFailed(self.text(found))

    def text(self, found):
        """An outcome for the reader."""
        if not found.written:
            return (
                f"{self.name}: {found.message} Fill in the cell above, run it, then run "
                f"this check again. {self._help()}"
            )
        wrong = next(part for part in found.parts if not part.passed)
        lines = [
            f"{self.name}: {found.points:g} of {self.points:g} points.",
            as_sentence(wrong.message),
        ]
        if wrong.shown:
            lines.append(f"The smallest input that shows it: {wrong.shown}")
        lines += [
            f"  {'ok   ' if part.passed else 'not  '} {part.name} ({part.points:g})"
            for part in found.parts
        ]
        return "\n".join([*lines, self._help()])

    def _help(self):
        return f"Help: check.{self.name}.hint({min(max(self.tries, 1), 3)}), and {self.read}."

    def hint(self, level=1):
        """Print a hint: 1 points to the idea, 2 to the tool, 3 nearly says it."""
        require(level in (1, 2, 3), f"hints go from 1 to 3; got {level!r}.")
        print(f"Hint {level} of 3: {self.hints[level - 1]}")


def task(exercise, points, minutes, difficulty, idea, read, hints):
    """Register the decorated function of a :class:`Trial` as the visible check of the task of its
    name.

    ``idea``: where it stands on the map of ideas (:func:`course_lib.classroom.quiz.mastery`);
    ``read``: where the lesson explains it, as words that follow "Help: ... and"; ``hints``: three,
    each saying more than the one before.
    """
    return lambda function: Task(function, exercise, points, minutes, difficulty, idea, read, hints)


OUTCOMES = {}  # task id → the last outcome in this process


def need(*tasks):
    """Stop kindly unless each of these tasks has passed its check in this process.

    The first line of cells that use what the reader wrote.
    """
    lacking = [
        task.name for task in tasks if task.id not in OUTCOMES or not OUTCOMES[task.id].passed
    ]
    if lacking:
        raise CheckFailed(
            f"This cell uses your {' and '.join(lacking)}: finish "
            f"{'it' if len(lacking) == 1 else 'them'} first, run "
            f"{'its check' if len(lacking) == 1 else 'their checks'} above, then run this cell."
        )


def keep(found):
    """Note an outcome here, in the log of ``course check`` (when one runs), and in the reader's
    progress file (in a notebook).
    """
    OUTCOMES[found.task] = found
    if log := os.environ.get("COURSE_CHECK_LOG"):
        with open(log, "a", encoding="utf-8") as file:
            file.write(json.dumps(found.to_dict()) + "\n")
    elif in_notebook() and not os.environ.get("NBGRADER_EXECUTION"):
        from ..record import record_task

        # an unreadable progress file must not hide the check's own words
        with contextlib.suppress(CourseError, OSError):
            record_task(found.task, found.points, found.most)
