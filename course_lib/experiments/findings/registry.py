"""The sixteen findings of the course, each computed from stored pools and results or live, with its
interval.

``course findings`` prints them as one table; a lesson shows its own with ``findings.show("01")``. A
finding is a function that returns an :class:`~course_lib.estimators.Interval` and whether the claim
holds; it never contains the number it reports. One that does not hold is in the table like the
others, and its lesson says so.
"""

import html
import time
from dataclasses import dataclass
from importlib import import_module

from ...base import require
from ...estimators import Interval

# in the order of the lessons
MODULES = ("best_of_n", "candidates", "choosing", "rounds", "verifiable", "rlhf")

_KNOWN = {}


@dataclass(frozen=True)
class Finding:
    """One claim of the course: what is measured, from which data, and the command that makes those
    data.
    """

    number: int
    lesson: str
    claim: str
    measures: str
    command: str
    function: object


@dataclass(frozen=True)
class Row:
    """A finding as measured now.

    ``estimate`` with its interval from ``low`` to ``high``, and the ``seconds`` it took.
    """

    finding: int
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

    def to_dict(self):
        """Plain data, for JSON."""
        return dict(vars(self))


def finding(number, lesson, claim, measures, command="course build-assets"):
    """Register the decorated function as a finding. It returns (Interval, holds) or (Interval,
    holds, note).

    ``claim``: one sentence, as the field says it; ``measures``: what the estimate is, with its
    unit; ``command``: what makes the data it reads.
    """

    def register(function):
        _KNOWN[number] = Finding(number, lesson, claim, measures, command, function)
        return function

    return register


def known(lesson=None):
    """The findings in order, all or one lesson's ("01")."""
    for name in MODULES:
        import_module(f"{__package__}.{name}")
    found = [_KNOWN[number] for number in sorted(_KNOWN) if lesson in (None, _KNOWN[number].lesson)]
    lessons = sorted({f.lesson for f in _KNOWN.values()})
    require(
        found, f"no findings for lesson {lesson!r}; lessons with findings: {', '.join(lessons)}."
    )
    return found


def measure(one):
    """Compute a :class:`Finding` now: a :class:`Row`."""
    started = time.perf_counter()
    value, holds, *note = one.function()
    require(
        isinstance(value, Interval),
        f"finding {one.number} must return an Interval; got {type(value).__name__}.",
    )
    return Row(
        one.number,
        one.lesson,
        one.claim,
        one.measures,
        value.mean,
        value.low,
        value.high,
        bool(holds),
        round(time.perf_counter() - started, 2),
        one.command,
        *note,
    )


def _number(x):
    return f"{x:,.0f}" if abs(x) >= 100 else f"{x:.3g}"


class Table:
    """Rows of findings, as text and, in a notebook, as a table."""

    def __init__(self, rows):
        self.rows = rows

    def __repr__(self):
        lines = []
        for r in self.rows:
            lines += [
                f"{r.finding:2}  lesson {r.lesson}  {'holds' if r.holds else 'DOES NOT HOLD'}: "
                f"{r.claim}",
                f"    {r.measures}: {_number(r.estimate)} [{_number(r.low)}, {_number(r.high)}]"
                + (f". {r.note}" if r.note else ""),
            ]
        return "\n".join(lines)

    def _repr_html_(self):
        head = "".join(
            f'<th scope="col" style="text-align:left">{h}</th>'
            for h in ("finding", "claim", "what was measured", "estimate [95 %]", "holds")
        )
        body = "".join(
            "<tr>"
            + "".join(
                f'<td style="text-align:left">{html.escape(cell)}</td>'
                for cell in (
                    str(r.finding),
                    r.claim,
                    r.measures + (f". {r.note}" if r.note else ""),
                    f"{_number(r.estimate)} [{_number(r.low)}, {_number(r.high)}]",
                    "yes" if r.holds else "no",
                )
            )
            + "</tr>"
            for r in self.rows
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def show(lesson=None):
    """Measure the findings of a lesson (or all) and return them as a :class:`Table`."""
    return Table([measure(one) for one in known(lesson)])
