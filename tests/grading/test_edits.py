"""1,000 random edits of right submissions: the score never falls while no answer is touched."""

import ast
import functools
import json
import random
import textwrap

import pytest

from course_lib.authoring.exercises import Exercise, exercise_sources
from course_lib.classroom.checks import Trial, Wrong, same_value
from course_lib.grading.answers import cells_to_run
from course_lib.grading.box import Limits, Sandbox, sandbox_problem
from course_lib.grading.judge import graded
from course_lib.grading.notebooks import read_notebook
from course_lib.grading.plan import plan_of

SEED = 8
EXERCISES = [f"ex{n:02}" for n in range(1, 10)]
BLOCK, BLOCKS = 14, 8  # edits of one test, tests of an exercise: 1,008 with nine exercises
INPUTS = 5  # hidden inputs tried for each task
LIMITS = Limits(seconds=600, cpu_seconds=600)


@functools.cache
def planned(name):
    return plan_of(name, SEED)


@functools.cache
def solved(name):
    """[role, kind, source] of the solved notebook's cells."""
    exercise = Exercise(exercise_sources([name])[0])
    plan = planned(name)
    setup = "%pip install --quiet course\nimport importlib.util"
    cells = [["setup", "code", setup]]
    for kind, source in exercise.notebook_cells(True):
        tree = ast.parse(source) if kind == "code" else ast.Module([], [])
        made = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        answer = bool(made & {probed.handed_in for probed in plan.tasks.values()})
        cells.append(["answer" if answer else "given", kind, source])
    return cells


# ---- right submissions of other shapes ---------------------------------------------------------


def with_own_helper(source, number):
    """Each answer calls a helper of the same name, and reads a constant of the same name."""
    tree = ast.parse(source)
    (answer,) = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    called = ", ".join(arg.arg for arg in answer.args.args)
    head = ast.unparse(ast.FunctionDef(answer.name, answer.args, [ast.Pass()], [], lineno=1))
    answer.name = "solve"
    check = f"    assert KIND == {number}\n    return solve({called})"
    return f"KIND = {number}\n{ast.unparse(tree)}\n\n{head.replace('    pass', check)}"


def with_far_helpers(source, number):
    """Each answer rests on two functions of its own, the second cached, and on an own import."""
    tree = ast.parse(source)
    (answer,) = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    name, called = answer.name, ", ".join(arg.arg for arg in answer.args.args)
    head = ast.unparse(ast.FunctionDef(name, answer.args, [ast.Pass()], [], lineno=1))
    answer.name = f"{name}_inner"
    middle = f"def {name}_middle():\n    return time_{number}.time() > OLD_{number} - LONG_{number}"
    body = f"    assert {name}_middle()\n    return {name}_inner({called})"
    cell = f"{head.replace('    pass', body)}\n\n{ast.unparse(tree)}"
    before = f"import time as time_{number}\nOLD_{number} = {number}\nLONG_{number} = [3]\n"
    before += f"LONG_{number} = LONG_{number}[0]\n"
    return cell, f"{before}{middle}"


def shaped(name, shape):
    """The cells of a right submission of one of three shapes."""
    cells = []
    for number, (role, kind, source) in enumerate(solved(name)):
        if role == "answer" and shape == 1:
            source = with_own_helper(source, number)
        if role == "answer" and shape == 2:
            source, before = with_far_helpers(source, number)
            cells.append(["helper", "code", before])
        cells.append([role, kind, source])
    return cells


# ---- edits -------------------------------------------------------------------------------------


def copy(cells, rng, plan):
    cells.insert(rng.randrange(len(cells) + 1), list(rng.choice(cells)))


def delete(cells, rng, plan):
    free = [cell for cell in cells if cell[0] in ("given", "setup")]
    if free:
        cells.remove(rng.choice(free))


def merge(cells, rng, plan):
    at = rng.randrange(len(cells) - 1)
    (one, kind, first), (two, other, second) = cells[at : at + 2]
    if kind == other == "code" and "%" not in (first + second)[:2]:
        role = next((role for role in ("helper", "answer") if role in (one, two)), one)
        cells[at : at + 2] = [[role, kind, first + rng.choice(["\n", "\n\n\n"]) + second]]


def split(cells, rng, plan):
    at = rng.randrange(len(cells))
    role, kind, source = cells[at]
    # an own helper sets a value twice: in two cells, only their order says which is meant
    body = parsed(source) if kind == "code" and role != "helper" else []
    if len(body) > 1:
        cut = body[rng.randrange(1, len(body))].lineno - 1
        lines = source.split("\n")
        cells[at : at + 1] = [
            [role, kind, "\n".join(lines[:cut])],
            [role, kind, "\n".join(lines[cut:])],
        ]


def parsed(source):
    try:
        return ast.parse(source).body
    except SyntaxError:
        return []


def retype(cells, rng, plan):
    cell = rng.choice(cells)
    if cell[1] == "code" and parsed(cell[2]):
        cell[2] = ast.unparse(ast.parse(cell[2]))


def reorder(cells, rng, plan):
    one, two = rng.sample(range(len(cells)), 2)
    cells[one], cells[two] = cells[two], cells[one]


def shuffle(cells, rng, plan):
    rng.shuffle(cells)


def move_down(cells, rng, plan):
    cells.append(cells.pop(rng.randrange(len(cells))))


def add_stub(cells, rng, plan):
    stub = rng.choice(list(plan.tasks.values())).stub
    cells.insert(rng.randrange(len(cells) + 1), ["given", "code", stub])


def add_magic(cells, rng, plan):
    cell = rng.choice(cells)
    magics = ["%%time\n", "%matplotlib inline\n", "!nvidia-smi\n", "# mine\n\n", "?print\n"]
    if cell[1] == "code":
        cell[2] = rng.choice(magics) + cell[2]


def add_scratch(cells, rng, plan):
    name = rng.choice(list(plan.tasks.values())).handed_in
    scratch = rng.choice([
        "print('here')", "import nowhere", "x = = 1", "1 / 0", f"{name} = {name}(1, 2)",
        f"print({name})", f"{name}", "input('?')", "raise SystemExit", "%%bash\nls", "display(3)",
        "np = np", "import torch as t\nimport numpy", f"check.{name}.hint(1)", "sum = 3", "",
        "torch.manual_seed(3)", "def scratch(x):\n    return x", "for name in range(3): name",
        f"result = {name}(*values)", "# a comment alone", "plt.plot([1, 2])\nplt.show()",
    ])  # fmt: skip
    cells.insert(rng.randrange(len(cells) + 1), ["given", "code", scratch])


def change_given(cells, rng, plan):
    """An own later cell with a number changed, a line lost, or an error added."""
    own = [cell for cell in cells if cell[0] == "given" and cell[1] == "code"]
    if not own:
        return
    cell = rng.choice(own)
    lines = cell[2].split("\n")
    at = rng.randrange(len(lines))
    lines[at] = rng.choice([lines[at].replace("1", "2"), "", lines[at] + "  # why?", "raise 3"])
    if "import" not in cell[2]:
        cell[2] = "\n".join(lines)


def to_text(cells, rng, plan):
    cell = rng.choice(cells)
    if cell[0] == "given":
        cell[1] = rng.choice(["markdown", "raw"])


EDITS = [copy, delete, merge, split, retype, reorder, move_down, add_stub, add_magic, add_scratch,
         change_given, to_text]  # fmt: skip
WHOLE = [edit for edit in EDITS if edit is not split]
IN_ORDER = [edit for edit in EDITS if edit not in (copy, reorder, move_down)]


def edited(name, number):
    """A right submission after one to eight random edits, as bytes of a file; and the edits."""
    rng = random.Random(f"{name} {number}")
    plan, shape = planned(name), number % 3
    cells = shaped(name, shape)
    # where helpers share a name, only their place says whose they are
    pool = EDITS if shape != 1 else rng.choice([WHOLE, IN_ORDER])
    edits = rng.choices(pool, k=rng.randrange(1, 9))
    if number % 7 == 0 and pool is not IN_ORDER:
        edits.append(shuffle)
    for edit in edits:
        edit(cells, rng, plan)
    return written(cells, rng), [edit.__name__ for edit in edits]


def written(cells, rng):
    """The cells in one of the formats in which notebooks are handed in."""
    form = rng.choice(["4.5", "4.2", "lists", "3", "bom", "py"])
    if form == "py":
        return script(cells).encode()
    told = []
    for at, (_, kind, source) in enumerate(cells):
        cell = {"cell_type": kind, "source": source}
        if form == "4.5":
            cell |= {"id": str(at), "metadata": {}}
        if form in ("lists", "3"):
            cell["source"] = source.splitlines(keepends=True)
        if form == "3" and kind == "code":
            cell["input"] = cell.pop("source")
        told.append(cell)
    if form == "3":
        return json.dumps({"worksheets": [{"cells": told}], "nbformat": 3}).encode()
    data = json.dumps({"cells": told, "nbformat": 4})
    return data.encode("utf-8-sig" if form == "bom" else "utf-8")


def script(cells):
    text = ""
    for _, kind, source in cells:
        title = "" if kind == "code" else f" [{kind}]"
        source = source if kind == "code" else textwrap.indent(source, "# ", lambda _: True)
        text += f"# %%{title}\n{source}\n\n"
    return text


# ---- what they earn ----------------------------------------------------------------------------


def namespace_of(cells, given):
    """What a box has after the cells: given ones first, those that fail once more."""
    space = {"__name__": "__main__"}
    for source in given:
        exec(source, space)
    waiting = list(cells)
    while waiting:
        failed = []
        for source in waiting:
            try:
                exec(compile(source, "cell", "exec", dont_inherit=True), space)
            except Exception:
                failed.append(source)
        if len(failed) in (0, len(waiting)):
            break
        waiting = failed
    return space


def wrong_ones(plan, space):
    """The tasks of which some hidden input is not answered rightly."""
    wrong = []
    for name, probed in plan.tasks.items():
        for args, right in plan.hidden(name)[:INPUTS]:
            try:
                got = Trial(space[probed.handed_in]).run(*args)
            except (KeyError, Wrong):
                got = None
            if got is None or not same_value(got, right, probed.proof.tolerance):
                wrong.append(name)
                break
    return wrong


@pytest.mark.parametrize(
    "block", [pytest.param(b, marks=pytest.mark.long if b else []) for b in range(BLOCKS)]
)
@pytest.mark.parametrize("name", EXERCISES)
def test_the_score_never_falls(name, block):
    plan = planned(name)
    for number in range(block * BLOCK, (block + 1) * BLOCK):
        data, edits = edited(name, number)
        found = cells_to_run(plan, read_notebook(data, "ex.py"))
        assert found.missing == {}, (number, edits)
        assert wrong_ones(plan, namespace_of(found.cells, plan.given)) == [], (number, edits)


def test_there_are_a_thousand_edits_and_some_of_every_kind():
    assert BLOCK * BLOCKS * len(EXERCISES) >= 1000
    kinds = {edit for n in range(60) for edit in edited("ex01", n)[1]}
    assert len(kinds) == len(EDITS) + 1


def test_an_answer_that_is_touched_does_fall():
    plan = planned("ex01")
    cells = [cell for cell in solved("ex01") if "def win_share" not in cell[2]]
    found = cells_to_run(plan, read_notebook(written(cells, random.Random(1))))
    assert list(found.missing) == ["win_share"]
    assert wrong_ones(plan, namespace_of(found.cells, plan.given)) == ["win_share"]


@pytest.fixture(scope="module")
def sandbox():
    if sandbox_problem():
        pytest.skip(sandbox_problem())
    with Sandbox() as started:
        yield started


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[] if n == "ex01" else pytest.mark.long) for n in EXERCISES]
)
def test_the_score_never_falls_in_real_boxes(name, sandbox):
    plan = planned(name)
    assert sandbox.plan(plan.given) == []
    for number in range(1000, 1005):
        data, edits = edited(name, number)
        found = cells_to_run(plan, read_notebook(data, "ex.py"))
        results = graded(plan, sandbox, found.cells, LIMITS)
        assert {r.outcome for r in results} == {"right"}, (number, edits, results)
