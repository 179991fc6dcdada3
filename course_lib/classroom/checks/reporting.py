"""The last cell of an exercise: where a reader stands, each task as it finishes."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from ...base import CourseError
from .. import handing_in
from . import cards
from .links import this_notebook
from .registry import OUTCOMES, RUNNING
from .running import remember, rows_of, standing, state_of, text_of
from .showing import shows_cards

NOT_HERE = """\
The notebook's file is not in the working folder, so it cannot be run from the top here (on Colab \
it lies elsewhere).
These are the checks that ran since this Python started, and their points are not kept.
Run all cells from the top to be sure."""
SAVED = "{}, as it was last saved (Ctrl+S saves), run from the top in a fresh Python"


def report(name: str) -> None:
    """Show where you stand in exercise ``name``: the last cell of its notebook.

    It runs this notebook as saved, in a fresh kernel. Silent inside such a run and under nbgrader.
    Where the notebook is not in the working folder, as on Colab, the points are those of the checks
    that ran in this kernel. In a notebook the answers to questions are written below it
    (:mod:`~..handing_in`), so that they are handed in.
    """
    if os.environ.get(RUNNING) or os.environ.get("NBGRADER_EXECUTION"):
        return
    shown = (CardReport if shows_cards() else Report)(name)
    try:
        path = this_notebook(name)
    except CourseError:
        so_far = {task: outcome.to_dict() for task, outcome in OUTCOMES.items()}
        shown.ends(rows_of(name, so_far, "its check has not run here yet."), NOT_HERE)
        hands_in(name)
        return
    saved = SAVED.format(path.name)
    shown.begins(f"{saved}: running ...")
    hands_in(name)  # before the run, which may be stopped
    try:
        rows = standing(path, heard=shown.heard)
    except BaseException:
        shown.stops()
        raise
    remember(rows)
    shown.ends(rows, f"{saved}.{lost(rows)}")


def hands_in(exercise: str) -> None:
    """Show the answers that go with the notebook, where there is one."""
    if shows_cards():
        handing_in.show(exercise)


def lost(rows: Sequence[Mapping[str, Any]]) -> str:
    """A word on tasks that had more points in this kernel than in the saved notebook."""
    more = [
        f"{row['task'].split('.')[1]} had {OUTCOMES[row['task']].points:g} points"
        for row in rows
        if row["task"] in OUTCOMES and OUTCOMES[row["task"]].points > row["points"]
    ]
    if not more:
        return ""
    return (
        f" In the notebook that is open, {' and '.join(more)}. Save it (Ctrl+S) and run this cell "
        "again. If nothing changes, its cells do not work in order from the top."
    )


class Report:
    """Where a reader stands, as lines: what runs, then the whole."""

    def __init__(self, exercise: str) -> None:
        self.exercise = exercise

    def begins(self, note: str) -> None:
        """The run begins; ``note`` says of what."""
        print(note, flush=True)

    def heard(self, task: str, found: dict[str, Any]) -> None:
        """A task has finished."""

    def stops(self) -> None:
        """The run was stopped."""

    def ends(self, rows: list[dict[str, Any]], note: str) -> None:
        """All is known."""
        if note == NOT_HERE:
            print(note)
        print(text_of(rows))


class CardReport(Report):
    """The same as a card that changes as tasks finish."""

    def __init__(self, exercise: str) -> None:
        super().__init__(exercise)
        self.found: dict[str, dict[str, Any]] = {}
        self.note = ""
        self.handle: Any = None

    def begins(self, note: str) -> None:
        """Show every task as waiting."""
        self.note = note
        self._shows(self._so_far(), f"{self.note}", note)

    def heard(self, task: str, found: dict[str, Any]) -> None:
        """Show what a task got, and that the next one runs."""
        self.found[task] = found
        self._shows(self._so_far(), self.note, self.note)

    def stops(self) -> None:
        """Show what was heard until then."""
        self._shows(self._so_far("not yet"), "The run was stopped.", "The run was stopped.")

    def ends(self, rows: list[dict[str, Any]], note: str) -> None:
        """Show the whole."""
        rows = [{**row, "state": state_of(row)} for row in rows]
        begun = f"{note}\n" if note == NOT_HERE else ""
        self._shows(rows, f"{begun}{text_of(rows)}", note)

    def _so_far(self, unheard: str = "waiting") -> list[dict[str, Any]]:
        rows, first = [], True
        for row in rows_of(self.exercise, self.found, ""):
            heard = row["task"] in self.found
            state = state_of(row) if heard else unheard
            if not heard and first and unheard == "waiting":
                state, first = "running", False
            rows.append({**row, "state": state})
        return rows

    def _shows(self, rows: list[dict[str, Any]], text: str, note: str) -> None:
        card = cards.of_standing(self.exercise, text, rows, note)
        if self.handle is None:
            self.handle = cards.show(card, display_id=True)
        else:
            self.handle.update(card)
