"""Numbers that people give: whole ones, and ones within a range."""

import math
import operator
from typing import Any

from .errors import CourseError, require


def whole(value: Any, name: str, low: int, high: int | None = None) -> int:
    """``value`` as an int between ``low`` and ``high``; 4.0 counts as 4.

    Raises :class:`~course_lib.base.CourseError` for anything else, naming it.
    """
    wanted = f"a whole number of at least {low}"
    if high is not None:
        wanted = f"a whole number from {low} to {high}"
    message = f"{name} must be {wanted}; got {_shown(value)}."
    require(not isinstance(value, bool | str | bytes), message)
    try:
        exact = operator.index(value)
    except TypeError:
        number = _as_float(value, message)
        require(math.isfinite(number) and number == int(number), message)
        exact = int(number)
    require(exact >= low and (high is None or exact <= high), message)
    return exact


def number(value: Any, name: str, low: float, high: float = math.inf, what: str = "") -> float:
    """``value`` as a finite float from ``low`` to ``high``.

    ``what`` says more of what is expected. Raises :class:`~course_lib.base.CourseError` otherwise.
    """
    above = f"from {low:g}" if high == math.inf else f"from {low:g} to {high:g}"
    message = f"{name} must be a number {above}{what}; got {_shown(value)}."
    require(not isinstance(value, bool | str | bytes), message)
    result = _as_float(value, message)
    require(math.isfinite(result) and low <= result <= high, message)
    return result


def _as_float(value: Any, message: str) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        raise CourseError(message) from None


def _shown(value: Any) -> str:
    return repr(value)[:40]
