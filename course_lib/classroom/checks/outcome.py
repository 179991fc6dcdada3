"""What a check found: parts, points, and the first thing that is wrong."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any


class Wrong(Exception):
    """A property does not hold.

    ``message`` says so in the reader's terms; ``shown`` is the input and output that show it.
    """

    def __init__(self, message: str, shown: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.shown = shown


class NotWritten(Wrong):
    """The reader has not written this task yet."""


class CheckFailed(AssertionError):
    """A check that did not pass: its message stands alone, without a traceback.

    A notebook shows ``card()`` in its place where there is one (:mod:`.showing`).
    """

    def __init__(self, message: str, card: Callable[[], Any] | None = None) -> None:
        super().__init__(message)
        self.card = card

    def _render_traceback_(self) -> list[str]:
        return str(self).split("\n")


@dataclass
class Part:
    """One property: its name, its points, and what was wrong when it did not hold.

    ``shown``: the call that shows it and what came of it, in a line; ``given``: the arguments of
    that call, as (name, value) in words, and ``gave`` what came of it, where both can be told
    apart.
    """

    name: str
    points: float
    passed: bool = False
    message: str = ""
    shown: str = ""
    given: Sequence[tuple[str, str]] = ()
    gave: str = ""


@dataclass
class Outcome:
    """What a check found: ``points`` of ``most``, and its parts.

    ``written`` is False for an untouched stub.
    """

    task: str
    most: float
    parts: list[Part] = field(default_factory=list)
    written: bool = True

    @property
    def points(self) -> float:
        """The points of the parts that passed."""
        return round(sum(part.points for part in self.parts if part.passed), 6)

    @property
    def passed(self) -> bool:
        """Whether every part passed."""
        return self.written and all(part.passed for part in self.parts)

    @property
    def message(self) -> str:
        """The first thing that is wrong, or the empty text."""
        return next((part.message for part in self.parts if not part.passed), "")

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for the log of ``course check``."""
        return {
            "task": self.task,
            "points": self.points,
            "most": self.most,
            "passed": self.passed,
            "written": self.written,
            "message": self.message,
            "parts": [vars(part) for part in self.parts],
        }
