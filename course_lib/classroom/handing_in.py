"""Answers to questions travel with the notebook: in the output of its last cell.

They are kept in the progress file, which nobody hands in. So ``checks.report`` writes those of the
exercise and of its lesson below its cell, where JupyterLab, VS Code and Colab save them with the
notebook: a card for the reader, and one line of JSON in the plain text beside it. Whoever can edit
a notebook can edit that line; the computer's questions have public answers anyway.
"""

import html
import json
from collections.abc import Mapping
from typing import Any

from ..base import CourseError
from .quiz.items import NOTEBOOKS, items, lessons, place_name
from .record import read_record
from .web import fold, still

MARK = "course-answers:"  # begins the line
LONGEST = 20_000  # characters of an answer that are handed in
AGAIN = "Answer the questions first, run this cell, save the notebook (Ctrl+S), then hand it in."


def places_of(exercise: str) -> list[str]:
    """The exercise and its lessons, as far as they have questions: ["ex09", "09a", "09b"]."""
    number = exercise.removeprefix("ex")
    own = [exercise, *(name for name in NOTEBOOKS if name.startswith(number))]
    return [place for place in own if place in lessons()]


def kept_answers(exercise: str) -> dict[str, dict[str, Any]]:
    """Item id → what is kept of it, for the exercise and its lessons.

    ``answer`` (letters, or the text of a case), ``at``, ``tries``, and ``points``: those rows of a
    case's rubric that the reader found in the own answer. Raises where the progress file cannot be
    read.
    """
    kept = read_record()["items"]
    ids = [item["id"] for place in places_of(exercise) for item in items(place)]
    return {item: found for item in ids if (found := _handed(kept.get(item, {})))}


def _handed(entry: Mapping[str, Any]) -> dict[str, Any]:
    answers = [each for each in entry.get("answers") or [] if isinstance(each, dict)]
    last = answers[-1] if answers else {}
    given = entry.get("draft") or last.get("answer")
    if not isinstance(given, str) or not given.strip():
        return {}
    found = {"answer": given[:LONGEST], "at": last.get("at"), "tries": len(answers)}
    if answers:
        found["first"] = answers[0].get("answer")
    return found | ({"points": last["points"]} if "points" in last else {})


def line_of(answers: Mapping[str, Any]) -> str:
    """The line of JSON, in ASCII."""
    return f"{MARK} {json.dumps({'format': 1, 'items': dict(answers)})}"


class HandedIn:
    """What the last cell shows: which answers go with the notebook, and the line with them."""

    def __init__(self, exercise: str) -> None:
        self.exercise = exercise
        self.error = ""
        self.answers: dict[str, dict[str, Any]] = {}
        try:
            self.answers = kept_answers(exercise)
        except (CourseError, OSError) as error:
            self.error = str(error)

    def sentence(self) -> str:
        """What goes with the notebook, in words."""
        if self.error:
            return f"No answers to questions go with this notebook: {self.error}"
        parts = []
        for place in places_of(self.exercise):
            ids = [item["id"] for item in items(place)]
            count = sum(item in self.answers for item in ids)
            parts.append(f"{count} of {len(ids)} of {place_name(place)}")
        return f"Answers to questions that go with this notebook: {', '.join(parts)}. {AGAIN}"

    def __repr__(self) -> str:
        return f"{self.sentence()}\n{line_of(self.answers)}"

    def html(self) -> str:
        """The card: the sentence, and the answers folded."""
        rows = "".join(
            f"<p><b>{html.escape(item)}</b></p><p>{_lines(found['answer'])}</p>"
            for item, found in self.answers.items()
        )
        folded = fold("What is handed in", rows) if rows else ""
        words = f'<p class="ck-says">{html.escape(self.sentence())}</p>'
        return still(f'<div class="ck-check">{words}{folded}</div>', "check")

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/plain": repr(self), "text/html": self.html()}


def _lines(text: str) -> str:
    return html.escape(text).replace("\n", "<br>")


def show(exercise: str) -> None:
    """Show below the cell what goes with the notebook."""
    from IPython.display import display

    display(HandedIn(exercise))
