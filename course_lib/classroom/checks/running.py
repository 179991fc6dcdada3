"""``course check ex03``: run a reader's notebook in a fresh kernel and say where they stand.

After each cell that checks an answer this process sends a cell of its own, which loads the checks
anew from their files and tries the answer again (``witness.py``). Only what that cell says counts:
not what a cell of the notebook says of itself, nor what it has put in the place of a check. A cell
that fails does not end the run.

This is for readers one trusts. The answer and its check still run in one process, whose Python a
notebook can change from the ground up.
"""

import ast
import contextlib
import json
import os
import re
import secrets
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ...base import CourseError, nothing, require
from ..record import record_task
from .compare import as_sentence
from .links import find_notebook
from .listing import exercises, tasks
from .registry import RUNNING

Heard = Callable[[str, dict[str, Any]], None]  # of a task's id and what its check said
HERE = Path(__file__).parent
TIMEOUT = 120  # seconds a cell
MISSING = (
    "its check did not run: was its cell deleted, or does the cell above it stop with an error, or "
    f"take longer than {TIMEOUT} seconds? Run that cell and look."
)


def exercise_of(path: Path | str) -> str:
    """The exercise ("ex01") that a notebook is about: the one whose checks it imports.

    Raises when the file is not a notebook, or of none.
    """
    name = Path(path).name
    try:
        cells = json.loads(Path(path).read_text(encoding="utf-8"))["cells"]
        text = "\n".join("".join(cell["source"]) for cell in cells)
    except (ValueError, KeyError, TypeError) as error:
        raise CourseError(
            f"{name} cannot be read as a notebook ({type(error).__name__}). Was it saved whole? "
            "JupyterLab keeps an older state: File, Revert Notebook to Checkpoint."
        ) from None
    found = re.search(r"course_lib\.classroom\.checks import (ex\d\d)\b", text)
    require(
        found and found[1] in exercises(),
        f"{name} imports no checks of an exercise. Its first cells should say: "
        "from course_lib.classroom.checks import ex01 as check. "
        f"The exercises are {', '.join(exercises())}.",
    )
    return found[1]


def run_notebook(
    path: Path | str, exercise: str, heard: Heard = nothing
) -> dict[str, dict[str, Any]]:
    """Run every cell of the notebook in a fresh kernel, failing ones included.

    Returns task id → what its check said, the last time where it ran twice; ``heard`` is called
    with both as each check ends. The notebook is not changed.
    """
    try:
        import nbformat
        from nbclient import NotebookClient
        from nbclient.exceptions import CellTimeoutError, DeadKernelError
    except ImportError as missing:
        raise CourseError(
            f"running a notebook needs nbclient, which is not installed here ({missing.name} is "
            "missing). Install it: pip install nbclient."
        ) from None
    notebook = nbformat.read(path, as_version=4)
    witnesses, cells = [], []
    for cell in notebook.cells:
        code = cell.source if cell.cell_type == "code" else ""
        asked = [Witness(*found) for found in checked_in(code, exercise)]
        cells += [cell, *(nbformat.v4.new_code_cell(w.source) for w in asked)]
        witnesses += asked
    notebook.cells = cells
    by_source = {witness.source: witness for witness in witnesses}

    def executed(cell: Any, **_: Any) -> None:
        witness = by_source.get(cell.source)
        found = witness.heard(cell.outputs) if witness else None
        if found:
            heard(witness.task, found)

    client = NotebookClient(
        notebook,
        timeout=TIMEOUT,
        interrupt_on_timeout=True,
        kernel_name="python3",  # the one named in the file may be another machine's
        allow_errors=True,
        on_cell_executed=executed,
        resources={"metadata": {"path": str(Path(path).resolve().parent)}},
    )
    # ipykernel 6 warns on stderr otherwise
    environment = {"PYDEVD_DISABLE_FILE_VALIDATION": "1", **os.environ, RUNNING: "1"}
    # what was checked until then counts
    with contextlib.suppress(CellTimeoutError, DeadKernelError):
        # what a kernel says of itself is nothing for the reader of a notebook
        client.execute(env=environment, stderr=subprocess.DEVNULL)
    said = {cell.source: cell.outputs for cell in cells if cell.cell_type == "code"}
    return {w.task: found for w in witnesses if (found := w.heard(said[w.source]))}


class Witness:
    """A cell that tries an answer again: ``source``, and how to read what it prints."""

    def __init__(self, task: str, expression: str) -> None:
        self.task = task
        self.nonce = secrets.token_hex(16)
        code = (HERE / "witness.py").read_text(encoding="utf-8")
        told = f"told['tell'](value, {task!r}, {str(HERE)!r}, {self.nonce!r})"
        # in names of its own, whatever the notebook calls print or json
        self.source = (
            f"(lambda told, value: (__import__('builtins').exec({code!r}, told), {told}))"
            f"({{}}, {expression})"
        )

    def heard(self, outputs: list[dict[str, Any]]) -> dict[str, Any] | None:
        """What the cell said of the answer; None when it said nothing that can be read."""
        text = "".join(out.get("text", "") for out in outputs if out.get("name") == "stdout")
        lines = [line for line in text.splitlines() if line.startswith(self.nonce)]
        with contextlib.suppress(ValueError):
            found = json.loads(lines[-1].removeprefix(self.nonce)) if lines else None
            return found if isinstance(found, dict) and found.get("task") == self.task else None
        return None


def checked_in(source: str, exercise: str) -> Iterator[tuple[str, str]]:
    """(task id, handed-in expression) of each check that a cell calls."""
    plain = re.sub(r"^\s*[%!?].*$", "", source, flags=re.MULTILINE)  # IPython's own lines
    try:
        tree = ast.parse(plain)
    except SyntaxError:
        return
    known = tasks(exercise)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        of_checks = isinstance(node.func.value, ast.Name) and node.func.attr in known
        if of_checks and len(node.args) == 1 and not node.keywords:
            yield known[node.func.attr].id, ast.unparse(node.args[0])


def standing(
    name: Path | str, folder: Path | str = ".", heard: Heard = nothing
) -> list[dict[str, Any]]:
    """Where a reader stands in an exercise: a list with one dictionary per task.

    ``task``, ``points``, ``most``, ``written``, ``message``, ``read``. ``heard`` is called with a
    task's id and what its check said, as each ends.
    """
    path = find_notebook(name, folder)
    exercise = exercise_of(path)
    return rows_of(exercise, run_notebook(path, exercise, heard), MISSING)


def rows_of(exercise: str, outcomes: dict[str, dict], missing: str) -> list[dict[str, Any]]:
    """One dictionary per task of ``exercise``.

    ``outcomes``: task id → what its check said; ``missing`` is said of tasks without one.
    """
    rows = []
    for task in tasks(exercise).values():
        found = outcomes.get(task.id, {"points": 0, "written": False, "message": missing})
        rows.append(
            {
                "task": task.id,
                "points": found["points"],
                "most": task.points,
                "written": found["written"],
                "message": found["message"],
                "read": task.read,
            }
        )
    return rows


def text_of(rows: list[dict[str, Any]]) -> str:
    """:func:`standing` for a reader."""
    points = sum(row["points"] for row in rows)
    most = sum(row["most"] for row in rows)
    lines = [f"{points:g} of {most:g} points"]
    for row in rows:
        state = state_of(row)
        lines.append(f"  {state:8} {row['task']:28} {row['points']:g} of {row['most']:g}")
        if state == "begun" or row["message"] == MISSING:
            lines.append(f"           {as_sentence(row['message'])}")
    unfinished = [row for row in rows if row["points"] < row["most"]]
    lines.append(_next_step(unfinished[0]) if unfinished else "Everything is done.")
    return "\n".join(lines)


def state_of(row: dict[str, Any]) -> str:
    """A task's state in a word: "done", "begun" or "not yet"."""
    if row["points"] == row["most"]:
        return "done"
    return "begun" if row["written"] else "not yet"


def _next_step(row: dict[str, Any]) -> str:
    """The last line of :func:`text_of`: what to do about the first unfinished task."""
    name = row["task"].split(".")[1]
    said_above = row["written"] or row["message"] == MISSING
    message = "" if said_above else f" {as_sentence(row['message'])}"
    return f"Next: {name}.{message} It is explained in {row['read']}; check.{name}.hint(1) helps."


def remember(rows: list[dict[str, Any]]) -> None:
    """Keep a standing's points in the reader's progress.

    An unreadable progress file is left alone.
    """
    with contextlib.suppress(CourseError, OSError):
        for row in rows:
            if row["written"]:
                record_task(row["task"], row["points"], row["most"])
