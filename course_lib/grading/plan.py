"""What an instructor's clone knows of an exercise: its own cells, its tasks, and the hidden probes.

This needs ``exercises/src`` and ``exercises/proofs``, which no student gets. Nothing of it enters a
box but the exercise's own cells and the inputs of calls.
"""

import ast
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ..authoring.exercises import Exercise, between, exercise_sources
from ..authoring.proofs import Proof, proofs_of
from ..base import require
from ..classroom.checks import Task, Trial, Wrong

STUB = "# replace this line"


@dataclass(frozen=True)
class Probed:
    """One task as it is graded.

    Attributes
    ----------
    task : its check: points, properties, messages.
    handed_in : the name of the object that holds the answer.
    stub : the source of the cell as a student gets it.
    proof : the reference and the hidden inputs.
    """

    task: Task
    handed_in: str
    stub: str
    proof: Proof


@dataclass
class Plan:
    """One exercise as it is graded with a secret ``seed``.

    Attributes
    ----------
    name : "ex01".
    given : sources of its own cells that a task may rest on, in order.
    others : sources of all its other cells, as a student gets them.
    tasks : name → :class:`Probed`, in the order of the notebook.
    """

    name: str
    seed: int
    given: list[str]
    others: list[str]
    tasks: dict[str, Probed]
    _hidden: dict[str, list[tuple[tuple, Any]]] = field(default_factory=dict)

    def hidden(self, name: str) -> list[tuple[tuple, Any]]:
        """(arguments, right answer) of each hidden input of a task, drawn from the secret seed."""
        if name not in self._hidden:
            proof = self.tasks[name].proof
            drawn = proof.drawn(self.seed) if callable(proof.reference) else []
            self._hidden[name] = [(args, _right(proof.reference, args)) for args in drawn]
        return self._hidden[name]


def _right(reference: Any, args: tuple) -> Any:
    try:
        return Trial(reference).run(*args)
    except Wrong as wrong:
        require(False, f"the reference has no answer to a hidden input: {wrong.message}")


def plan_of(exercise: str, seed: int) -> Plan:
    """The :class:`Plan` of ``exercise`` ("ex03") for a cohort's secret ``seed``."""
    source = Exercise(exercise_sources([exercise])[0])
    checks, proofs = source.tasks(), proofs_of(exercise)
    tasks, given, others = {}, [], []
    last = max(at for at, cell in enumerate(source.cells) if cell.metadata.get("role"))
    for at, cell in enumerate(source.cells):
        name = cell.metadata.get("task")
        if cell.cell_type != "code":
            continue
        if cell.metadata.get("role") == "task":
            handed_in = cell.metadata.get("object", name)
            stub = between(cell.source, False, f"{exercise}, cell {at}")
            tasks[name] = Probed(checks[name], handed_in, stub, proofs[name])
        elif at < last and not _uses(cell.source, [t.handed_in for t in tasks.values()]):
            given.append(without_checks(cell.source))
        else:
            others.append(cell.source)
    return Plan(exercise, seed, given, others, tasks)


def _uses(source: str, names: Sequence[str]) -> bool:
    """Whether a cell reads one of ``names``."""
    tree = ast.parse(source)
    read = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    return bool(read & set(names))


def without_checks(source: str) -> str:
    """A cell without what shows or checks: imports of the classroom, ``check`` and ``quiz`` calls.

    Cells that are no Python (magics, broken code) come back as they are.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return source
    kept = [node for node in tree.body if not _of_classroom(node)]
    if len(kept) == len(tree.body):
        return source
    return "\n".join(ast.unparse(node) for node in kept)


def _of_classroom(node: ast.stmt) -> bool:
    """Whether a statement is the course's own about checking: nothing a task may rest on."""
    if isinstance(node, ast.ImportFrom):
        return (node.module or "").startswith("course_lib.classroom")
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        called = node.value.func
        while isinstance(called, ast.Attribute):
            called = called.value
        return isinstance(called, ast.Name) and called.id in ("check", "checks", "quiz")
    return False
