"""Guesses before an answer is shown: a slider or a choice, kept (``web/parts/predict.js``)."""

import html
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from ...base import CourseError, require
from ..guesses import guess, in_words, is_number
from ..record import kept_in, load_progress, record_guess
from ..web import LinkedCard

MOST_STEPS = 1000  # of a slider
LONGEST = 200  # characters of a name and of an option


def predict(
    name: str,
    question: str,
    low: float | None = None,
    high: float | None = None,
    step: float | None = None,
    unit: str = "",
    start: float | None = None,
    options: Sequence[str] | None = None,
) -> LinkedCard:
    """Ask for a guess: a number from ``low`` to ``high`` by ``step``, or one of ``options``.

    ``name``: under which it is kept, such as "01-gain"; ``unit``: such as "points" or "%";
    ``start``: where the slider stands at first (default: the middle). The card shows what was kept
    before, and it can be changed. In a terminal it is only the question. :func:`guess` gives what
    was kept, ``Figure.guessed`` draws it, ``show.guess`` says it beside the answer.
    """
    require(isinstance(name, str) and 0 < len(name) <= LONGEST, f"a name is a text; got {name!r}.")
    if options is not None:
        asked, below = _choice(name, options, (low, high, step))
    else:
        asked, below = _slider(name, low, high, step, start, unit)
    try:
        load_progress()
        error = ""
    except CourseError as fault:
        error = str(fault)
    data = {"name": name, "question": question, "kept": guess(name), "error": error, **asked}
    still = f"<p><b>{html.escape(question)}</b></p><p>{html.escape(below)}</p>"
    return LinkedCard("predict", data, f"{question} {below}", still, hearer=heard_guess)


def _choice(name: str, options: Sequence[str], numbers: Sequence[Any]) -> tuple[dict, str]:
    """What the browser needs for a choice, and the options as a sentence."""
    require(
        not isinstance(options, str)
        and len(options) >= 2
        and all(isinstance(each, str) and 0 < len(each) <= LONGEST for each in options)
        and len(set(options)) == len(options),
        f"the options of {name!r} are two different texts or more; got {options!r}.",
    )
    require(
        all(number is None for number in numbers),
        f"{name!r} has options: it takes no low, high or step.",
    )
    return {"options": list(options)}, f"{'; '.join(options)}."


def _slider(
    name: str,
    low: float | None,
    high: float | None,
    step: float | None,
    start: float | None,
    unit: str,
) -> tuple[dict, str]:
    """What the browser needs for a slider, and its range as a sentence."""
    require(
        is_number(low) and is_number(high) and is_number(step) and low < high and step > 0,
        f"{name!r} needs low, high and step, numbers with low < high and step > 0, or options; "
        f"got {low!r}, {high!r} and {step!r}.",
    )
    first, wide, by = (Decimal(str(each)) for each in (low, high, step))
    steps = (wide - first) / by
    require(
        steps == int(steps) and steps <= MOST_STEPS,
        f"from {low} to {high} must be at most {MOST_STEPS} whole steps of {step}.",
    )
    begin = (Decimal(str(start)) - first) / by if is_number(start) else int(steps / 2)
    require(
        start is None or (begin == int(begin) and 0 <= begin <= steps),
        f"start must be one of the slider's values; got {start!r}.",
    )
    digits = max(0, *(-each.normalize().as_tuple().exponent for each in (first, by)))
    asked = {"low": low, "step": step, "steps": int(steps), "start": int(begin)}
    below = f"From {in_words(low)} to {in_words(high, unit)}."
    return {**asked, "digits": digits, "unit": unit, "range": below}, below


def heard_guess(message: Mapping[str, Any]) -> dict[str, Any]:
    """Keep the guess that a card sends: ``name`` and ``value``. The reply: ``file`` (where it is).

    Raises :class:`~course_lib.base.CourseError` for a value that is neither number nor text.
    """
    name, value = message["name"], message["value"]
    short = isinstance(name, str) and 0 < len(name) <= LONGEST
    text = isinstance(value, str) and 0 < len(value) <= LONGEST
    require(
        short and (text or is_number(value)),
        f"a guess is a number, or one of the options; got {value!r} for {name!r}.",
    )
    record_guess(name, value)
    return {"file": kept_in()}
