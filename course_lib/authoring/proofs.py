"""Proofs of the exercises' checks: wrong solutions rejected with the right message, right ones
accepted.

One module a task, ``exercises/proofs/exNN/TASK.py``, is plain Python::

    proof = Proof("ex01", "win_share")

    @proof.probe()
    def win_share_inputs(rng): ...          # tuples of arguments; the solution says what is
    expected

    @proof.wrong(says="part of the message")
    def counts_ties_as_wins(a, b): ...      # ``hidden=True``: only probes find it

    @proof.right
    def with_numpy(a, b): ...

``proof.solved("name")`` is a name of the solved notebook. None of this is in a release or in the
package. Where the answer is not a function, wrong and right solutions are called without arguments.
"""

import contextlib
import functools
import importlib.util
import io
import json
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from ..base import require
from ..classroom.checks import (
    Task,
    Trial,
    Wrong,
    builtin_value,
    exercises,
    kinds,
    same_value,
    tasks,
    untidy_inputs,
    write_prints,
)
from .exercises import Exercise, between, exercise_sources
from .places import ROOT


@functools.cache
def solved_namespace(exercise: str) -> dict:
    """The namespace of the solved notebook of ``exercise`` ("ex01"), run once a process."""
    return Exercise(exercise_sources([exercise])[0]).run()


class Proof:
    """What proves one task's check: probes, wrong solutions, and other right ones.

    ``wrong`` holds (function, message, hidden); ``tolerance`` is that of the probes.
    """

    def __init__(self, exercise: str, task: str) -> None:
        self.exercise, self.task = exercise, task
        self.inputs: Callable | None = None
        self.tolerance = 1e-6
        self.wrongs: list[tuple[Callable, str, bool]] = []
        self.rights: list[Callable] = []

    def solved(self, name: str) -> object:
        """The object called ``name`` in the solved notebook."""
        return solved_namespace(self.exercise)[name]

    @functools.cached_property
    def reference(self) -> object:
        """The answer of the solved notebook."""
        cells = Exercise(exercise_sources([self.exercise])[0]).of("task")
        mine = [cell for cell in cells if cell.metadata["task"] == self.task]
        require(mine, f"{self.exercise}: the task {self.task} has a check but no task cell.")
        return self.solved(mine[0].metadata.get("object", self.task))

    def probe(self, tolerance: float = 1e-6) -> Callable:
        """Register the function that draws hidden inputs from a generator."""

        def register(function: Callable) -> Callable:
            self.inputs, self.tolerance = function, tolerance
            return function

        return register

    def wrong(self, says: str = "", hidden: bool = False) -> Callable:
        """Register a mistake and part of the message meant for it."""

        def register(function: Callable) -> Callable:
            self.wrongs.append((function, says, hidden))
            return function

        return register

    def right(self, function: Callable) -> Callable:
        """Register another right solution."""
        self.rights.append(function)
        return function

    def student(self, function: Callable) -> object:
        """What a solution hands in: the function itself, or what it returns."""
        return function if callable(self.reference) else function()

    def drawn(self, seed: int) -> list[tuple]:
        """The hidden inputs that follow from a secret seed, in the types of the visible check's."""
        task_id = f"{self.exercise}.{self.task}"
        inputs = [*self.inputs(np.random.default_rng([seed])), *untidy_inputs(task_id, seed)]
        return [like_visible(args, visible_kinds(self.exercise, self.task)) for args in inputs]

    def share_right(self, student: object, seed: int) -> float:
        """Share of hidden probes that ``student`` answers right, in [0, 1].

        The student's function has answered every input before the first right answer is made. For a
        task whose answer is not a function there is nothing to probe: the answer itself is
        compared.
        """
        if not callable(self.reference):
            return float(same_value(builtin_value(student), self.reference, self.tolerance))
        inputs = self.drawn(seed)
        answers = [_answer(student, args) for args in inputs]
        right = [_answer(self.reference, args) for args in inputs]
        pairs = zip(answers, right, strict=True)
        good = [a is not None and same_value(a, b, self.tolerance) for a, b in pairs]
        return sum(good) / len(inputs)


def _answer(function: Callable, args: tuple) -> object:
    """What a function gives, in builtin types; None for an error and for a changed input."""
    try:
        return Trial(function).run(*args)
    except Wrong:
        return None


@functools.cache
def visible_kinds(exercise: str, task: str) -> frozenset[tuple[str, str]]:
    """The types of the arguments that the visible check hands out, by place (:func:`kinds`)."""
    reference = proof_of(exercise, task).reference
    asked = tasks(exercise)[task].trial(reference).asked
    return frozenset().union(*(kinds(call.args) for call in asked))


def like_visible(value: object, allowed: frozenset[tuple[str, str]], at: str = "") -> object:
    """``value`` with its arrays, tensors and NumPy numbers in types that stand at their places.

    A visible input in float32 and a hidden one in float64 would refuse right solutions that have a
    constant of their own.
    """
    if isinstance(value, tuple | list):
        return type(value)(like_visible(x, allowed, f"{at}[]") for x in value)
    if isinstance(value, dict):
        return {key: like_visible(x, allowed, f"{at}{{}}=") for key, x in value.items()}
    if isinstance(value, np.generic):
        return value.item()
    ((_, mine),) = kinds(value)
    there = sorted(kind for place, kind in allowed if place == at)
    if not hasattr(value, "dtype") or mine in there:
        return value
    fitting = [kind.split()[1] for kind in there if kind.split()[0] == mine.split()[0]]
    require(len(fitting) == 1, f"a hidden input has {mine} where the visible ones have {there}.")
    if isinstance(value, np.ndarray):
        return value.astype(fitting[0])
    return value.to(getattr(torch, fitting[0]))


def proof_of(exercise: str, task: str) -> Proof:
    """The :class:`Proof` in ``exercises/proofs/EXERCISE/TASK.py``."""
    path = ROOT / "exercises" / "proofs" / exercise / f"{task}.py"
    require(
        path.is_file(), f"{exercise}: the task {task} has no proof at {path.relative_to(ROOT)}."
    )
    spec = importlib.util.spec_from_file_location(f"proofs_{exercise}_{task}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.proof


def proofs_of(exercise: str) -> dict[str, Proof]:
    """task → :class:`Proof`, in the order of the notebook."""
    tasks = Exercise(exercise_sources([exercise])[0]).tasks()
    return {task: proof_of(exercise, task) for task in tasks}


def renew_prints() -> None:
    """Write the prints of all untidy cases anew, from the solved notebooks.

    Needed where a maker of ``classroom/checks/untidy.py`` has changed; until then ``prove`` says
    that the reference is not accepted.
    """
    write_prints(
        {
            f"{name}.{task}": lambda *args, proof=proof: Trial(proof.reference).run(*args)
            for name in exercises()
            for task, proof in proofs_of(name).items()
        }
    )


def prove(source: Path, seeds: tuple[int, ...] = (11, 12)) -> list[dict]:
    """Prove an exercise's checks: a list with one dictionary for each task.

    ``mutants``, ``killed`` (by the check, or by the probes of every seed for those declared
    hidden), ``right_message`` (the check's message contains what the mutant's author wrote; those
    that only probes find have none), ``alternatives``, ``accepted`` (by check and probes, the
    reference included), ``stub_fails`` (the check is kind to the stub), ``problems``.
    """
    exercise = Exercise(source)
    proofs = proofs_of(exercise.name)
    # wrong solutions divide by zero, and more
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return [
            _prove_task(exercise, task, proofs[name], seeds)
            for name, task in exercise.tasks().items()
        ]


def _prove_task(exercise: Exercise, task: Task, proof: Proof, seeds: tuple[int, ...]) -> dict:
    """One row of :func:`prove`."""
    require(
        not callable(proof.reference) or proof.inputs is not None,
        f"{exercise.stem}: the task {task.name} has no hidden probe.",
    )
    problems = []
    killed = right_message = 0
    for function, says, hidden in proof.wrongs:
        dead, speaks, problem = _judge_wrong(task, proof, function, says, hidden, seeds)
        killed += dead
        right_message += dead and speaks
        problems += [problem] if problem else []
    accepted = 0
    for function in [proof.reference, *proof.rights]:
        problem = _judge_right(task, proof, function, seeds)
        accepted += not problem
        problems += [problem] if problem else []
    stub_fails = _stub_fails_kindly(exercise, task)
    if not stub_fails:
        problems.append("the stub does not fail kindly")
    return {
        "task": task.id,
        "mutants": len(proof.wrongs),
        "killed": killed,
        "right_message": right_message,
        "alternatives": len(proof.rights) + 1,
        "accepted": accepted,
        "stub_fails": stub_fails,
        "problems": problems,
    }


def _judge_wrong(
    task: Task,
    proof: Proof,
    function: Callable,
    says: str,
    hidden: bool,
    seeds: tuple[int, ...],
) -> tuple[bool, bool, str]:
    """(rejected, told rightly, what is wrong with that) of a wrong solution."""
    student = proof.student(function)
    found = task.outcome(student)
    by_probes = all(proof.share_right(student, seed) < 1 for seed in seeds)
    dead = (found.passed and by_probes) if hidden else not found.passed
    speaks = bool(says) and says.lower() in found.message.lower()
    if not dead:
        seen = f": the check says {found.message!r}, probes reject: {by_probes}" if hidden else ""
        return False, speaks, f"{function.__name__} is not rejected{seen}"
    if not speaks and not hidden:
        return True, False, f"{function.__name__} is told {found.message!r}, not {says!r}"
    return True, speaks, ""


def _judge_right(task: Task, proof: Proof, function: object, seeds: tuple[int, ...]) -> str:
    """What is wrong with the judgement of a right solution: empty when it is accepted."""
    student = function if function is proof.reference else proof.student(function)
    found = task.outcome(student)
    shares = [proof.share_right(student, seed) for seed in seeds]
    if found.passed and all(share == 1 for share in shares):
        return ""
    name = getattr(function, "__name__", "reference")
    return f"right solution {name} is not accepted: {found.message or shares}"


def _stub_fails_kindly(exercise: Exercise, task: Task) -> bool:
    """True when the check of the bare stub fails as "not written yet"."""
    cell = next(c for c in exercise.of("task") if c.metadata["task"] == task.name)
    namespace = exercise.run(upto=cell)
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(between(cell.source, False, exercise.stem), exercise.stem, "exec"), namespace)
    found = task.outcome(namespace.get(cell.metadata.get("object", task.name)))
    return not found.written and not found.passed


def prove_command(names: list[str], as_json: bool) -> int:
    """``course prove``: one table; returns 1 when something is not proven."""
    rows = [row for source in exercise_sources(names) for row in prove(source)]
    require(rows, "there are no exercises to prove.")
    print(json.dumps(rows, indent=1) if as_json else proof_table(rows))
    proven = [
        r["killed"] == r["mutants"] and r["accepted"] == r["alternatives"] and r["stub_fails"]
        for r in rows
    ]
    return int(not all(proven))


def proof_table(rows: list[dict]) -> str:
    """The rows of :func:`prove` as text."""
    lines = [f"{'task':34} mutants  killed  right message  alternatives  accepted  stub fails"]
    for r in rows:
        lines.append(
            f"{r['task']:34} {r['mutants']:7}  {r['killed']:6}  {r['right_message']:13}  "
            f"{r['alternatives']:12}  {r['accepted']:8}  {'yes' if r['stub_fails'] else 'NO'}"
        )
        lines += [f"    {problem}" for problem in r["problems"]]
    return "\n".join(lines)
