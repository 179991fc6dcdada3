"""``course release``: what an instructor hands out, and the secret that stays behind.

A bundle is a folder with the student's notebook and instructions. ``course grade`` tries each
answer on hidden inputs too. These follow from a secret seed that is drawn here, once for each
cohort, and kept in a file outside the bundle: an answer that was hard-coded for the visible inputs,
or for another cohort's, earns nothing. A right function that was copied is right for every seed.
With ``nbgrader=True`` cells carry the metadata nbgrader reads: tasks are its solution cells, checks
its locked test cells with points.
"""

import dataclasses
import re
import secrets
from collections.abc import Iterable, Sequence
from pathlib import Path

from ..base import CourseError, atomic_directory, atomic_write, read_json, require, write_json
from .exercises import Exercise, exercise_sources
from .lessons import Lesson, notebook_text, repository_address
from .links import absolute
from .places import ROOT

KEYS = "release-keys.json"
INSTRUCTIONS = """# {title}

1. Install the course once (Python 3.11 or newer), with JupyterLab:

       pip install "rejection-sampling-course[lab] @ git+{address}"

   On Colab upload the notebook and run its first cell instead; it installs the course and nothing
   else. Data and models are part of the course; nothing is downloaded later.
2. Open `{notebook}` in JupyterLab or Colab. Fill in the cells that say so; run the check below
   each.
3. See where you stand at any time: `course check {notebook}` in this folder.
4. Run the last cell, which writes your answers to the questions below it; save the notebook and
   hand it in under its own name.

{tasks}

{rules}
Checks in the notebook use small inputs that you can see. Your answers are graded on others, too:
write a function that is right for every input the task describes.
"""
RULES = (
    "You may copy, delete and add cells. Keep the names of the functions you are asked to write."
)
NBGRADER_RULES = (
    "You may add cells. Do not copy or delete the cells that are there, and keep the names "
    "of the functions you are asked to write: nbgrader finds your work by them."
)
NBGRADER_CELL = {"schema_version": 3, "cell_type": "code", "task": False}
STUB_LINE = re.compile(r"^( *)(.*# replace this line.*)$", re.MULTILINE)


def _marked(exercise: Exercise, lesson: Lesson) -> list[dict]:
    """The notebook's cells with nbgrader's metadata.

    A task cell is a solution, the check behind it a locked test with points.
    """
    tasks = exercise.tasks()
    cells = [dict(cell) for cell in lesson.cells]
    # Colab would open the plain notebook
    lines = cells[0]["source"].split("\n")
    kept = [line for line in lines if not line.startswith("[![Open in Colab]")]
    cells[0]["source"] = "\n".join(kept)
    for at, cell in enumerate(cells):
        name = _checked_task(cell, tasks)
        if name is not None:
            grade_id = f"{exercise.name}-{name}"
            _mark_solution(cells[at - 1], grade_id)
            _mark_check(cell, f"{grade_id}-check", tasks[name].points)
    return cells


def _alone(lesson: Lesson, address: str) -> list[dict]:
    """The cells with links that hold where the lessons are not beside the notebook."""
    return [
        cell | {"source": absolute(cell["source"], lesson.folder, address)}
        if cell["cell_type"] == "markdown"
        else cell
        for cell in lesson.cells
    ]


def _checked_task(cell: dict, tasks: Iterable[str]) -> str | None:
    """The task whose check the cell is, None for every other cell."""
    if cell["cell_type"] != "code":
        return None
    return next((name for name in tasks if cell["source"].startswith(f"check.{name}(")), None)


def _mark_solution(cell: dict, grade_id: str) -> None:
    # without these lines generate_assignment clears the whole cell
    marked = r"\1### BEGIN SOLUTION\n\1\2\n\1### END SOLUTION"
    cell["source"] = STUB_LINE.sub(marked, cell["source"])
    mark = {**NBGRADER_CELL, "grade": False, "solution": True, "locked": False}
    cell["metadata"] = {"nbgrader": {**mark, "grade_id": grade_id}}


def _mark_check(cell: dict, grade_id: str, points: float) -> None:
    mark = {**NBGRADER_CELL, "grade": True, "solution": False, "locked": True}
    cell["metadata"] = {"nbgrader": {**mark, "points": points, "grade_id": grade_id}}


def _task_table(exercise: Exercise) -> str:
    """The table of an exercise's tasks, in markdown."""
    lines = ["| task | points | minutes | difficulty |", "|---|---|---|---|"]
    for task in exercise.tasks().values():
        lines.append(f"| {task.name} | {task.points:g} | {task.minutes} | {task.difficulty} |")
    return "\n".join(lines)


def release_exercise(source: Path, out: Path | str, nbgrader: bool = False) -> Path:
    """Write the bundle of one exercise into ``out``/exNN and return that folder.

    Raises when it is there already.
    """
    exercise = Exercise(source)
    address = repository_address(ROOT / "pyproject.toml")
    lesson = exercise.notebook(False, address)
    if nbgrader:
        lesson = dataclasses.replace(lesson, cells=_marked(exercise, lesson))
    lesson = dataclasses.replace(lesson, cells=_alone(lesson, address))
    target = Path(out) / exercise.name
    require(
        not target.exists(),
        f"{target} is there already. Release into another folder, or remove it first.",
    )
    instructions = INSTRUCTIONS.format(
        title=lesson.cells[0]["source"].split("\n")[0].lstrip("# "),
        address=address,
        notebook=f"{exercise.stem}.ipynb",
        tasks=_task_table(exercise),
        rules=NBGRADER_RULES if nbgrader else RULES,
    )
    with atomic_directory(target) as folder:
        with atomic_write(folder / f"{exercise.stem}.ipynb", "w") as file:
            file.write(notebook_text(lesson))
        with atomic_write(folder / "README.md", "w") as file:
            file.write(instructions)
    return target


def secret_of(cohort: str, keys: Path | str = KEYS, create: bool = False) -> int:
    """The secret seed of a cohort, an int of 64 bits, from the file ``keys``.

    Drawn and kept there when ``create``. Raises when there is none.
    """
    path = Path(keys)
    known = read_keys(path)
    if cohort not in known:
        require(
            create,
            f"no secret for the cohort {cohort!r} in {path.name}. Release it first: course "
            f"release --all --cohort {cohort} --out DIR.",
        )
        known[cohort] = secrets.randbits(64)
        write_json(path, known)
        path.chmod(0o600)
    return known[cohort]


def read_keys(keys: Path | str) -> dict[str, int]:
    """cohort → secret seed from the file ``keys``; empty when there is none.

    Raises when it is something else.
    """
    path = Path(keys)
    if not path.exists():
        return {}
    try:
        known = read_json(path)
        # type() and not isinstance(): True is no seed
        if not (isinstance(known, dict) and all(type(seed) is int for seed in known.values())):
            raise ValueError("not a dictionary of whole numbers")
        return known
    except (ValueError, OSError) as error:
        raise CourseError(
            f"{path} cannot be read as a file of cohorts' secrets ({error}). Restore it from "
            "your copy, or give another --keys; nothing was written."
        ) from None


def releasable(
    names: Sequence[str],
    everything: bool,
    out: Path | str,
    cohort: str | None = None,
    keys: Path | str = KEYS,
) -> list[Path]:
    """Sources of the exercises to release: those in ``names``, or ``everything``.

    Writes nothing, and raises :class:`CourseError` for whatever would stop a release half way: no
    name or too many, a bundle that is there already, a cohort without a name, a file ``keys`` that
    is broken or inside ``out``.
    """
    require(bool(names) != everything, "say which exercises to release, such as ex01, or --all.")
    require(
        not Path(keys).resolve().is_relative_to(Path(out).resolve()),
        f"the secret must stay out of what students get: keep --keys outside {out}.",
    )
    require(cohort is None or cohort.strip(), "--cohort needs a name, such as spring-27.")
    read_keys(keys)
    require(
        (ROOT / "exercises" / "src").is_dir(),
        "exercises are released from an instructor's clone of the repository, which has their "
        "sources in exercises/src; here they are not.",
    )
    sources = exercise_sources(names)
    out = Path(out)
    require(not out.exists() or out.is_dir(), f"{out} is a file; --out is a folder.")
    bundles = [out / source.stem.split("_")[0] for source in sources]
    there = [str(bundle) for bundle in bundles if bundle.exists()]
    require(
        not there,
        f"{', '.join(there)} is there already; nothing was written. Release into another "
        "folder, or remove it first.",
    )
    return sources
