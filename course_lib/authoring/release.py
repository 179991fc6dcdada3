"""``course release``: what an instructor hands out, and the secret that stays behind.

A bundle is a folder with the student's notebook, what it needs to run, and instructions. Hidden
probes draw their inputs from a secret seed that is drawn here, once for each cohort, and kept in a
file outside the bundle: an answer that was hard-coded for one cohort's inputs fails in the other.
With ``nbgrader=True`` cells carry the metadata nbgrader reads: tasks are its solution cells, checks
its locked test cells with points.
"""

import re
import secrets
from pathlib import Path

from ..base import CourseError, atomic_directory, atomic_write, read_json, require, write_json
from .exercises import Exercise, exercise_sources, notebook_text
from .lessons import repository_address
from .places import ROOT

KEYS = "release-keys.json"
INSTRUCTIONS = """# {title}

1. Install the course once (Python 3.11 or newer), with JupyterLab:

       pip install "rejection-sampling-course[lab] @ git+{address}"

   On Colab upload the notebook and run its first cell instead; it installs the course and nothing else. Data and models are part of the course; nothing is downloaded later.
2. Open `{notebook}` in JupyterLab or Colab. Fill in the cells that say so; run the check below each.
3. See where you stand at any time: `course check {notebook}` in this folder.
4. Save the notebook and hand it in under its own name.

{tasks}

{rules}
Checks in the notebook use small inputs that you can see. Your instructor may try others.
"""
RULES = (
    "You may copy, delete and add cells. Keep the names of the functions you are asked to write."
)
NBGRADER_RULES = (
    "You may add cells. Do not copy or delete the cells that are there, and keep the names "
    "of the functions you are asked to write: nbgrader finds your work by them."
)


def _marked(exercise, lesson):
    """The notebook's cells with nbgrader's metadata.

    A task cell is a solution, the check behind it a locked test with points.
    """
    tasks, cells = exercise.tasks(), [dict(cell) for cell in lesson.cells]
    # it would open the plain notebook
    cells[0]["source"] = "\n".join(
        line for line in cells[0]["source"].split("\n") if not line.startswith("[![Open in Colab]")
    )
    for at, cell in enumerate(cells):
        name = next(
            (
                n
                for n in tasks
                if cell["cell_type"] == "code" and cell["source"].startswith(f"check.{n}(")
            ),
            None,
        )
        if name is None:
            continue
        # or generate_assignment clears the whole cell
        cells[at - 1]["source"] = re.sub(
            r"^( *)(.*# replace this line.*)$",
            r"\1### BEGIN SOLUTION\n\1\2\n\1### END SOLUTION",
            cells[at - 1]["source"],
            flags=re.MULTILINE,
        )
        common = {"schema_version": 3, "cell_type": "code", "task": False}
        cells[at - 1]["metadata"] = {
            "nbgrader": {
                **common,
                "grade": False,
                "solution": True,
                "locked": False,
                "grade_id": f"{exercise.name}-{name}",
            }
        }
        cells[at]["metadata"] = {
            "nbgrader": {
                **common,
                "grade": True,
                "solution": False,
                "locked": True,
                "points": tasks[name].points,
                "grade_id": f"{exercise.name}-{name}-check",
            }
        }
    return cells


def release(source, out, nbgrader=False):
    """Write the bundle of one exercise into ``out``/exNN and return that folder.

    Raises when it is there already.
    """
    exercise, address = Exercise(source), repository_address(ROOT / "pyproject.toml")
    lesson = exercise.notebook(False, address)
    if nbgrader:
        lesson = type(lesson)(
            lesson.name, lesson.folder, _marked(exercise, lesson), lesson.metadata
        )
    tasks = exercise.tasks().values()
    table = "\n".join(
        [
            "| task | points | minutes | difficulty |",
            "|---|---|---|---|",
            *(f"| {t.name} | {t.points:g} | {t.minutes} | {t.difficulty} |" for t in tasks),
        ]
    )
    title = lesson.cells[0]["source"].split("\n")[0].lstrip("# ")
    target = Path(out) / exercise.name
    require(
        not target.exists(),
        f"{target} is there already. Release into another folder, or remove it first.",
    )
    with atomic_directory(target) as folder:
        with atomic_write(folder / f"{exercise.stem}.ipynb", "w") as file:
            file.write(notebook_text(lesson))
        with atomic_write(folder / "README.md", "w") as file:
            file.write(
                INSTRUCTIONS.format(
                    title=title,
                    address=address,
                    notebook=f"{exercise.stem}.ipynb",
                    tasks=table,
                    rules=NBGRADER_RULES if nbgrader else RULES,
                )
            )
    return target


def secret_of(cohort, keys=KEYS, create=False):
    """The secret seed of a cohort, an int of 64 bits, from the file ``keys``.

    Drawn and kept there when ``create``. Raises when there is none.
    """
    path, known = Path(keys), read_keys(keys)
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


def read_keys(keys):
    """cohort → secret seed from the file ``keys``; empty when there is none.

    Raises when it is something else.
    """
    path = Path(keys)
    if not path.exists():
        return {}
    try:
        known = read_json(path)
        if not (isinstance(known, dict) and all(type(seed) is int for seed in known.values())):
            raise ValueError("not a dictionary of whole numbers")
        return known
    except (ValueError, OSError) as error:
        raise CourseError(
            f"{path} cannot be read as a file of cohorts' secrets ({error}). Restore it from "
            "your copy, or give another --keys; nothing was written."
        ) from None


def main(args):
    """``course release``."""
    require(bool(args.names) != args.all, "say which exercises to release, such as ex01, or --all.")
    keys = Path(args.keys)
    require(
        not keys.resolve().is_relative_to(Path(args.out).resolve()),
        f"the secret must stay out of what students get: keep --keys outside {args.out}.",
    )
    require(args.cohort is None or args.cohort.strip(), "--cohort needs a name, such as spring-27.")
    read_keys(keys)
    require(
        (ROOT / "exercises" / "src").is_dir(),
        "exercises are released from a clone of the repository, which has their sources; this "
        "is an installed package.",
    )
    sources, out = exercise_sources(args.names), Path(args.out)
    require(not out.exists() or out.is_dir(), f"{out} is a file; --out is a folder.")
    there = [
        str(out / source.stem.split("_")[0])
        for source in sources
        if (out / source.stem.split("_")[0]).exists()
    ]
    require(
        not there,
        f"{', '.join(there)} is there already; nothing was written. Release into another "
        "folder, or remove it first.",
    )
    for source in sources:
        print(release(source, args.out, args.nbgrader))
    if args.cohort:
        secret_of(args.cohort, keys, create=True)
        print(
            f"The secret seed of cohort {args.cohort} is in {keys}: keep that file, and keep "
            "it to yourself. Hidden probes draw their inputs from it."
        )
    return 0
