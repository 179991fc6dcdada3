"""Exercises: one source each, from which come the notebook a student opens, the solved one, and the package's checks.

``exercises/src/exNN_name.py`` is a py:percent file. A cell without a role is part of the notebook. Roles:

* ``role="task" task="NAME"``: code with a solution between ``# SOLUTION`` and ``# STUB``, and after ``# STUB`` up to ``# END`` the stub's lines, commented.
  The student's notebook gets the stub, the solved one the solution; the builder adds the check, ``check.NAME(NAME)``, as the next cell
  (``object="answer"`` names another thing to hand in).
* ``role="visible"``: goes, with its like, into ``course_lib/checks/exNN.py``: the checks a student runs, registered by ``@task``.
* ``role="hidden"``: ``@probe("NAME")`` on a function of a numpy Generator giving inputs (tuples of arguments); the solution gives what is expected.
* ``role="wrong"``: ``@wrong("NAME", says="part of the message")`` on the mistakes students make; ``hidden=True`` for those only probes find.
* ``role="right"``: ``@right("NAME")`` on other correct solutions.

What has a role other than task stays out of every notebook, and nothing between ``# SOLUTION`` and ``# STUB`` reaches a student.
The builder adds the rest: ``check.need(...)`` on top of cells that use what the reader writes, and a last cell with where the reader stands.
"""

import ast
import contextlib
import io
import json
import re
import sys
import tempfile
import types
import warnings
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..checks.core import Task, Trial, Wrong, _same
from ..errors import CourseError, require
from ..files import atomic_write
from .lessons import prepare, repository_address

ROLES = ("task", "visible", "hidden", "wrong", "right")
HEAD = '"""Checks of exercise {name}. Made by `course build` from exercises/src/{stem}.py: edit there."""\n\nfrom course_lib.checks.core import need  # noqa: F401, I001\n'
STANDING = """## Where you stand

The next cell runs this notebook as it was last saved, from the top and in a fresh Python, and gives the points. In a terminal, `course check {name}` in this folder does the same; `course progress` shows the map of ideas.
This takes up to a minute."""


def _between(source, solved, where):
    """The cell with its solution or its stub; raises when the markers are not all there, in order."""
    lines, out, mode = source.split("\n"), [], None
    marks = [line.strip() for line in lines if line.strip() in ("# SOLUTION", "# STUB", "# END")]
    require(marks and marks == ["# SOLUTION", "# STUB", "# END"] * (len(marks) // 3), f"{where}: a task needs the lines `# SOLUTION`, `# STUB`, `# END`, in this order; found {marks}.")
    for line in lines:
        if line.strip() in ("# SOLUTION", "# STUB", "# END"):
            mode = line.strip()
        elif mode in (None, "# END"):
            out.append(line)
        elif mode == "# SOLUTION" and solved:
            out.append(line)
        elif mode == "# STUB" and not solved:
            require(line.strip().startswith("#"), f"{where}: a stub's lines are comments; found {line.strip()!r}.")
            out.append(re.sub(r"^(\s*)# ?", r"\1", line))
    return "\n".join(out)


@dataclass
class Proofs:
    """What a source brings to prove a task's check: reference, probes, wrong and other right solutions."""

    reference: object = None
    probe: object = None
    tolerance: float = 1e-6
    wrong: list = field(default_factory=list)  # (function, says, hidden)
    right: list = field(default_factory=list)


class Exercise:
    """One source: ``name`` ("ex01"), ``stem`` and its cells."""

    def __init__(self, path):
        import jupytext
        self.path, self.stem = Path(path), Path(path).stem
        self.name = self.stem.split("_")[0]
        self.cells = jupytext.reads(self.path.read_text(encoding="utf-8"), fmt="py:percent").cells
        for at, cell in enumerate(self.cells):
            role = cell.metadata.get("role")
            require(role is None or role in ROLES, f"{self.stem}, cell {at}: unknown role {role!r}; roles are {', '.join(ROLES)}.")
            require(role != "task" or cell.metadata.get("task"), f"{self.stem}, cell {at}: a task cell names its task.")

    def of(self, role):
        """The cells with this role (None: those of the notebook alone)."""
        return [cell for cell in self.cells if cell.metadata.get("role") == role]

    def checks_module(self):
        """The text of ``course_lib/checks/exNN.py``."""
        return HEAD.format(name=self.name, stem=self.stem) + "\n\n\n".join(cell.source.strip("\n") for cell in self.of("visible")) + "\n"

    def notebook_cells(self, solved):
        """(kind, source) of the notebook's cells: with stubs, or solved. Headings of tasks get points, minutes and difficulty."""
        tasks = self.tasks()
        out, needs = [], {}  # needs: name in the notebook → the tasks it rests on
        for at, cell in enumerate(self.cells):
            role, name = cell.metadata.get("role"), cell.metadata.get("task")
            where = f"{self.stem}, cell {at}"
            if role is None and name is None:
                out.append((cell.cell_type, cell.source if cell.cell_type != "code" else _gated(cell.source, needs)))
            elif role is None:  # the text of a task
                require(name in tasks, f"{where}: no visible check registers the task {name!r}; there are {', '.join(tasks)}.")
                t, (title, *rest) = tasks[name], cell.source.split("\n")
                out.append((cell.cell_type, "\n".join([title, "", f"*{t.points:g} points · about {t.minutes} minutes · {t.difficulty}*", *rest])))
            elif role == "task":
                require(name in tasks, f"{where}: no visible check registers the task {name!r}; there are {', '.join(tasks)}.")
                handed_in = cell.metadata.get("object", name)
                out.append(("code", _between(cell.source, solved, where)))
                out.append(("code", f"check.{name}({handed_in})"))
                needs[handed_in] = [name]
        out.append(("markdown", STANDING.format(name=self.name)))
        out.append(("code", f'from course_lib import checks\n\nchecks.report("{self.name}")'))
        return out

    def tasks(self):
        """name → Task, read from the source itself, which then stands for ``course_lib.checks.exNN`` in this process."""
        from .. import checks
        module = types.ModuleType(f"{checks.__name__}.{self.name}")
        exec(compile(self.checks_module(), f"{self.stem} (visible)", "exec"), vars(module))
        sys.modules[module.__name__] = module
        setattr(checks, self.name, module)
        return {name: value for name, value in vars(module).items() if isinstance(value, Task)}

    def notebook(self, solved, address, folder="exercises"):
        """The notebook as :class:`~course_lib.authoring.lessons.Lesson`."""
        text = []
        for kind, source in self.notebook_cells(solved):
            text += ["# %%", source] if kind == "code" else ["# %% [markdown]", "\n".join(f"# {line}".rstrip() for line in source.split("\n"))]
            text.append("")
        with tempfile.TemporaryDirectory() as scratch:
            file = Path(scratch) / f"{self.stem}.py"
            file.write_text("\n".join(text), encoding="utf-8")
            return prepare(file, address, folder)

    def proofs(self):
        """name → :class:`Proofs`, from running the solved exercise and what proves it in one namespace (checks left out)."""
        found = {name: Proofs() for name in self.tasks()}

        def known(name):
            require(name in found, f"{self.stem}: no task {name!r}; there are {', '.join(found)}.")
            return found[name]

        def probe(name, tolerance=1e-6):
            def register(function):
                known(name).probe, known(name).tolerance = function, tolerance
                return function
            return register

        def wrong(name, says="", hidden=False):
            return lambda function: known(name).wrong.append((function, says, hidden)) or function

        def right(name):
            return lambda function: known(name).right.append(function) or function

        namespace = {"__name__": self.name, "probe": probe, "wrong": wrong, "right": right}
        last = max(at for at, cell in enumerate(self.cells) if cell.metadata.get("role"))  # what follows only uses the tasks
        for at, cell in enumerate(self.cells[: last + 1]):
            role = cell.metadata.get("role")
            if cell.cell_type != "code" or role == "visible":
                continue
            where = f"{self.stem}, cell {at}"
            source = _between(cell.source, True, where) if role == "task" else cell.source
            with contextlib.redirect_stdout(io.StringIO()):
                exec(compile(source, where, "exec"), namespace)
            if role == "task":
                name = cell.metadata["task"]
                found[name].reference = namespace[cell.metadata.get("object", name)]
        return found


def _gated(source, needs):
    """A cell's source, with ``check.need(...)`` on top when it uses tasks; ``needs`` learns which tasks the names it defines rest on."""
    tree = ast.parse(source)
    loads = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    stores = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    used = {task for name in loads - (stores - needs.keys()) for task in needs.get(name, ())}
    if not used:
        return source
    loops = {node.id for loop in ast.walk(tree) if isinstance(loop, ast.For | ast.comprehension) for node in ast.walk(loop.target) if isinstance(node, ast.Name)}
    named = stores - loops | {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    needs.update({name: used for name in named if name not in needs})
    return f"check.need({', '.join(f'check.{task}' for task in _order(needs) if task in used)})\n\n{source}"


def _order(needs):
    """The tasks in the order of the notebook."""
    return dict.fromkeys(task for tasks in needs.values() if len(tasks) == 1 for task in tasks)


def grade_probe(reference, probe, student, seed, tolerance=1e-6):
    """Share of hidden probes that ``student`` answers as ``reference`` does, in [0, 1], and what the first wrong one says.

    ``probe(rng)`` gives inputs, tuples of arguments; ``rng`` follows from the secret ``seed`` alone. For a task whose answer is not a function
    there is nothing to probe: the answer itself is compared.
    """
    if not callable(reference):
        return float(_same(student, reference, tolerance)), ""
    inputs = list(probe(np.random.default_rng([seed])))
    right, first = 0, ""
    for args in inputs:
        try:
            Trial(student).same(args, Trial(reference).run(*args), tolerance=tolerance)
            right += 1
        except Wrong as wrong:
            first = first or wrong.message
        except Exception as error:
            first = first or f"{type(error).__name__}"
    return right / len(inputs), first


def exercise_sources(names=None):
    """Paths of the exercise sources, in order; with ``names`` ("ex01") only those."""
    from . import ROOT
    sources = sorted((ROOT / "exercises" / "src").glob("ex[0-9][0-9]_*.py"))
    if not names:
        return sources
    chosen = [s for s in sources if s.stem.split("_")[0] in names or s.stem in names]
    require(chosen, f"no exercise {', '.join(names)}; the exercises are: {', '.join(s.stem for s in sources) or 'none yet'}.")
    return chosen


def notebook_text(lesson):
    """A notebook file's text: the same on every machine."""
    return json.dumps({"cells": lesson.cells, "metadata": lesson.metadata, "nbformat": 4, "nbformat_minor": 5}, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def products(source, root):
    """path → text of everything ``course build`` makes from one exercise source and commits."""
    exercise = Exercise(source)
    student = exercise.notebook(False, repository_address(root / "pyproject.toml"))
    return {root / "exercises" / f"{exercise.stem}.ipynb": notebook_text(student), root / "course_lib" / "checks" / f"{exercise.name}.py": exercise.checks_module()}


def build_exercises(sources, root):
    """Write the students' notebooks and the package's checks. Returns their paths."""
    written = []
    for source in sources:
        for path, text in products(source, root).items():
            with atomic_write(path, "w") as file:
                file.write(text)
            written.append(path)
        print(f"{Path(source).stem}: {', '.join(p.name for p in written[-2:])}", file=sys.stderr)
    return written


def build_solved(sources, out, root):
    """Write the solved notebooks into the folder ``out``, which must not be part of the repository's committed files. Returns their paths."""
    out = Path(out)
    require("exercises" not in out.resolve().relative_to(root).parts[:1] if out.resolve().is_relative_to(root) else True,
            "solved notebooks do not go into exercises/, where students look; give another folder, such as runs/solved.")
    out.mkdir(parents=True, exist_ok=True)
    paths = []
    for source in sources:
        exercise = Exercise(source)
        paths.append(out / f"{exercise.stem}.ipynb")
        with atomic_write(paths[-1], "w") as file:
            file.write(notebook_text(exercise.notebook(True, repository_address(root / "pyproject.toml"))))
    return paths


def differences(sources, root):
    """What differs between the committed notebooks and checks and their sources: a list of lines."""
    lines = []
    for source in sources:
        for path, text in products(source, root).items():
            if not path.is_file() or path.read_text(encoding="utf-8") != text:
                lines.append(f"{path.relative_to(root).as_posix()} differs from {Path(source).name}.")
    return lines


def prove(source, seeds=(11, 12)):
    """Prove an exercise's checks: a list with one dictionary for each task.

    ``mutants``, ``killed`` (by the check, or by the probes of every seed for those declared hidden), ``right_message`` (the check's message contains what
    the mutant's author wrote; those that only probes find have none), ``alternatives``, ``accepted`` (by check and probes, the reference included), ``stub_fails`` (the check is kind to the stub), ``problems``.
    """
    exercise = Exercise(source)
    with warnings.catch_warnings(), np.errstate(all="ignore"):  # wrong solutions divide by zero, and more
        warnings.simplefilter("ignore")
        return _prove(exercise, seeds)


def _prove(exercise, seeds):
    tasks, proofs, rows = exercise.tasks(), exercise.proofs(), []
    stubs = {cell.metadata["task"]: cell for cell in exercise.of("task")}
    for name, t in tasks.items():
        proof, problems = proofs[name], []
        require(proof.reference is not None, f"{exercise.stem}: the task {name} has a check but no task cell.")
        require(not callable(proof.reference) or proof.probe is not None, f"{exercise.stem}: the task {name} has no hidden probe.")

        def probed(student, seed, proof=proof):
            return grade_probe(proof.reference, proof.probe, student, seed, proof.tolerance)

        killed = right_message = 0
        for function, says, hidden in proof.wrong:
            student = function if callable(proof.reference) else function()
            found = t.outcome(student)
            by_probes = all(probed(student, seed)[0] < 1 for seed in seeds)
            dead = (found.passed and by_probes) if hidden else not found.passed
            killed += bool(dead)
            speaks = bool(says) and says.lower() in found.message.lower()
            right_message += bool(dead and speaks)
            if not dead:
                problems.append(f"{function.__name__} is not rejected" + (f": the check says {found.message!r}, probes reject: {by_probes}" if hidden else ""))
            elif not speaks and not hidden:
                problems.append(f"{function.__name__} is told {found.message!r}, not {says!r}")
        accepted = 0
        for function in [proof.reference, *proof.right]:
            student = function if function is proof.reference or callable(proof.reference) else function()
            found = t.outcome(student)
            good = found.passed and all(probed(student, seed)[0] == 1 for seed in seeds)
            accepted += good
            if not good:
                problems.append(f"right solution {getattr(function, '__name__', 'reference')} is not accepted: {found.message or [probed(student, s) for s in seeds]}")
        stub_fails = _stub_outcome(exercise, stubs[name], t)
        if not stub_fails:
            problems.append("the stub does not fail kindly")
        rows.append({"task": t.id, "mutants": len(proof.wrong), "killed": killed, "right_message": right_message, "alternatives": len(proof.right) + 1, "accepted": accepted,
                     "stub_fails": stub_fails, "problems": problems})
    return rows


def _stub_outcome(exercise, cell, t):
    """True when the check of the bare stub fails as "not written yet"."""
    namespace = {}
    with contextlib.redirect_stdout(io.StringIO()):
        for other in exercise.cells[: exercise.cells.index(cell)]:
            if other.cell_type == "code" and other.metadata.get("role") in (None, "task"):
                solved = other.metadata.get("role") == "task"
                exec(compile(_between(other.source, True, exercise.stem) if solved else other.source, exercise.stem, "exec"), namespace)
        exec(compile(_between(cell.source, False, exercise.stem), exercise.stem, "exec"), namespace)
    found = t.outcome(namespace.get(cell.metadata.get("object", t.name)))
    return not found.written and not found.passed


def prove_main(args):
    """``course prove``: one table; returns 1 when something is not proven."""
    rows = [row for source in exercise_sources(args.names) for row in prove(source)]
    require(rows, "there are no exercises to prove.")
    if args.json:
        print(json.dumps(rows, indent=1))
    else:
        print(f"{'task':34} mutants  killed  right message  alternatives  accepted  stub fails")
        for r in rows:
            print(f"{r['task']:34} {r['mutants']:7}  {r['killed']:6}  {r['right_message']:13}  {r['alternatives']:12}  {r['accepted']:8}  {'yes' if r['stub_fails'] else 'NO'}")
            for problem in r["problems"]:
                print(f"    {problem}")
    bad = [r for r in rows if r["killed"] < r["mutants"] or r["accepted"] < r["alternatives"] or not r["stub_fails"]]
    return int(bool(bad))


__all__ = ["CourseError", "Exercise", "build_exercises", "build_solved", "differences", "exercise_sources", "grade_probe", "prove", "prove_main"]
