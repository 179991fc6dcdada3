"""Checks in a notebook: a card in place of lines, and a word where the task's cell did not run.

A failed check fails its cell, so that "Run All" stops there, but leaves no red box: IPython hands
the exception over to :class:`Cards`, which shows its card. Where nobody reads cards (a terminal,
``course check``, nbgrader, nbval) nothing here is in use, and :class:`~.registry.Plain` prints.
"""

import os
import re
import sys
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any

from ...base import in_notebook, on_colab
from . import cards
from .outcome import CheckFailed, Outcome
from .registry import RUNNING, Plain, Task, show_by

PLAIN = (RUNNING, "NBGRADER_EXECUTION", "PYTEST_CURRENT_TEST")  # the last is nbval's
DEFINED = re.compile(r"^(?:async\s+)?(?:def|class)\s+(\w+)|^(\w+)\s*(?::[^=\n]+)?=(?!=)", re.M)
MOST = 200  # characters of an error's own words


def shows_cards() -> bool:
    """Whether a reader sees what a cell shows as HTML."""
    return in_notebook() and not any(map(os.environ.get, PLAIN))


class Cells:
    """Which names were to be defined by a cell that failed, and why it did.

    IPython tells of each cell before and after it runs. A cell is known by the names that its text
    defines, and once it has run by its id, where IPython has one: the text may be spoilt.
    """

    def __init__(self, names: dict[str, Any]) -> None:
        self.names = names  # of the notebook
        self.failed: dict[str, str] = {}  # name → why
        self.source = ""  # of the cell that runs
        self._of_cell: dict[str, set[str]] = {}  # cell id → the names it defines
        self._before: dict[str, Any] = {}

    def begins(self, info: Any) -> None:
        """A cell begins."""
        self.source = info.raw_cell or ""
        defined = {a or b for a, b in DEFINED.findall(self.source)}
        before = self._of_cell.get(getattr(info, "cell_id", None) or "", set())
        self._before = {name: self.names.get(name) for name in defined | before}

    def ends(self, result: Any) -> None:
        """It has ended: ``result`` is IPython's ``ExecutionResult``."""
        error = result.error_before_exec or result.error_in_exec
        for name, before in self._before.items():
            if error is not None and self.names.get(name) is before:
                self.failed[name] = self._words(error)
            else:
                self.failed.pop(name, None)
        cell = getattr(result.info, "cell_id", None)
        if cell and error is None:
            self._of_cell[cell] = {a or b for a, b in DEFINED.findall(self.source)}
        self._before = {}

    def _words(self, error: BaseException) -> str:
        """An error in a line, with the line of the cell where it arose."""
        if isinstance(error, KeyboardInterrupt):
            return "it was interrupted."
        said = error.msg if isinstance(error, SyntaxError) else str(error).strip()
        line = error.lineno if isinstance(error, SyntaxError) else self._line(error.__traceback__)
        said = ": ".join(filter(None, (type(error).__name__, said.split("\n")[0][:MOST])))
        return f"{said} (line {line})." if line else f"{said.rstrip('.')}."

    def _line(self, trace: TracebackType | None) -> int | None:
        """The line of the cell where an error passed."""
        while trace is not None and trace.tb_frame.f_globals is not self.names:
            trace = trace.tb_next
        return trace.tb_lineno if trace else None


class Cards(Plain):
    """How results are shown in a notebook.

    ``loud``: with one short line of error below a card, for front ends that may look for one.
    """

    def __init__(self, cells: Cells, loud: bool) -> None:
        self.cells = cells
        self.loud = loud

    def stale(self, value: Any) -> str:
        """Why the cell that defines ``value`` did not run when it was last tried, or ""."""
        names = self.cells.names
        found = (why for name, why in self.cells.failed.items() if names.get(name) is value)
        return next(found, "")

    def passed(self, task: Task, found: Outcome, stale: str) -> None:
        """Show the green card."""
        cards.show(cards.of_outcome(task, found, stale))

    def failed(self, task: Task, found: Outcome, stale: str) -> Callable[[], cards.Card]:
        """What makes the card of a failed check."""
        return lambda: cards.of_outcome(task, found, stale)

    def lacking(self, text: str, tasks: Sequence[Task]) -> Callable[[], cards.Card]:
        """What makes the card of a cell that waits for ``tasks``."""
        return lambda: cards.of_waiting(text, tasks)

    def undefined(self, name: str | None) -> cards.Card | None:
        """The card for a check of a name that stands for nothing yet; None in any other cell."""
        calls = re.findall(r"(\w+)\.(\w+)\(\s*(\w+)\s*\)", self.cells.source)
        for module, attribute, handed_in in calls:
            task = getattr(self.cells.names.get(module), attribute, None)
            if handed_in == name and isinstance(task, Task):
                return cards.of_undefined(task, self.cells.failed.get(name, ""))
        return None

    def stopped(
        self, shell: Any, kind: type, error: BaseException, trace: Any, tb_offset: Any = None
    ) -> None:
        """Show an error of a cell: as its card where it has one."""
        if isinstance(error, CheckFailed):
            card = error.card() if error.card else None
        else:
            card = self.undefined(getattr(error, "name", None))
        if card is None:
            shell.showtraceback((kind, error, trace), tb_offset=tb_offset)
            return
        cards.show(card)
        if self.loud:
            shell.showtraceback((CheckFailed, CheckFailed(card.short), None))


def watch() -> None:
    """Show results as cards from now on, where there is a reader of cards."""
    if not shows_cards():
        return
    shell = sys.modules["IPython"].get_ipython()
    # front ends where it was not tried whether a failed cell without an error stops "Run All"
    loud = on_colab() or any(name.startswith("VSCODE_") for name in os.environ)
    how = Cards(Cells(shell.user_ns), loud)
    shell.events.register("pre_run_cell", how.cells.begins)
    shell.events.register("post_run_cell", how.cells.ends)
    others, theirs = shell.custom_exceptions, shell.CustomTB

    def handler(shell: Any, kind: type, error: Any, trace: Any, tb_offset: Any = None) -> Any:
        if others and issubclass(kind, others) and not issubclass(kind, CheckFailed):
            return theirs(kind, error, trace, tb_offset)
        return how.stopped(shell, kind, error, trace, tb_offset)

    shell.set_custom_exc((CheckFailed, NameError, *others), handler)
    show_by(how)
