"""``course check ex03``: run a reader's notebook in a fresh kernel and say where they stand, task
by task.

The notebook runs under nbval where that is installed, and otherwise through nbclient, which Colab
has. Either way each check writes its outcome to a log, and points are read from there: a cell that
fails does not end the run.
"""

import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from ...base import CourseError, require
from .compare import as_sentence
from .listing import exercises, tasks
from .registry import OUTCOMES

TIMEOUT = 120  # seconds a cell
MISSING = (
    "its check did not run: was its cell deleted, or does the cell above it stop with an "
    f"error, or take longer than {TIMEOUT} seconds? Run that cell and look."
)


def find_notebook(name, folder="."):
    """The reader's notebook: ``name`` itself when it is a file, else the one of exercise ``name``
    in ``folder`` or its exercises/; of several the shortest name.
    """
    if str(name).endswith(".ipynb"):
        require(
            Path(name).is_file(),
            f"no notebook at {name}. Give the path of your copy, or the exercise's name, such "
            "as ex01.",
        )
        return Path(name)
    require(
        re.fullmatch(r"\w+", str(name)),
        f"no exercise {name!r}; give a name such as ex01, or the path of your notebook.",
    )
    found = [
        path
        for place in (Path(folder), Path(folder) / "exercises")
        for path in [*place.glob(f"{name}.ipynb"), *place.glob(f"{name}_*.ipynb")]
    ]
    require(
        found,
        f"no notebook {name}_….ipynb here or in exercises/. Go to the folder that holds it, or "
        "give its path.",
    )
    return min(found, key=lambda path: len(path.name))


def exercise_of(path):
    """The exercise ("ex01") that a notebook is about: the one whose checks it imports.

    Raises when the file is not a notebook, or of none.
    """
    try:
        cells = json.loads(Path(path).read_text(encoding="utf-8"))["cells"]
        text = "\n".join("".join(cell["source"]) for cell in cells)
    except (ValueError, KeyError, TypeError) as error:
        raise CourseError(
            f"{Path(path).name} cannot be read as a notebook ({type(error).__name__}). Was it "
            "saved whole? JupyterLab keeps an older state: File, Revert Notebook to "
            "Checkpoint."
        ) from None
    found = re.search(r"course_lib\.classroom\.checks import (ex\d\d)\b", text)
    require(
        found and found[1] in exercises(),
        f"{Path(path).name} imports no checks of an exercise. Its first cells should say: from "
        "course_lib.classroom.checks import ex01 as check. The exercises are "
        f"{', '.join(exercises())}.",
    )
    return found[1]


def run_notebook(path, log):
    """Run every cell of the notebook in a fresh kernel, failing ones included.

    Outcomes of checks go to the file ``log``. The notebook is not changed.
    """
    environment = {**os.environ, "COURSE_CHECK_LOG": str(log)}
    try:
        import nbval  # noqa: F401
        import pytest  # noqa: F401

        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "--nbval-lax",
            f"--nbval-cell-timeout={TIMEOUT}",
            "--nbval-current-env",
            "-p",
            "no:cacheprovider",
            "-p",
            "no:xdist",
            str(Path(path).name),
        ]
        subprocess.run(
            command,
            env=environment,
            cwd=Path(path).resolve().parent,
            capture_output=True,
            text=True,
        )
    except ImportError:
        _run_with_nbclient(path, environment)


def _run_with_nbclient(path, environment):
    try:
        import nbformat
        from nbclient import NotebookClient
        from nbclient.exceptions import CellTimeoutError, DeadKernelError
    except ImportError as missing:
        raise CourseError(
            "running a notebook needs nbval or nbclient, and neither is installed here "
            f"({missing.name} is missing). Install one: pip install nbclient."
        ) from None
    # ipykernel 6 warns on stderr otherwise
    environment = {"PYDEVD_DISABLE_FILE_VALIDATION": "1", **environment}
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=TIMEOUT,
        interrupt_on_timeout=True,
        kernel_name="python3",
        allow_errors=True,
        resources={"metadata": {"path": str(Path(path).resolve().parent)}},
    )
    # what was checked until then counts
    with contextlib.suppress(CellTimeoutError, DeadKernelError):
        client.execute(env=environment)


def standing(name, folder="."):
    """Where a reader stands in an exercise: a list with one dictionary per task.

    ``task``, ``points``, ``most``, ``written``, ``message``, ``read``.
    """
    path = find_notebook(name, folder)
    exercise = exercise_of(path)
    with tempfile.TemporaryDirectory() as scratch:
        log = Path(scratch) / "log.jsonl"
        run_notebook(path, log)
        lines = (
            [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
            if log.is_file()
            else []
        )
    # a task checked twice counts as the last check said
    last = {line["task"]: line for line in lines}
    return _rows(exercise, last, MISSING)


def _rows(exercise, outcomes, missing):
    """One dictionary per task of ``exercise`` from ``outcomes``, task id → what its check said.

    ``missing`` is said of tasks without one.
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


def text_of(rows):
    """:func:`standing` for a reader."""
    lines = [f"{sum(r['points'] for r in rows):g} of {sum(r['most'] for r in rows):g} points"]
    for r in rows:
        mark = (
            "done    " if r["points"] == r["most"] else "begun   " if r["written"] else "not yet "
        )
        lines.append(f"  {mark} {r['task']:28} {r['points']:g} of {r['most']:g}")
        if mark.strip() == "begun" or r["message"] == MISSING:
            lines.append(f"           {as_sentence(r['message'])}")
    following = next((r for r in rows if r["points"] < r["most"]), None)
    if following:
        name = following["task"].split(".")[1]
        # said above otherwise
        message = (
            ""
            if following["written"] or following["message"] == MISSING
            else f" {as_sentence(following['message'])}"
        )
        lines.append(
            f"Next: {name}.{message} It is explained in {following['read']}; "
            f"check.{name}.hint(1) helps."
        )
    else:
        lines.append("Everything is done.")
    return "\n".join(lines)


def remember(rows):
    """Keep a standing's points in the reader's progress.

    An unreadable progress file is left alone.
    """
    from ..record import record_task

    with contextlib.suppress(CourseError, OSError):
        for row in rows:
            if row["written"]:
                record_task(row["task"], row["points"], row["most"])


def report(name):
    """The last cell of an exercise: run this notebook as saved, in a fresh kernel, and print where
    you stand. Silent inside such a run and under nbgrader.

    Where the notebook is not in the working folder, as on Colab, the points are those of the checks
    that ran in this kernel.
    """
    if os.environ.get("COURSE_CHECK_LOG") or os.environ.get("NBGRADER_EXECUTION"):
        return
    try:
        path = find_notebook(name)
    except CourseError:
        print(
            "The notebook's file is not in the working folder, so it cannot be run from the "
            "top here (on Colab it lies elsewhere).\n"
            "These are the checks that ran since this Python started; run all cells from the "
            "top to be sure."
        )
        print(
            text_of(
                _rows(
                    name,
                    {task: outcome.to_dict() for task, outcome in OUTCOMES.items()},
                    "its check has not run here yet.",
                )
            )
        )
        return
    print(
        f"Running {path.name} as it was last saved (Ctrl+S saves) in a fresh Python ...", flush=True
    )
    rows = standing(path)
    remember(rows)
    print(text_of(rows))
