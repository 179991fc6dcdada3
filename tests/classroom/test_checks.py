"""What all checks share: types of results and inputs, chance and kept state, and forgeries."""

import contextlib
import json
import os
import random
import subprocess
import sys
from collections import deque
from threading import get_ident

import numpy as np
import pytest
import torch

from course_lib import authoring
from course_lib.authoring import exercises as ex
from course_lib.authoring import proofs
from course_lib.classroom import checks
from course_lib.classroom.checks import calling, ex01, ex02, ex03, plain, running, trial, untidy
from course_lib.classroom.checks.outcome import CheckFailed

TASKS = {
    task.id: task for exercise in checks.exercises() for task in checks.tasks(exercise).values()
}
FIRST_IS_QUICK = [
    pytest.param(name, marks=[] if name.startswith("ex01") else pytest.mark.slow) for name in TASKS
]


@pytest.fixture(params=TASKS)
def task(request):
    return TASKS[request.param]


def proof_of(task):
    return proofs.proof_of(task.exercise, task.name)


@pytest.fixture
def double():
    """A check of a function that doubles a list."""

    @checks.task(
        "ex99",
        points=2,
        minutes=1,
        difficulty="easy",
        idea="doubling",
        read="nowhere",
        hints=("a", "b", "c"),
    )
    def double(t):
        with t.part(1, "small"):
            t.same(([1.0],), [2.0], [([1.0], "this is the input.")])
        with t.part(1, "longer"):
            t.same(([1.0, 3.0],), [2.0, 6.0])

    return double


# ---- inputs ------------------------------------------------------------------------------------


def test_hidden_inputs_have_the_types_of_visible_ones(task):
    proof = proof_of(task)
    visible = proofs.visible_kinds(task.exercise, task.name)
    hidden = set().union(*(checks.kinds(args) for seed in (1, 2) for args in proof.drawn(seed)))
    assert hidden <= visible, sorted(hidden - visible)


def test_kinds_tell_places_and_dtypes():
    found = checks.kinds(({0.1: torch.zeros(2)}, [("a", 1)]))
    assert {("[]{}", "float"), ("[]{}=", "Tensor float32"), ("[][][]", "int")} <= found
    assert checks.kinds(np.zeros(2)) == {("", "ndarray float64")}


def test_every_check_and_every_probe_has_a_large_and_untidy_case(task):
    shown = task.trial(proof_of(task).reference).asked
    texts = {repr(checks.plain_value(call.args)) for call in shown}
    cases = checks.untidy_inputs(task.id, untidy.SEED)
    assert cases and {repr(checks.plain_value(args)) for args in cases} <= texts
    drawn = {repr(checks.plain_value(args)) for args in proof_of(task).drawn(7)}
    hidden = {repr(checks.plain_value(args)) for args in checks.untidy_inputs(task.id, 7)}
    assert hidden and len(hidden & drawn) == len(hidden)


def test_a_large_case_costs_nothing_where_a_small_one_has_failed(double):
    wrong = TASKS["ex01.win_share"].outcome(lambda a, b: float((a > b).double().mean()))
    assert [part.passed for part in wrong.parts] == [True, False, True]
    fits_small = TASKS["ex01.win_share"].outcome(
        lambda a, b: float(((a > b).double() + (a == b) / 2).mean()) if len(a) < 9 else 0.5
    )
    assert fits_small.points == 2 and "larger and less tidy" in fits_small.message


def test_prints_tell_values_apart_but_not_types():
    value = [[1.0, 2.5], ["a", None]]
    right = untidy.print_of(value)
    assert untidy.fits((np.array([1.0, 2.5]), ("a", None)), right)
    for other in ([[2.5, 1.0], ["a", None]], [[1.0, 2.5], ["b", None]], [1.0, 2.5, "a", None]):
        assert not untidy.fits(other, right)
    assert untidy.print_of({"b": 1, "a": 2}) == untidy.print_of({"a": 2, "b": 1})


def test_no_two_mistakes_of_a_case_have_one_value(monkeypatch):
    """Else the message may name the wrong one."""
    found = []
    same = trial.Trial.same

    def looked_at(self, args, right, mistakes=(), tolerance=1e-6, otherwise=""):
        mistakes = list(mistakes)
        for k, (value, message) in enumerate(mistakes):
            later = [m for v, m in mistakes[k + 1 :] if checks.same_value(v, value, tolerance)]
            found.extend((message, m) for m in later if m != message)
            if checks.same_value(value, right, tolerance):
                found.append((message, "right"))
        return same(self, args, right, mistakes, tolerance, otherwise)

    monkeypatch.setattr(trial.Trial, "same", looked_at)
    for task in TASKS.values():
        assert task.outcome(proof_of(task).reference).passed
    assert found == []


def test_a_path_holds_no_brackets_in_any_check_and_the_text_says_so():
    proof = proofs.proof_of("ex06", "path_of")
    shown = [call.args for call in TASKS["ex06.path_of"].trial(proof.reference).asked]
    for (text,) in shown + proof.drawn(1) + proof.drawn(2):
        for piece in text.split("<<")[1:]:
            assert "<" not in piece and ">" not in piece.split(">>")[0], text
    (source,) = ex.exercise_sources(["ex06"])
    assert "never stand inside" in source.read_text(encoding="utf-8")


# ---- results -----------------------------------------------------------------------------------


def numbers_as(value, dtypes, make):
    """``value`` with its numbers, rows and tables made anew; None where it is neither."""
    if isinstance(value, dict):
        return {key: numbers_as(x, dtypes, make) for key, x in value.items()}
    flat = np.array(value)
    if flat.dtype.kind not in "fib":
        return value
    return make(flat.astype(dtypes.get(flat.dtype.kind, flat.dtype)))


SHORT, LONG = {"f": np.float32, "i": np.int32}, {"f": np.float64, "i": np.int64}
RESULTS = {
    "float32 tensors": (SHORT, torch.tensor),
    "float64 tensors": (LONG, torch.tensor),
    "float32 arrays": (SHORT, np.array),
    "float64 arrays": (LONG, np.array),
    "lists": (LONG, lambda x: x.tolist()),
    "tuples": (LONG, lambda x: tuple(x.tolist()) if x.ndim else x.item()),
    "lists of NumPy scalars": (SHORT, lambda x: list(x) if x.ndim else x[()]),
}
# texts that ask for one type: tensors with a gradient, a tuple
ONE_TYPE = {
    "ex03.bradley_terry",
    "ex05.sft_loss",
    "ex06.path_of",
    "ex07.ppo_clip",
    "ex07.dpo_loss",
}
SEVERAL = {
    "ex03.usable_pairs": 2,
    "ex05.best_and_control": 2,
    "ex08.split_prompts": 2,
    "ex08.training_ids": 2,
    "ex09.forecast": 2,
}


def returning(function, how, several):
    """``function`` with results of other types."""

    def other(*args):
        got = checks.plain_value(function(*args))
        if several:
            return tuple(numbers_as(x, *RESULTS[how]) for x in got)
        with contextlib.suppress(ValueError):  # rows of unequal lengths
            return numbers_as(got, *RESULTS[how])
        return got

    return other


@pytest.mark.parametrize("name", FIRST_IS_QUICK)
def test_right_answers_are_right_in_every_type_of_number_and_container(name):
    task = TASKS[name]
    proof = proof_of(task)
    for solution in [proof.reference, *map(proof.student, proof.rights)]:
        for how in RESULTS if name not in ONE_TYPE else ():
            student = returning(solution, how, name in SEVERAL)
            assert task.outcome(student).message == "", how
            assert proof.share_right(student, 3) == 1, how


def changed(value, dtype):
    """Tensors and arrays of floats in another dtype."""
    if isinstance(value, dict):
        return {key: changed(x, dtype) for key, x in value.items()}
    if isinstance(value, torch.Tensor):
        return value.to(getattr(torch, dtype)) if value.dtype.is_floating_point else value
    if isinstance(value, np.ndarray):
        return value.astype(dtype) if value.dtype.kind == "f" else value
    return value


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", FIRST_IS_QUICK)
def test_right_answers_may_compute_in_either_precision(name, dtype):
    task = TASKS[name]
    proof = proof_of(task)
    for solution in [proof.reference, *map(proof.student, proof.rights)]:

        def student(*args, solution=solution):
            return solution(*(changed(x, dtype) for x in args))

        found = task.outcome(student)
        # a constant of its own in another dtype, which torch does not take beside the input
        if "dtype" not in found.message and "scalar type" not in found.message:
            assert found.message == "", (solution, dtype)
            assert proof.share_right(student, 3) == 1, (solution, dtype)


class Yes:
    """Equal to everything."""

    def __eq__(self, other):
        return True

    def __ne__(self, other):
        return False

    __hash__ = None
    __lt__ = __le__ = __gt__ = __ge__ = __eq__

    def __len__(self):
        return 1

    def __iter__(self):
        return iter([self])

    def __getitem__(self, at):
        return self

    def __float__(self):
        return 0.0

    def __abs__(self):
        return 0.0

    def __sub__(self, other):
        return 0.0

    __rsub__ = __sub__


def posing_as(base, *value):
    """A ``Yes`` that is a number, text or container as well."""
    body = {name: method for name, method in vars(Yes).items() if name != "__dict__"}
    return type(f"Yes{base.__name__}", (base,), body)(*value)


POSERS = [
    Yes(),
    posing_as(float, 0.123),
    posing_as(int, 77),
    posing_as(str, "yes"),
    posing_as(list, [0.123]),
    posing_as(tuple, [0.123]),
    posing_as(dict, {"a": 0.123}),
]


@pytest.mark.parametrize("name", FIRST_IS_QUICK)
def test_what_says_that_it_equals_everything_is_not_believed(name):
    for poser in POSERS:
        found = TASKS[name].outcome(lambda *_, poser=poser: poser)
        assert found.points == 0, (type(poser), found)
    for student in (lambda *_: POSERS[0], lambda *_: POSERS[1], lambda *_: POSERS[:1]):
        assert proof_of(TASKS[name]).share_right(student, 5) == 0


def test_values_become_builtin():
    array = np.array([1.5, 2.5]).view(type("Mine", (np.ndarray,), {"__eq__": lambda *_: True}))
    found = checks.builtin_value((posing_as(float, 1.5), np.str_("a"), [np.int8(3)], array))
    assert found[:3] == (1.5, "a", [3])
    assert [type(x) for x in found] == [float, str, list, np.ndarray]
    assert type(checks.builtin_value(torch.nn.Parameter(torch.ones(2)))) is torch.Tensor
    assert repr(checks.builtin_value(Yes())) == "<Yes>"
    loop = []
    loop.append(loop)
    assert "list" in repr(checks.builtin_value(loop))
    assert isinstance(checks.builtin_value(zip([1])), zip)
    assert plain.read_once(checks.builtin_value(zip([1])))


# ---- what is right stands nowhere near ---------------------------------------------------------


def held(value, depth=4):
    """A value and what it holds, as plain values."""
    with contextlib.suppress(TypeError):  # a class of tensors is none
        yield checks.plain_value(value)
    if depth and isinstance(value, dict):
        value = list(value.values())
    if depth and isinstance(value, (list, tuple, set)):
        for entry in value:
            yield from held(entry, depth - 1)


ROOMS = ("classroom", "authoring")  # the only ones that know something of checks


class Spy:
    """A right function that notes what stands in its callers' variables, and in other threads'."""

    def __init__(self, reference):
        self.reference = reference
        self.calls = []

    def __call__(self, *args):
        frames = []
        others = [f for ident, f in sys._current_frames().items() if ident != get_ident()]
        for frame in [sys._getframe(1), *others]:
            while frame is not None and frame.f_code.co_filename != __file__:
                frames.append(frame)
                frame = frame.f_back
        mine = {"args", "kwargs", "given", "self", "call", "inputs", "again"}
        found = []
        for frame in frames:
            where = (os.path.basename(frame.f_code.co_filename), frame.f_code.co_name)
            for name, value in frame.f_locals.items():
                of_checks = any(f"course_lib/{room}" in frame.f_code.co_filename for room in ROOMS)
                if of_checks and name not in mine:
                    found += [(*where, name, inner) for inner in held(value)]
        assert not any(value is self.reference for *_, value in found)
        right = self.reference(*args)
        self.calls.append((checks.plain_value(right), found))
        return right

    def saw(self):
        """Where something right stood, but for what it had answered before itself."""
        told = []
        places = []
        for right, found in self.calls:
            if not any(same_thing(right, before) for before in told):
                told.append(right)
                places += [where for *where, value in found if same_thing(value, right)]
        return places


def same_thing(value, right):
    kinds_fit = type(value) is type(right) or {type(value), type(right)} == {int, float}
    return kinds_fit and checks.same_value(value, right, 1e-9)


def test_no_caller_of_the_function_holds_what_is_right(task):
    spy = Spy(proof_of(task).reference)
    task.outcome(spy)
    seen_by_the_check = len(spy.calls)
    assert seen_by_the_check and spy.saw() == []
    proof_of(task).share_right(spy, 4)
    assert len(spy.calls) > seen_by_the_check and spy.saw() == []


# ---- chance and kept state ---------------------------------------------------------------------

AGAIN = "the second call with the same input gives something else"


def test_kept_state_and_own_chance_are_named(double):
    seen = set()

    def keeps_a_set(xs):
        new = [2 * x for x in xs if x not in seen]
        seen.update(xs)
        return new

    def keeps_a_default(xs, out=[]):  # noqa: B006
        out += [2 * x for x in xs]
        return out

    draw = random.Random(0)

    def draws(xs):
        return [2 * x + draw.random() for x in xs]

    def tosses(xs):
        return [x * draw.choice([1, 2]) for x in xs]

    def remembers(xs, known={}):  # noqa: B006
        return known.setdefault(len(xs), [2 * x for x in xs])

    for function in (keeps_a_set, keeps_a_default, draws, tosses):
        assert AGAIN in double.outcome(function).message, function.__name__
    assert double.outcome(remembers).passed, "a cache changes nothing"


def test_state_that_shows_on_another_input_only_is_named():
    def pool(rounds, keep="all", out=[]):  # noqa: B006
        chosen = rounds if keep == "all" else rounds[-1:]
        out += [pair for pairs in chosen for pair in pairs if pair not in out]
        return list(out)

    assert AGAIN in TASKS["ex05.pool_rounds"].outcome(pool).message


def test_every_call_gets_a_fresh_copy(double):
    assert "changes its input" in double.outcome(lambda xs: xs.append(0) or [2.0]).message
    calls = []
    double.outcome(lambda xs: calls.append(xs) or [2 * x for x in xs])
    assert len({id(xs) for xs in calls}) == len(calls) == 4


def test_a_check_calls_the_function_as_often_as_it_says(double):
    trial_of = double.trial(lambda xs: [2 * x for x in xs])
    assert [call.args for call in trial_of.asked] == [([1.0],), ([1.0, 3.0],)]
    assert isinstance(trial_of.asked[0], calling.Call)


HASHED = """
import json
from course_lib.authoring import proofs
from course_lib.classroom import checks

said = {}
for exercise, name in %r:
    proof, task = proofs.proof_of(exercise, name), checks.tasks(exercise)[name]
    for function, *_ in proof.wrongs:
        found = task.outcome(proof.student(function))
        said[f"{task.id} {function.__name__}"] = [found.points, found.message]
print(json.dumps(said))
"""
WITH_SETS = [
    ("ex05", "pool_rounds"),
    ("ex06", "path_of"),
    ("ex06", "distinct_right"),
    ("ex08", "keep_aligned"),
    ("ex08", "split_prompts"),
    ("ex09", "trl_rows"),
]


@pytest.mark.slow
def test_points_and_messages_do_not_depend_on_the_order_of_sets():
    said = []
    for seed in "123":
        done = subprocess.run(
            [sys.executable, "-c", HASHED % WITH_SETS],
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=authoring.ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        said.append(json.loads(done.stdout))
    assert said[0] == said[1] == said[2]


# ---- forgeries in a notebook -------------------------------------------------------------------

SETUP = "from course_lib.classroom.checks import ex01 as check"
FORGERIES = {
    "compare": (
        "from course_lib.classroom.checks import compare, trial, untidy\n"
        "compare.same_value = trial.same_value = trial.fits = lambda *a: True",
        "check.win_share(lambda a, b: 0.3)",
    ),
    "outcome": (
        "from course_lib.classroom.checks import outcome, registry\n"
        "Part, Outcome = outcome.Part, outcome.Outcome\n"
        "registry.Task.outcome = lambda self, value: Outcome(\n"
        "    self.id, self.points, [Part('x', self.points, True)]\n"
        ")",
        "check.win_share(1)",
    ),
    "log": (
        "import json, os\n"
        "line = json.dumps({'task': 'ex01.win_share', 'points': 3, 'most': 3, 'passed': True,\n"
        "                   'written': True, 'message': '', 'parts': []})\n"
        "open(os.environ.get('COURSE_CHECK_LOG', 'log'), 'a').write(line + '\\n')\n"
        "print(line)",
        "check.win_share",
    ),
    "another check": (
        "class check:\n    win_share = staticmethod(lambda f: print('win_share: 3 of 3 points.'))",
        "check.win_share(1)",
    ),
}


def notebook(path, *sources):
    """A notebook file of code cells."""
    import nbformat

    cells = [nbformat.v4.new_code_cell(text) for text in sources]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


@pytest.mark.slow
@pytest.mark.parametrize("how", FORGERIES)
def test_course_check_believes_no_cell_of_the_notebook(how, tmp_path):
    path = notebook(tmp_path / "mine.ipynb", SETUP, *FORGERIES[how])
    assert sum(row["points"] for row in running.standing(str(path))) == 0


@pytest.mark.slow
def test_an_honest_notebook_goes_on_as_before_after_each_check(tmp_path):
    right = "lambda a, b: float(((a > b).double() + 0.5 * (a == b).double()).mean())"
    path = notebook(
        tmp_path / "mine.ipynb",
        SETUP,
        "print = value = task = told = None",
        f"check.win_share({right})",
        "check.need(check.win_share)\nbest_of_n = lambda texts, rewards: [row[0] for row in texts]",
        "check.best_of_n(best_of_n)",
    )
    rows = {row["task"]: row for row in running.standing(str(path))}
    assert rows["ex01.win_share"]["points"] == 3
    assert rows["ex01.best_of_n"]["points"] == 1 and rows["ex01.best_of_n"]["written"]
    assert rows["ex01.cheapest_n"]["message"] == running.MISSING


def test_checks_are_found_in_cells_of_any_form():
    source = "%matplotlib inline\nfor f in fs:\n    check.win_share(f)\nx = check.best_of_n(a[0])"
    found = list(running.checked_in(source, "ex01"))
    assert found == [("ex01.best_of_n", "a[0]"), ("ex01.win_share", "f")]
    assert not list(running.checked_in("check.need(check.win_share)\ncheck.other(f)", "ex01"))
    assert not list(running.checked_in("def f(:", "ex01"))


@pytest.mark.parametrize("half", ["bfloat16", "float16"])
def test_half_precision_is_named(half):
    """Its two or three digits are too few to tell right from wrong."""
    with pytest.raises(CheckFailed, match=f"is in {half}, which keeps two or three digits"):
        ex02.softmax_at(lambda l, T: torch.softmax(l / T, 1).to(getattr(torch, half)))


def test_sparse_tensors_and_deques_are_read():
    ex03.preference_probability(lambda a, b: torch.sigmoid(a - b).to_sparse())
    ex01.best_of_n(
        lambda texts, rewards: deque(
            row[int(r.argmax())] for row, r in zip(texts, rewards, strict=True)
        )
    )
