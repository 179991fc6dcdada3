"""Answers to questions, as a handed-in notebook carries them.

``checks.report`` writes them below the last cell (:mod:`course_lib.classroom.handing_in`); a
written answer may also stand in a cell as ``quiz.answer("ex03-case", "...")``, which survives where
outputs were cleared. All of it is the student's word: it is read with limits, what the computer can
score is scored again here, and nothing says when or by whom it was written. So questions of choice
count little, and a written answer is worth what the marker finds in it.
"""

import ast
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..base import CourseError
from ..classroom.handing_in import LONGEST, MARK, places_of
from ..classroom.quiz import evaluate, items
from .notebooks import Notebook
from .sheets import harmless

MOST = 1_000_000  # characters of the line
NONE = (
    "no answers to questions came with the notebook: its last cell was not run after answering, "
    "or its outputs were cleared."
)


@dataclass(frozen=True)
class Given:
    """One answer.

    Attributes
    ----------
    kind : "single", "order" or "case".
    answer : its letters, or the text of a case.
    score : from 0 to 1, computed here; None for a case, which a person marks.
    tries : how often it was answered, as the notebook says.
    at : when, as the notebook says.
    own_points : the rows of a case's rubric that the student found in it.
    """

    kind: str
    answer: str
    score: float | None = None
    tries: int = 0
    at: str = ""
    own_points: tuple[int, ...] = ()


@dataclass
class HandedIn:
    """What came with a notebook: item id → :class:`Given`; ``problem`` in words, or ""."""

    items: dict[str, Given] = field(default_factory=dict)
    problem: str = ""


def handed_in(notebook: Notebook, exercise: str) -> HandedIn:
    """The answers to the questions of ``exercise`` and of its lessons. Never raises."""
    known = {item["id"]: item for place in places_of(exercise) for item in items(place)}
    told = [found for text in _texts(notebook) for found in [_read(text)] if found is not None]
    last: Mapping[str, Any] = told[-1] if told else {}
    found = HandedIn(problem="" if told else NONE)
    written = _written_in_cells(notebook)
    for name, item in known.items():
        given = _given(item, last.get(name))
        if item["kind"] == "case" and name in written and (given is None or not given.answer):
            given = Given("case", written[name])
        if given is not None:
            found.items[name] = given
    if found.items and not told:
        found.problem = f"{NONE} Only what stands in its cells was read."
    return found


def _texts(notebook: Notebook) -> Iterator[str]:
    """The plain texts of all outputs, in order; whatever is no text is left out."""
    for cell in notebook.cells:
        for output in cell.outputs if isinstance(cell.outputs, list) else ():
            if not isinstance(output, dict):
                continue
            data = output.get("data")
            shown = data.get("text/plain") if isinstance(data, dict) else output.get("text")
            lines = shown if isinstance(shown, list) else [shown]
            texts = [line for line in lines if isinstance(line, str)]
            if texts and len(texts) == len(lines):
                yield "".join(texts)


def _read(text: str) -> dict[str, Any] | None:
    """What the last marked line of an output holds; None where there is none to read."""
    lines = [line for line in text.split("\n") if line.startswith(MARK)]
    if not lines or len(lines[-1]) > MOST:
        return None
    try:
        told = json.loads(lines[-1].removeprefix(MARK))
    except (ValueError, RecursionError):
        return None
    held = told.get("items") if isinstance(told, dict) else None
    return held if isinstance(held, dict) else None


def _given(item: Mapping[str, Any], told: Any) -> Given | None:
    """One answer, looked at; None where it is none."""
    answer = told.get("answer") if isinstance(told, dict) else None
    if not isinstance(answer, str) or not answer.strip():
        return None
    tries, at = told.get("tries"), told.get("at")
    tries = tries if type(tries) is int and 0 <= tries < 1000 else 0
    at = harmless(at, 40) if isinstance(at, str) else ""
    if item["kind"] == "case":
        own = told.get("points")
        most = len(item["rubric"])
        rows = [n for n in own if type(n) is int] if isinstance(own, list) else []
        points = tuple(sorted({n for n in rows if 1 <= n <= most}))
        return Given("case", harmless(answer, LONGEST), None, tries, at, points)
    try:
        score, _ = evaluate(dict(item), answer[:100])
    except CourseError:
        return None
    return Given(item["kind"], harmless(answer, 100), score, tries, at)


def _written_in_cells(notebook: Notebook) -> dict[str, str]:
    """Item id → text of the last ``quiz.answer("...", "...")`` in a code cell."""
    found = {}
    for cell in notebook.cells:
        if cell.kind != "code" or "answer" not in cell.source:
            continue
        try:
            tree = ast.parse(cell.source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and _is_answer(node.func):
                texts = _constants(node.args)
                if len(texts) == 2 and texts[1].strip():
                    found[texts[0]] = harmless(texts[1], LONGEST)
    return found


def _is_answer(called: ast.expr) -> bool:
    """Whether a call is of ``quiz.answer``."""
    if not isinstance(called, ast.Attribute) or called.attr != "answer":
        return False
    return isinstance(called.value, ast.Name) and called.value.id == "quiz"


def _constants(args: Sequence[ast.expr]) -> list[str]:
    """The arguments that are texts as they stand."""
    return [a.value for a in args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
