"""What a reader guessed before an answer, and numbers in words: read by questions and figures."""

import math
from typing import Any

from ..base import CourseError
from .record import load_guesses


def guess(name: str) -> float | str | None:
    """The reader's guess that :func:`course_lib.classroom.quiz.predict` kept under ``name``.

    A number, or the text of the option chosen; None when there is none, and when the progress file
    cannot be read (the card says so): a lesson goes on without a guess.
    """
    try:
        value = load_guesses().get(name, {}).get("value")
    except CourseError:
        return None
    return value if isinstance(value, str) or is_number(value) else None


def is_number(value: Any) -> bool:
    """Whether ``value`` is a finite number; True and False are none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def in_words(value: float | str, unit: str = "") -> str:
    """A value with its unit: "1.2 points", "8 %", "1 point"; a text as it is.

    Numbers have at most four digits that count, from 1,000 on all before the point.
    """
    if isinstance(value, str):
        return value
    value = float(value)
    number = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    if number == "1" and len(unit) > 2 and unit.endswith("s") and not unit.endswith("ss"):
        unit = unit[:-1]
    return f"{number.replace('-', '−')} {unit}".strip()
