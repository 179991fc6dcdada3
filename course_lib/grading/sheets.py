"""What is printed of one submission, and its texts made harmless.

Plain data: the gradebook fills a :class:`Sheet` for each student, and feedback, exports and the
class report read it. Texts that a student chose (names, answers, words of their errors) pass
:func:`harmless` before they are printed anywhere.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # judging brings torch with it, printing needs none
    from .judge import Result

LONGEST = 2_000  # characters of a text that is printed
# what turns the direction of whatever follows, and what no text has: controls, halves of pairs
UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff"
    "\ufff9-\ufffb\ufffe\uffff\ud800-\udfff]"
)


@dataclass(frozen=True)
class Override:
    """Points that an instructor gave in place of the grader's.

    Attributes
    ----------
    task : its id, or "" for the whole exercise.
    reason, author, at : why, who, and when (ISO 8601).
    """

    task: str
    points: float
    reason: str
    author: str = ""
    at: str = ""


@dataclass(frozen=True)
class Mark:
    """Points for a written answer: of ``most``, with a ``note`` for the student."""

    item: str
    points: float
    most: float
    note: str = ""
    author: str = ""
    at: str = ""


@dataclass(frozen=True)
class Written:
    """A written answer as it was handed in, and its mark where it has one."""

    student: str
    item: str
    text: str
    mark: Mark | None = None


@dataclass
class Sheet:
    """One student's exercise.

    Attributes
    ----------
    student : the key, as the folder or file of the submission gave it.
    exercise : such as "ex03".
    results : one :class:`~.judge.Result` a task.
    name : as it is shown; the key where it is empty.
    ids : how others know the student: "email", and columns of Canvas and Moodle by their names.
    overrides, marks : in order of time: of two for the same thing the later one counts.
    notes : what was said of the notebook, such as what was missing in it.
    late : the late rule that was applied, in words; "" where none was.
    taken : points that the late rule took off.
    file, sha256, course, graded : of the notebook, and when and with what it was graded.
    unsafe : graded without a sandbox.
    """

    student: str
    exercise: str
    results: Sequence["Result"] = ()
    name: str = ""
    ids: Mapping[str, str] = field(default_factory=dict)
    overrides: Sequence[Override] = ()
    marks: Sequence[Mark] = ()
    notes: Sequence[str] = ()
    late: str = ""
    taken: float = 0.0
    file: str = ""
    sha256: str = ""
    course: str = ""
    graded: str = ""
    unsafe: bool = False

    @property
    def called(self) -> str:
        """The name that is shown."""
        return self.name or self.student

    @property
    def email(self) -> str:
        """The student's address, or ""."""
        return self.ids.get("email", "") or (self.student if "@" in self.student else "")

    def override_of(self, task: str) -> Override | None:
        """The last override of a task ("" is the whole exercise)."""
        return next((o for o in reversed(self.overrides) if o.task == task), None)

    def points_of(self, result: "Result") -> float:
        """What a task earns, after overrides."""
        changed = self.override_of(result.task)
        return changed.points if changed else result.points

    def last_marks(self) -> list[Mark]:
        """The last mark of each written answer."""
        return list({mark.item: mark for mark in self.marks}.values())

    @property
    def most(self) -> float:
        """All points there are: of tasks, and of the written answers that were marked."""
        written = sum(mark.most for mark in self.last_marks())
        return round(sum(result.most for result in self.results) + written, 2)

    @property
    def earned(self) -> float:
        """Points before the late rule."""
        whole = self.override_of("")
        if whole:
            return whole.points
        written = sum(mark.points for mark in self.last_marks())
        return round(sum(map(self.points_of, self.results)) + written, 2)

    @property
    def total(self) -> float:
        """Points after the late rule, never below 0."""
        return round(max(0.0, self.earned - self.taken), 2)


def harmless(text: object, longest: int = LONGEST) -> str:
    """``text`` without what cannot be seen, and with an end.

    Controls, turns of direction and halves of surrogate pairs become "�"; tabs and newlines stay.
    """
    given = str(text)
    cut = given if len(given) <= longest else f"{given[: longest - 2]} …"
    return UNSEEN.sub("\ufffd", cut.replace("\r\n", "\n").replace("\r", "\n"))


def one_line(text: object, longest: int = 200) -> str:
    """``text`` made :func:`harmless`, in a line."""
    return harmless(" ".join(str(text)[: 20 * longest].split()), longest)


def amount(points: float) -> str:
    """Points as a number: at most two decimals, none that are idle."""
    return f"{points:.2f}".rstrip("0").rstrip(".") or "0"


def file_name(sheet: Sheet, ending: str = ".html") -> str:
    """A name for a file about ``sheet``: safe on every system, and no other student's.

    Letters of the student's name may be there for the eye; what tells students apart is a digest.
    """
    seen = re.sub(r"[^A-Za-z0-9]+", "-", one_line(sheet.called, 40)).strip("-").lower()
    key = f"{sheet.exercise}\0{sheet.student}".encode("utf-8", "surrogatepass")
    exercise = re.sub(r"[^A-Za-z0-9]+", "-", sheet.exercise)[:20]
    parts = (exercise, seen[:40], hashlib.sha256(key).hexdigest()[:16])
    return "-".join(filter(None, parts)) + ending
