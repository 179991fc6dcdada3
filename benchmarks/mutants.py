"""The checks of the exercises against mistakes that nobody wrote by hand: small changes to each
solution's syntax tree.

    python benchmarks/mutants.py [--quick] [--json] [ex01 ...]

Operators and comparisons are exchanged, constants moved by one, conditions fixed, keywords, slices,
operands and statements left out. A changed solution that passes a task's visible check is printed,
with what the hidden probes say of two seeds. What passes both is nearly always another way to write
the same function (`i >= n` for `i > n - 1`), which only a person can tell; the aim leaves room for
these.
"""

from common import finish, options

parser = options(__doc__)
parser.add_argument(
    "names", nargs="*", metavar="NAME", help="exercises, such as ex01 (default: all)"
)
args = parser.parse_args()

import ast
import contextlib
import copy
import io
import sys
import warnings

import numpy as np

from course_lib.authoring.exercises import Exercise, between, exercise_sources
from course_lib.authoring.proofs import proofs_of
from course_lib.base import versions
from course_lib.classroom.checks import calling

calling.SECONDS = 3  # a mutant that does not end is rejected sooner
SWAPS = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
COMPARES = {
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.GtE),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.LtE),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}


def changes(node):
    """(name, what to do to a copy of ``node``) for every small mistake that can be made at it."""
    if isinstance(node, ast.BinOp) and type(node.op) in SWAPS:
        yield (
            f"{type(node.op).__name__} → {SWAPS[type(node.op)].__name__}",
            lambda n: setattr(n, "op", SWAPS[type(n.op)]()),
        )
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield "no minus", lambda n: setattr(n, "op", ast.UAdd())
    elif isinstance(node, ast.Compare):
        for other in COMPARES.get(type(node.ops[0]), ()):
            yield (
                f"{type(node.ops[0]).__name__} → {other.__name__}",
                lambda n, other=other: n.ops.__setitem__(0, other()),
            )
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield f"{node.value} → {not node.value}", lambda n: setattr(n, "value", not n.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        for by in (1, -1):
            yield (
                f"{node.value} → {node.value + by}",
                lambda n, by=by: setattr(n, "value", n.value + by),
            )
    elif isinstance(node, ast.BoolOp):
        yield (
            "and ↔ or",
            lambda n: setattr(n, "op", ast.Or() if isinstance(n.op, ast.And) else ast.And()),
        )
        for k, value in enumerate(node.values):
            yield (
                f"without {ast.unparse(value)}",
                lambda n, k=k: n.values.__setitem__(k, n.values[k - 1]),
            )
    elif isinstance(node, ast.Slice):
        for end in ("lower", "upper", "step"):
            if getattr(node, end) is not None:
                yield f"slice without its {end}", lambda n, end=end: setattr(n, end, None)
    elif isinstance(node, ast.Call):
        for k, keyword in enumerate(node.keywords):
            if keyword.arg != "dtype":  # the checks take any type of number
                yield f"without {keyword.arg}=", lambda n, k=k: n.keywords.pop(k)
        if isinstance(node.func, ast.Name) and node.func.id in ("max", "min"):
            yield (
                "max ↔ min",
                lambda n: setattr(n.func, "id", {"max": "min", "min": "max"}[n.func.id]),
            )
    elif isinstance(node, ast.If | ast.IfExp):
        for value in (True, False):
            yield f"if {value}", lambda n, value=value: setattr(n, "test", ast.Constant(value))
    for block in ("body", "orelse"):
        if isinstance(node, ast.FunctionDef | ast.For | ast.If | ast.While) and (
            lines := getattr(node, block, None)
        ):
            for k, line in enumerate(lines):
                yield (
                    f"without the line {ast.unparse(line).splitlines()[0]}",
                    lambda n, k=k, block=block: getattr(n, block).__setitem__(k, ast.Pass()),
                )


def mutants(source):
    """(line, name, changed source) of every change, each text once."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and ast.get_docstring(node):
            del node.body[0]
    seen = {ast.unparse(tree)}
    for at, node in enumerate(ast.walk(tree)):
        for name, change in changes(node):
            other = copy.deepcopy(tree)
            change(list(ast.walk(other))[at])
            text = ast.unparse(ast.fix_missing_locations(other))
            if text not in seen:
                seen.add(text)
                yield getattr(node, "lineno", 0), name, text


def survivors(source):
    """(number of mutants, [(task, line, change, share of hidden probes passed)] of those that pass
    the visible check).
    """
    exercise = Exercise(source)
    tasks = exercise.tasks()
    proofs = proofs_of(exercise.name)
    namespace = {"__name__": exercise.name}
    count = 0
    found = []
    last = max(at for at, cell in enumerate(exercise.cells) if cell.metadata.get("role") == "task")
    for cell in exercise.cells[: last + 1]:
        role = cell.metadata.get("role")
        name = cell.metadata.get("task")
        if cell.cell_type != "code" or role not in (None, "task"):
            continue
        text = between(cell.source, True, exercise.stem) if role == "task" else cell.source
        exec(compile(text, exercise.stem, "exec"), namespace)
        if role is None or not callable(proofs[name].reference):
            continue
        for line, change, changed in mutants(text):
            count += 1
            local = dict(namespace)
            # defines it; its calls are made, and limited, by the check
            exec(compile(changed, exercise.stem, "exec"), local)
            student = local[cell.metadata.get("object", name)]
            if tasks[name].outcome(student).passed:
                share = min(proofs[name].share_right(student, seed) for seed in (11, 12))
                found.append((tasks[name].id, line, change, share))
    return count, found


warnings.simplefilter("ignore")
np.seterr(all="ignore")
total, passed = 0, []
for source in exercise_sources(["ex01"] if args.quick else args.names):
    with contextlib.redirect_stdout(io.StringIO()):
        count, found = survivors(source)
    total, passed = total + count, passed + found
    if not args.json:
        print(
            f"{source.stem}: {count} mutants, {len(found)} pass the visible check",
            file=sys.stderr,
            flush=True,
        )
both = [row for row in passed if row[3] == 1]
lines = [
    f"{task:28} line {line}: {change:44} probes {share:.2f}" for task, line, change, share in passed
]
lines.append(
    f"{total} mutants; {total - len(passed)} fail the visible check; {len(passed) - len(both)} "
    f"more fail the hidden probes; {len(both)} pass both"
)
ratios = {
    "mutants rejected by the visible check": 1 - len(passed) / total,
    "mutants rejected by check or probes": 1 - len(both) / total,
}
finish(
    args,
    {
        "ratios": ratios,
        "aims": {
            "mutants rejected by the visible check": 0.95,
            "mutants rejected by check or probes": 0.97,
        },
        "mutants": total,
        "passed": [
            dict(zip(("task", "line", "change", "probes"), row, strict=True)) for row in passed
        ],
        "versions": versions(),
    },
    lines,
)
