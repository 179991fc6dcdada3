"""Exercises: one source each, from which come the notebook a student opens and the solved one.

``exercises/src/exNN_name.py`` is a py:percent file and holds what a student gets. A cell without a
role is part of the notebook. ``role="task" task="NAME"`` marks code with a solution between
``# SOLUTION`` and ``# STUB``, and after ``# STUB`` up to ``# END`` the stub's lines, commented. The
student's notebook gets the stub, the solved one the solution; the builder adds the check,
``check.NAME(NAME)``, as the next cell (``object="answer"`` names another thing to hand in).

Nothing between ``# SOLUTION`` and ``# STUB`` reaches a student. The builder adds the rest:
``check.need(...)`` on top of cells that use what the reader writes, and a last cell with where the
reader stands. The checks are written by hand in ``course_lib/classroom/checks/exNN.py``; what
proves them is in ``exercises/proofs/exNN/``, see :mod:`course_lib.authoring.proofs`.
"""

import ast
import contextlib
import io
import re
import sys
import tempfile
import textwrap
from pathlib import Path

from ..base import atomic_write, require
from ..classroom import checks
from .lessons import Lesson, notebook_text, prepare, repository_address
from .places import ROOT

COLUMNS = 88  # of code: JupyterLab cuts longer lines at 1,280 pixels
INDENT = "    "
MARKS = ("# SOLUTION", "# STUB", "# END")
STANDING = """## Where you stand

The next cell runs this notebook as it was last saved, from the top and in a fresh Python, and shows
the points of each task as it finishes.
Below them it writes your answers to the questions, so that they are handed in with the notebook:
run it last, then save once more.
In a terminal, `course check {name}` in this folder does the same; `course progress` shows the map
of ideas.
This takes up to a minute."""
REPORT = """from course_lib.classroom import checks

checks.report("{name}")"""


def between(source: str, solved: bool, where: str) -> str:
    """The cell with its solution or its stub.

    Raises when the markers are not all there, in order.
    """
    lines = source.split("\n")
    marks = [line.strip() for line in lines if line.strip() in MARKS]
    require(
        marks and marks == list(MARKS) * (len(marks) // 3),
        f"{where}: a task needs the lines `# SOLUTION`, `# STUB`, `# END`, in this order; "
        f"found {marks}.",
    )
    out, mode = [], None
    for line in lines:
        if line.strip() in MARKS:
            mode = line.strip()
        elif mode in (None, "# END"):
            out.append(line)
        elif mode == "# SOLUTION" and solved:
            out.append(line)
        elif mode == "# STUB" and not solved:
            require(
                line.strip().startswith("#"),
                f"{where}: a stub's lines are comments; found {line.strip()!r}.",
            )
            out.append(re.sub(r"^(\s*)# ?", r"\1", line))
    return "\n".join(out)


class Exercise:
    """One source: ``name`` ("ex01"), ``stem`` and its cells."""

    def __init__(self, path: str | Path) -> None:
        import jupytext

        self.path = Path(path)
        self.stem = self.path.stem
        self.name = self.stem.split("_")[0]
        text = self.path.read_text(encoding="utf-8")
        self.cells = jupytext.reads(text, fmt="py:percent").cells
        for at, cell in enumerate(self.cells):
            role = cell.metadata.get("role")
            where = f"{self.stem}, cell {at}"
            require(
                role in (None, "task"), f"{where}: unknown role {role!r}; the only role is 'task'."
            )
            require(
                role is None or cell.metadata.get("task"), f"{where}: a task cell names its task."
            )

    def of(self, role: str | None) -> list:
        """The cells with this role (None: those of the notebook alone)."""
        return [cell for cell in self.cells if cell.metadata.get("role") == role]

    def tasks(self) -> dict[str, checks.Task]:
        """name → Task: the checks of this exercise, in the order of the notebook."""
        return checks.tasks(self.name)

    def notebook_cells(self, solved: bool) -> list[tuple[str, str]]:
        """(kind, source) of the notebook's cells: with stubs, or solved.

        Headings of tasks get points, minutes and difficulty.
        """
        tasks = self.tasks()
        out = []
        needs: dict[str, list[str]] = {}  # name in the notebook → the tasks it rests on
        for at, cell in enumerate(self.cells):
            role, name = cell.metadata.get("role"), cell.metadata.get("task")
            where = f"{self.stem}, cell {at}"
            require(
                name is None or name in tasks,
                f"{where}: no check is registered for the task {name!r}; "
                f"there are {', '.join(tasks)}.",
            )
            if role == "task":
                handed_in = cell.metadata.get("object", name)
                out.append(("code", between(cell.source, solved, where)))
                out.append(("code", f"check.{name}({handed_in})"))
                needs[handed_in] = [name]
            elif name is not None:
                out.append((cell.cell_type, _with_points(cell.source, tasks[name])))
            elif cell.cell_type == "code":
                out.append(("code", _gated(cell.source, needs)))
            else:
                out.append((cell.cell_type, cell.source))
        out.append(("markdown", STANDING.format(name=self.name)))
        out.append(("code", REPORT.format(name=self.name)))
        return out

    def notebook(self, solved: bool, address: str, folder: str = "exercises") -> Lesson:
        """The notebook as :class:`~course_lib.authoring.lessons.Lesson`."""
        text = []
        for kind, source in self.notebook_cells(solved):
            if kind == "code":
                text += ["# %%", source, ""]
            else:
                commented = "\n".join(f"# {line}".rstrip() for line in source.split("\n"))
                text += ["# %% [markdown]", commented, ""]
        with tempfile.TemporaryDirectory() as scratch:
            file = Path(scratch) / f"{self.stem}.py"
            file.write_text("\n".join(text), encoding="utf-8")
            return prepare(file, address, folder)

    def run(self, upto: object = None) -> dict:
        """The namespace after running the solved notebook, its checks left out.

        ``upto``: a cell to stop before; by default all cells up to the last task run, since what
        follows only uses the tasks.
        """
        last = max(at for at, cell in enumerate(self.cells) if cell.metadata.get("role"))
        end = last + 1 if upto is None else self.cells.index(upto)
        namespace = {"__name__": self.name}
        for at, cell in enumerate(self.cells[:end]):
            if cell.cell_type != "code":
                continue
            where = f"{self.stem}, cell {at}"
            source = cell.source
            if cell.metadata.get("role") == "task":
                source = between(source, True, where)
            with contextlib.redirect_stdout(io.StringIO()):
                exec(compile(source, where, "exec"), namespace)
        return namespace


def _with_points(source: str, task: checks.Task) -> str:
    """A task's text with a line on its points below the heading."""
    title, *rest = source.split("\n")
    points = f"*{task.points:g} points · about {task.minutes} minutes · {task.difficulty}*"
    return "\n".join([title, "", points, *rest])


def _names(tree: ast.AST, context: type) -> set[str]:
    """The names that a syntax tree loads (``ast.Load``) or stores (``ast.Store``)."""
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    return {node.id for node in found if isinstance(node.ctx, context)}


def _gated(source: str, needs: dict[str, list[str]]) -> str:
    """A cell's source, with ``check.need(...)`` on top when it uses tasks.

    ``needs`` learns which tasks the names that the cell defines rest on.
    """
    tree = ast.parse(source)
    loads, stores = _names(tree, ast.Load), _names(tree, ast.Store)
    read_before = loads - (stores - needs.keys())
    used = {task for name in read_before for task in needs.get(name, ())}
    if not used:
        return source
    loops = [node for node in ast.walk(tree) if isinstance(node, ast.For | ast.comprehension)]
    variables = {name for loop in loops for name in _names(loop.target, ast.Store)}
    defined = {n.name for n in tree.body if isinstance(n, ast.FunctionDef | ast.ClassDef)}
    for name in (stores - variables) | defined:
        needs.setdefault(name, used)
    in_order = dict.fromkeys(task for tasks in needs.values() if len(tasks) == 1 for task in tasks)
    called = ", ".join(f"check.{task}" for task in in_order if task in used)
    if len(called) > COLUMNS - len("check.need()"):
        called = (
            f"\n{textwrap.fill(called, COLUMNS, initial_indent=INDENT, subsequent_indent=INDENT)}\n"
        )
    return f"check.need({called})\n\n{source}"


def exercise_sources(names: list[str] | None = None) -> list[Path]:
    """Paths of the exercise sources, in order; with ``names`` ("ex01") only those."""
    sources = sorted((ROOT / "exercises" / "src").glob("ex[0-9][0-9]_*.py"))
    if not names:
        return sources
    chosen = [s for s in sources if s.stem.split("_")[0] in names or s.stem in names]
    known = ", ".join(s.stem for s in sources) or "none yet"
    require(chosen, f"no exercise {', '.join(names)}; the exercises are: {known}.")
    return chosen


def student_notebook(source: Path, root: Path) -> tuple[Path, str]:
    """(path, text) of the student's notebook of one exercise source."""
    exercise = Exercise(source)
    lesson = exercise.notebook(False, repository_address(root / "pyproject.toml"))
    return root / "exercises" / f"{exercise.stem}.ipynb", notebook_text(lesson)


def build_exercises(sources: list[Path], root: Path) -> list[Path]:
    """Write the students' notebooks. Returns their paths."""
    written = []
    for source in sources:
        path, text = student_notebook(source, root)
        with atomic_write(path, "w") as file:
            file.write(text)
        written.append(path)
        print(f"{Path(source).stem}: {path.name}", file=sys.stderr)
    return written


def build_solved(sources: list[Path], out: str | Path, root: Path) -> list[Path]:
    """Write the solved notebooks into the folder ``out``. Returns their paths.

    ``out`` must not be part of the repository's committed files.
    """
    out = Path(out)
    within = out.resolve().is_relative_to(root) and out.resolve().relative_to(root).parts[:1]
    require(
        not within or "exercises" not in within,
        "solved notebooks do not go into exercises/, where students look; "
        "give another folder, such as runs/solved.",
    )
    out.mkdir(parents=True, exist_ok=True)
    address = repository_address(root / "pyproject.toml")
    paths = []
    for source in sources:
        exercise = Exercise(source)
        paths.append(out / f"{exercise.stem}.ipynb")
        with atomic_write(paths[-1], "w") as file:
            file.write(notebook_text(exercise.notebook(True, address)))
    return paths


def differences(sources: list[Path], root: Path) -> list[str]:
    """What differs between the committed notebooks and their sources: a list of lines."""
    lines = []
    for source in sources:
        path, text = student_notebook(source, root)
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            name = path.relative_to(root).as_posix()
            lines.append(f"{name} differs from {Path(source).name}.")
    return lines
