"""What an answer earns: the check's properties, counted as far as hidden inputs bear them out."""

import ast
from pathlib import Path

import pytest

from course_lib.authoring.exercises import Exercise, exercise_sources
from course_lib.authoring.proofs import proofs_of
from course_lib.grading.box import Limits, Sandbox, sandbox_problem
from course_lib.grading.judge import CLASSES, graded
from course_lib.grading.plan import plan_of, without_checks

pytestmark = pytest.mark.skipif(bool(sandbox_problem()), reason=sandbox_problem())
SLOW = Limits(seconds=300, cpu_seconds=300)
QUICK = ["ex01"]
ALL = [f"ex{k:02}" for k in range(1, 10)]
EXERCISES = [pytest.param(n, marks=[] if n in QUICK else [pytest.mark.slow]) for n in ALL]


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox() as running:
        yield running


def task_cells(exercise, solved):
    """The task cells alone, with their solutions or their stubs."""
    source = Exercise(exercise_sources([exercise])[0])
    names = {task.split(".")[-1] for task in source.tasks()}
    cells = source.notebook_cells(solved)
    sources = [text for kind, text in cells if kind == "code"]
    before = [at for at, text in enumerate(sources) if text.startswith("check.")]
    assert len({sources[at].split("(")[0][6:] for at in before} & names) == len(names)
    return [sources[at - 1] for at in before if sources[at].split("(")[0][6:] in names]


@pytest.mark.parametrize("exercise", EXERCISES)
def test_what_is_right_earns_all_and_a_stub_nothing(sandbox, exercise):
    plan = plan_of(exercise, 987654321)
    assert sandbox.plan(plan.given) == []
    results = graded(plan, sandbox, task_cells(exercise, True), SLOW)
    assert [r.outcome for r in results] == ["right"] * len(plan.tasks), results
    assert [r.points for r in results] == [t.task.points for t in plan.tasks.values()]
    assert all(r.hidden_right == r.hidden > 0 for r in results)
    results = graded(plan, sandbox, task_cells(exercise, False), SLOW)
    assert [r.outcome for r in results] == ["unwritten"] * len(plan.tasks)
    assert not any(r.points for r in results)
    results = graded(plan, sandbox, [], SLOW)
    assert [r.outcome for r in results] == ["missing"] * len(plan.tasks)


def test_a_task_that_never_ends_costs_the_others_nothing(sandbox):
    plan = plan_of("ex01", 5)
    sandbox.plan(plan.given)
    cells = task_cells("ex01", True)
    names = list(plan.tasks)
    loop = f"def {plan.tasks[names[1]].handed_in}(*a, **k):\n    while True:\n        try:\n"
    loop += "            while True: pass\n        except BaseException: pass"
    results = graded(plan, sandbox, [*cells, loop], Limits(seconds=10, cpu_seconds=300))
    found = {r.task.split(".")[1]: r.outcome for r in results}
    assert found.pop(names[1]) == "stopped"
    assert set(found.values()) == {"right"}


def test_a_number_in_the_place_of_a_function_costs_the_others_nothing(sandbox):
    plan = plan_of("ex01", 5)
    sandbox.plan(plan.given)
    first = plan.tasks[next(iter(plan.tasks))].handed_in
    results = graded(plan, sandbox, [*task_cells("ex01", True), f"{first} = 3"], SLOW)
    assert [r.outcome for r in results] == ["wrong", "right", "right", "right"]
    assert results[0].points == 0 and "should be a function" in results[0].message


def test_answers_that_know_the_visible_inputs_alone_earn_nothing(sandbox):
    """A table of the check's own calls, made by asking the right solution, and 0 for the rest."""
    plan = plan_of("ex01", 6)
    sandbox.plan(plan.given)
    for name, probed in plan.tasks.items():
        trial = probed.task.trial(probed.proof.reference)
        table = [(repr(call.args), probed.proof.reference(*call.args)) for call in trial.asked]
        cell = (
            "import torch\nfrom torch import tensor\nfrom numpy import array\n"
            f"TABLE = {[(key, plain(value)) for key, value in table]!r}\n"
            f"def {probed.handed_in}(*args):\n"
            "    return dict(TABLE).get(repr(args), 0)"
        )
        (result,) = [r for r in graded(plan, sandbox, [cell], SLOW) if r.task.endswith(name)]
        assert result.points == 0, result


def plain(value):
    return value.tolist() if hasattr(value, "tolist") else value


@pytest.mark.slow
@pytest.mark.parametrize(
    "exercise", [pytest.param(n, marks=[] if n == "ex01" else pytest.mark.long) for n in ALL]
)
def test_no_wrong_solution_earns_all(sandbox, exercise):
    """The bank of wrong solutions, by their sources."""
    plan = plan_of(exercise, 31)
    sandbox.plan(plan.given)
    tried = 0
    for name, proof in proofs_of(exercise).items():
        module = Path(proof.wrongs[0][0].__code__.co_filename).read_text(encoding="utf-8")
        head = "".join(
            line + "\n"
            for line in module.split("\n")
            if line.startswith(("import ", "from ")) and "authoring" not in line
        )
        helpers = ast.parse(module).body
        helpers = [n for n in helpers if isinstance(n, ast.FunctionDef | ast.Assign)]
        for node in helpers:
            node.decorator_list = []
        text = "\n\n".join(ast.unparse(n) for n in helpers if "Proof(" not in ast.unparse(n))
        for function, _, _ in proof.wrongs[:2]:
            handed_in = plan.tasks[name].handed_in
            last = f"{handed_in} = {function.__name__}" + (
                "" if callable(proof.reference) else "()"
            )
            cell = f"{head}\n{text}\n{last}"
            (result,) = [r for r in graded(plan, sandbox, [cell], SLOW) if r.task.endswith(name)]
            assert result.points < result.most, (function.__name__, result)
            assert result.outcome in CLASSES
            tried += 1
    assert tried >= 6


def test_checks_and_quizzes_are_left_out_of_cells():
    cell = (
        "import torch\nfrom course_lib.classroom.checks import ex01 as check\n"
        "check.need(check.a)\nx = 1"
    )
    assert without_checks(cell) == "import torch\nx = 1"
    assert without_checks("x = 1  # kept\ny = x") == "x = 1  # kept\ny = x"
    assert without_checks("%pip install x") == "%pip install x"
