"""The register of findings: each is computed now, with its interval, and says whether it holds.

``course findings`` prints all of them as one table; a lesson shows its own with
``findings.show("01")``. Findings are numbered within their lesson, in the order in which it tells
them: "4.2" is the second of lesson 04. A finding is a function that returns an
:class:`~course_lib.estimators.Interval` and whether the claim holds; it never contains the number
it reports. One that does not hold is in the table like the others, and its lesson says so.
"""

import html
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ...base import require
from ...estimators import Interval

_KNOWN: dict[str, "Finding"] = {}


class Measured(NamedTuple):
    """What the function of a finding returns: the estimate, whether the claim holds, a note."""

    interval: Interval
    holds: bool
    note: str = ""
    seeds: int = 1  # training runs behind it; one where models and pools are the bundled ones


@dataclass(frozen=True)
class Finding:
    """One claim of the course.

    What is measured, from which data, the command that makes those data, and the population that
    its interval is about.
    """

    number: str
    claim: str
    measures: str
    command: str
    population: str
    function: Callable[[], Measured]

    def __post_init__(self) -> None:
        require(
            isinstance(self.number, str) and re.fullmatch(r"[1-9]\d*\.[1-9]\d*", self.number),
            f'the number of a finding is "lesson.place", as "4.2"; got {self.number!r}.',
        )

    @property
    def place(self) -> tuple[int, int]:
        """Its lesson and its place there: (4, 2) for "4.2"."""
        lesson, place = self.number.split(".")
        return int(lesson), int(place)

    @property
    def lesson(self) -> str:
        """The lesson that tells it, "04" for "4.2"."""
        return f"{self.place[0]:02}"


@dataclass(frozen=True)
class Row:
    """A finding as measured now.

    ``estimate`` with its interval from ``low`` to ``high``, and the ``seconds`` it took. ``seeds``:
    how many training runs are behind it; ``population``: what the interval is about.
    """

    finding: str
    lesson: str
    claim: str
    measures: str
    estimate: float
    low: float
    high: float
    holds: bool
    seconds: float
    command: str
    note: str = ""
    seeds: int = 1
    population: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        return dict(vars(self))


# what intervals are about
DESK = "other topics and wordings of the help desk; its policy and reward models as they are"
DESK_SEEDS = "other topics and wordings of the help desk, other seeds of sampling and training"
PROBLEMS = "other problems of the eight kinds; the policy as it is"
PROBLEM_SEEDS = "other problems of the eight kinds, other seeds of sampling and training"


def finding(
    number: str,
    claim: str,
    measures: str,
    command: str = "course build-assets",
    population: str = DESK,
) -> Callable[[Callable[[], Measured]], Callable[[], Measured]]:
    """Register the decorated function as a finding. It returns a :class:`Measured`.

    ``number``: its lesson and its place there, "4.2"; ``claim``: one sentence, as the field says
    it; ``measures``: what the estimate is, with its unit; ``command``: what makes the data it
    reads; ``population``: what its interval is about. Raises where another finding has the number.
    """

    def register(function: Callable[[], Measured]) -> Callable[[], Measured]:
        one = Finding(number, claim, measures, command, population, function)
        taken = _KNOWN.get(number)
        require(
            taken is None or taken.function.__qualname__ == function.__qualname__,
            f"finding {number} is taken: {taken.claim if taken else ''}",
        )
        _KNOWN[one.number] = one
        return function

    return register


def interval_of(stored: Mapping[str, Any]) -> Interval:
    """The interval in a stored result, whatever else stands beside it."""
    return Interval(
        mean=stored["mean"],
        low=stored["low"],
        high=stored["high"],
        level=stored["level"],
        n=stored["n"],
    )


def known(lesson: str | None = None) -> list[Finding]:
    """The findings in order, all or one lesson's ("01").

    Raises for a lesson without findings.
    """
    in_order = sorted(_KNOWN.values(), key=lambda one: one.place)
    lesson = None if lesson is None else lesson_number(lesson)
    found = [one for one in in_order if lesson in (None, one.lesson)]
    lessons = sorted({one.lesson for one in in_order})
    require(
        found, f"no findings for lesson {lesson!r}; lessons with findings: {', '.join(lessons)}."
    )
    return found


def lesson_number(lesson: str) -> str:
    """A lesson as it is numbered here, "01", from "1", "01", "lesson 1" or a file's name.

    Anything else stays as it is.
    """
    match = re.fullmatch(r"(?:lesson)?[ _-]*([0-9]+)(?:_.*)?", str(lesson).strip(), re.IGNORECASE)
    return f"{int(match[1]):02}" if match else str(lesson)


def measure(one: Finding) -> Row:
    """Compute a :class:`Finding` now."""
    started = time.perf_counter()
    measured = Measured(*one.function())
    value = measured.interval
    require(
        isinstance(value, Interval),
        f"finding {one.number} must return an Interval; got {type(value).__name__}.",
    )
    return Row(
        finding=one.number,
        lesson=one.lesson,
        claim=one.claim,
        measures=one.measures,
        estimate=value.mean,
        low=value.low,
        high=value.high,
        holds=bool(measured.holds),
        seconds=round(time.perf_counter() - started, 2),
        command=one.command,
        note=measured.note,
        seeds=measured.seeds,
        population=one.population,
    )


def show(lesson: str | None = None) -> "Table":
    """Measure the findings of a lesson (or all) and return them as a :class:`Table`."""
    return Table([measure(one) for one in known(lesson)])


# ---- the table ---------------------------------------------------------------------------------


def _estimate(row: Row) -> str:
    """The estimate and its interval, rounded alike."""
    size = abs(row.estimate)
    digits = 0 if size >= 100 else 3 if size < 0.1 else 2
    mean, low, high = (f"{x:,.{digits}f}" for x in (row.estimate, row.low, row.high))
    return f"{mean} [{low}, {high}]"


def _note(row: Row) -> str:
    return f". {row.note}" if row.note else ""


def _cell(row: Row) -> str:
    """The claim, what was measured, and folded under that what else is known."""
    more = "".join(
        f"<div>{html.escape(text)}</div>"
        for text in (row.note, f"For {row.population}", f"Seeds: {row.seeds}")
        if text
    )
    return (
        f'{html.escape(row.claim)}<details style="font-size:.87em">'
        f'<summary style="opacity:.75">{html.escape(row.measures)}</summary>{more}</details>'
    )


class Table:
    """Rows of findings, as text and, in a notebook, as a table.

    The table has three columns, so that it fits a telephone; what else is known of a finding is
    folded under what was measured.
    """

    HEAD = ("", "claim, and what was measured", "estimate, 95 %")

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = rows

    def __repr__(self) -> str:
        lines = []
        for row in self.rows:
            holds = "holds" if row.holds else "DOES NOT HOLD"
            lines.append(f"{row.finding}  {holds}: {row.claim}")
            lines.append(f"    {row.measures}: {_estimate(row)}{_note(row)}")
            lines.append(f"    for {row.population}; seeds: {row.seeds}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        style = 'style="text-align:left;vertical-align:top;padding:4px 6px"'
        head = "".join(f'<th scope="col" {style}>{title}</th>' for title in self.HEAD)
        body = []
        for row in self.rows:
            value = _estimate(row).replace("-", "−").replace(" [", "<br>[")
            holds = "holds" if row.holds else "<b>does not hold</b>"
            cells = (
                f"<b>{row.finding}</b>",
                _cell(row),
                f'<span style="white-space:nowrap">{value}<br>{holds}</span>',
            )
            columns = "".join(f"<td {style}>{cell}</td>" for cell in cells)
            body.append(f"<tr>{columns}</tr>")
        return (
            '<div style="overflow-x:auto" tabindex="0"><table>'
            f"<thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table></div>"
        )
