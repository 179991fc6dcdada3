"""Which part of a handed-in notebook is run, whatever a student has done to it."""

import builtins
import random
import textwrap

import pytest

from course_lib.grading.answers import cells_to_run
from course_lib.grading.notebooks import Cell, Notebook
from course_lib.grading.plan import plan_of

BEST = "def best_of_n(texts, rewards):\n    return [row[0] for row in texts]"
SHARE = "def win_share(a, b):\n    return float(((a > b) + .5 * (a == b)).mean())"
HIGH = "def expected_best(rewards, n):\n    return max(rewards)"
CHEAP = "def cheapest_n(ns, quality, share, budget):\n    return ns[0]"
ALL = [BEST, SHARE, HIGH, CHEAP]


@pytest.fixture(scope="module")
def plan():
    return plan_of("ex01", 5)


@pytest.fixture
def found(plan):
    """found(cell, cell, ...): what is run; a text cell begins with "md:"."""

    def make(*sources):
        cells = []
        for source in sources:
            kind = "markdown" if source.startswith("md:") else "code"
            cells.append(Cell(kind, source.removeprefix("md:")))
        return cells_to_run(plan, Notebook(cells))

    return make


def ran(found, given=("import numpy as np\nimport torch",)):
    """The namespace after what is run, as a box has it: what fails is tried again."""
    namespace = {"__name__": "__main__"}
    for source in given:
        exec(source, namespace)
    waiting = list(found.cells)
    while waiting:
        failed = []
        for source in waiting:
            try:
                exec(compile(source, "cell", "exec"), namespace)
            except BaseException:
                failed.append(source)
        if len(failed) in (0, len(waiting)):
            break
        waiting = failed
    return namespace


def test_answers_are_found_and_nothing_else_is_run(found):
    got = found("print('a')", *ALL, "check.win_share(win_share)", "x = best_of_n([], [])")
    assert got.cells == ALL and not got.missing and not got.notes


def test_the_last_written_definition_wins_and_a_stub_never_does(found):
    stub = 'def win_share(a, b):\n    """Share."""\n    ...  # replace this line'
    other = "def win_share(a, b):\n    return 1"
    assert found(other, SHARE, stub).cells == [SHARE]
    assert found(SHARE, other, stub).cells == [other]
    assert found(stub, "def win_share(a, b): pass").cells == ["def win_share(a, b): pass"]
    for empty in ("raise NotImplementedError", "return None", "return", "pass", "'''doc'''"):
        assert found(SHARE, f"def win_share(a, b):\n    {empty}").cells == [SHARE]


def test_a_stub_alone_is_run_and_not_missing(found):
    got = found("def win_share(a, b):\n    ...")
    assert "win_share" not in got.missing and len(got.missing) == 3


def test_helpers_imports_and_constants_are_followed_wherever_they_stand(found):
    got = found(
        "def win_share(a, b):\n    return half(a) + LIMIT + math.pi + twice(1)",
        "import math, os",
        "LIMIT = -3",
        "def half(a):\n    return a / two()",
        "plot = make_a_plot()",
        "from helpers import nothing",
        "twice = lambda x: 2 * x\ndef two():\n    return 2",
    )
    assert "make_a_plot" not in str(got.cells) and "helpers" not in str(got.cells)
    assert ran(got)["win_share"](4, 0) == pytest.approx(1 + 3.14159, abs=1e-4)


def test_variables_inside_functions_do_not_pull_in_cells_of_the_same_names(found):
    got = found("rewards = load_for_hours()", "a = input()", SHARE)
    assert got.cells == [SHARE]


def test_values_are_made_and_changed_in_order(found):
    got = found(
        "table = {}\nfor k in range(3):\n    table[k] = k * k\ntable.update(nine=9)\nprint(table)",
        "def win_share(a, b):\n    return sum(table.values())",
        "table = None",
    )
    assert ran(got)["win_share"](0, 0) == 14


def test_a_value_is_found_below_where_nothing_above_makes_it(found):
    got = found("size = size + 1", "def win_share(a, b):\n    return size", "size = len('abc')")
    assert ran(got)["win_share"](0, 0) == 4


def test_each_answer_keeps_its_own_helper_of_the_same_name(found):
    got = found(
        "def helper(x):\n    return x + 1",
        "def win_share(a, b):\n    return helper(a)",
        "check.win_share(win_share)",
        "def helper(x):\n    return x * 10\ndef expected_best(rewards, n):\n    return helper(n)",
        "check.expected_best(expected_best)",
    )
    space = ran(got)
    assert space["win_share"](4, 0) == 5 and space["expected_best"]([], 4) == 40


def test_each_answer_keeps_its_own_constant_of_the_same_name(found):
    got = found(
        "EPS = 1\ndef win_share(a, b):\n    return EPS",
        "EPS = 2\ndef expected_best(rewards, n):\n    return EPS",
        "EPS = 3",
    )
    space = ran(got)
    assert space["win_share"](0, 0) == 1 and space["expected_best"]([], 1) == 2


def test_recursion_and_local_names_survive_another_name(found):
    got = found(
        "def fact(n):\n    return 1 if n < 2 else n * fact(n - 1)\n"
        "def win_share(a, b):\n    f = lambda fact: fact\n    return fact(a) + f(b)",
        "def fact(n):\n    return n and 2 + fact(n - 1)\n"
        "def expected_best(rewards, n):\n    return fact(n)",
    )
    assert ran(got)["win_share"](4, 1) == 25 and ran(got)["expected_best"]([], 3) == 6


def test_a_mended_helper_below_counts(found):
    got = found(
        "def helper(x):\n    return 1 / 0",
        "def win_share(a, b):\n    return helper(a)",
        "def helper(x):\n    return x",
    )
    assert ran(got)["win_share"](7, 0) == 7


def test_results_under_a_functions_name_do_not_replace_it(found):
    got = found(SHARE, "win_share = win_share(a, b)", "for best_of_n in range(3): pass", BEST)
    assert got.cells == [SHARE, BEST]
    got = found(SHARE, "win_share = 0.5", "sum = 3", "def expected_best(r, n):\n    return sum(r)")
    assert ran(got)["expected_best"]([1, 2], 1) == 3 and "win_share = 0.5" not in got.cells


def test_other_forms_of_a_function(found):
    assert ran(found("win_share = lambda a, b: 3"))["win_share"](0, 0) == 3
    got = found(SHARE, "def mine(a, b):\n    return 4", "win_share = mine")
    assert ran(got)["win_share"](0, 0) == 4
    got = found(
        "from functools import lru_cache",
        "win_share = lru_cache(win_share)",
        "def win_share(a, b):\n    return 5",
    )
    assert hasattr(ran(got)["win_share"], "cache_info")
    got = found("if True:\n    def win_share(a, b):\n        return 6")
    assert ran(got)["win_share"](0, 0) == 6
    got = found("def win_share(a, b):\n    return win_share.n", "win_share.n = 7")
    assert ran(got)["win_share"](0, 0) == 7


@pytest.mark.parametrize(
    "cell",
    [
        "%pip install nothing\n{}",
        "!ls -la | grep (\n{}",
        "%%time\n{}",
        "%%timeit -n 3\n\n{}",
        "# my answer\n%%capture out\n{}",
        "%matplotlib inline\n%load_ext autoreload\n{}\n%timeit win_share(1, 2)",
        "?print\nprint?\nprint??\n{}",
        "files = !ls\nx = %time 3\n{}",
        "if True:\n    %pip install x\n{}",
        "!pip install \\\n   something\n{}",
        ">>> import os\n>>> x = 3\n3\n{}",
        "get_ipython().system('ls')\n{}",
        "display(3)\nimport no_such_thing\n{}\nraise KeyboardInterrupt",
        "input('name?')\n{}",
        "{}\nawait something()",
        "\ufeff\n\n{}\n\n",
    ],
)
def test_magics_shell_and_prompts_go_and_the_answer_stays(found, cell):
    answer = SHARE
    if cell.startswith(">>>"):
        answer = "\n".join(
            f"{'...' if n else '>>>'} {line}" for n, line in enumerate(SHARE.split("\n"))
        )
    got = found(cell.format(answer))
    assert callable(ran(got)["win_share"]) and "win_share" not in got.missing


def test_indented_cells_are_read_as_ipython_reads_them(found):
    assert found(textwrap.indent(SHARE, "    ")).cells == [SHARE]


def test_a_percent_sign_in_a_calculation_is_no_magic(found):
    source = "def win_share(a, b):\n    return (a\n        % b)"
    assert found(source).cells == [source]


def test_other_languages_are_dropped(found):
    got = found("%%bash\nrm -rf /", "%%html\n<b>", SHARE)
    assert got.cells == [SHARE]
    assert got.notes[0] == "cell 1 is not Python (%%bash) and was left out."


def test_nbconverts_folded_magic_is_unfolded(found):
    folded = f"get_ipython().run_cell_magic('time', '', {SHARE!r})"
    assert found(folded).cells == [SHARE]


def test_one_syntax_error_loses_nothing_else(found):
    broken = "def expected_best(rewards, n):\n    return max(rewards"
    got = found(f"import os\n{BEST}\n\n{broken}\n\n@decorated\n{SHARE}", "x = = 3", CHEAP)
    assert "".join(got.cells).count("def ") == 3
    assert got.missing == {
        "expected_best": "expected_best is in cell 1, but Python cannot read it: "
        "line 2: '(' was never closed"
    }
    assert any("cell 2 is no Python: line 1" in note for note in got.notes)


def test_a_function_cut_in_two_cells_is_joined(found):
    got = found("def win_share(a, b):\n    x = 3", "    x += 1\n    return x")
    assert ran(got)["win_share"](0, 0) == 4 and "end of cell 1" in got.notes[0]


def test_own_later_cells_are_left_out_and_cannot_break_answers(found, plan):
    measure = plan.others[1]
    changed = measure.replace("(1, 2)", "(1, 3)").replace("sizes", "SIZES")
    helper = "def rows(x):\n    return 8"
    answer = "def win_share(a, b):\n    return rows(a)"
    got = found(helper, answer, *plan.others, changed + "\nrows = 1\nraise SystemExit")
    assert ran(got)["win_share"](0, 0) == 8 and "Pool" not in str(got.cells)


def test_imports_of_later_cells_are_taken_where_an_answer_needs_them(found):
    later = "from course_lib.estimators import best_of_n_curve as curve\npool = load()"
    got = found("def win_share(a, b):\n    return curve", later)
    assert got.cells[-1].startswith("from course_lib.estimators") and "load" not in str(got.cells)


def test_settings_of_libraries_are_kept(found):
    got = found(
        "torch.set_default_dtype(torch.float64)\nnp.float = float\nnp.save('x', f())", SHARE
    )
    assert got.cells[0] == "torch.set_default_dtype(torch.float64)"
    assert "np.float = float" in got.cells and "save" not in str(got.cells)


def test_definitions_come_before_what_may_take_long(found):
    got = found(
        "table = slow()", "def slow():\n    return 3", "def win_share(a, b):\n    return table"
    )
    assert got.cells[-1] == "table = slow()"


def test_display_in_an_answer_does_no_harm(found):
    assert ran(found("def win_share(a, b):\n    display(a)\n    return 2"))["win_share"](0, 0) == 2


def test_annotations_of_the_future_hold_in_later_cells(found):
    got = found("from __future__ import annotations", "def win_share(a: Nowhere, b):\n    return 2")
    assert ran(got)["win_share"](0, 0) == 2


def test_names_that_are_nowhere_are_said(found):
    got = found("def win_share(a, b):\n    return halff(a)")
    assert got.notes == ["win_share uses halff, which the notebook does not define before it."]


def test_what_is_missing_is_said_exactly(found):
    got = found(
        "md:# Title\n\ndef win_share(a, b):\n    return 3",
        "def Best_of_m(texts, rewards):\n    return 1",
        "def my_way(ns, quality, share, budget):\n    return 1",
    )
    assert got.missing == {
        "best_of_n": "there is no best_of_n in the notebook. Is it Best_of_m? Then give it its "
        "name back.",
        "win_share": "win_share stands in cell 1, which is a text cell, so it is not run. Was it "
        "turned by accident? Select it, press Esc, then Y.",
        "expected_best": "there is no expected_best in the notebook. Was its cell deleted?",
        "cheapest_n": "there is no cheapest_n in the notebook. Is it my_way? Then give it its name "
        "back.",
    }
    got = found("class Mine:\n    def win_share(self, a, b):\n        return 3")
    assert "not as a function of its own" in got.missing["win_share"]


def test_a_stub_beside_an_answer_that_cannot_be_run_is_said(found):
    stub = "def win_share(a, b):\n    ..."
    got = found("def win_share(a, b):\n    return (a", stub)
    assert got.notes[0].startswith("win_share is in cell 1, but Python cannot read it")
    got = found(f"md:{SHARE}", stub)
    assert got.notes[0].startswith("win_share stands in cell 1, which is a text cell")
    assert found(stub).notes == []


def test_what_functions_and_decorators_set_up_is_there(found):
    got = found(
        "RULES = []\ndef rule(f):\n    RULES.append(f)\n    return f",
        "@rule\ndef one(x):\n    return x",
        "@rule\ndef two(x):\n    return 10 * x",
        "def set_up():\n    global SIZE\n    SIZE = 100\nset_up()",
        "def win_share(a, b):\n    return sum(f(a) for f in RULES) + SIZE",
    )
    assert ran(got)["win_share"](3, 0) == 133 and not got.notes


def test_no_points_are_invented_for_another_name(found):
    assert "win_share" not in ran(found("def Win_share(a, b):\n    return 3"))


def test_nothing_of_a_notebook_is_run_here(found, monkeypatch):
    for name in ("exec", "eval", "open", "input"):
        monkeypatch.setattr(builtins, name, lambda *_: pytest.fail("something was run"))
    got = found("import os\nos._exit(1)", "eval('1')", "def win_share(a, b=exit()):\n    return 3")
    assert got.cells == ["def win_share(a, b=exit()):\n    return 3"]


def test_whatever_the_text_there_are_cells_or_sentences(found, plan):
    rng = random.Random(3)
    texts = [*ALL, *plan.others, *(probed.stub for probed in plan.tasks.values())]
    marks = ["(", ")", "'", '"""', "\n", "\n\n", "    ", "%", "!", "?", "@", ":", "=", "\\", "#"]
    marks += [
        "def ",
        "class ",
        "return ",
        "lambda x: ",
        "%%time\n",
        ">>> ",
        "\t",
        "\x0c",
        "é",
        "del ",
    ]
    marks += ["global x\n", "f'{", "match x:\n", "await ", "*", "import ", "from . import *\n", ";"]
    for _ in range(1500):
        cells = []
        for text in rng.sample(texts, 4):
            for _ in range(rng.randrange(5)):
                at = rng.randrange(len(text))
                text = text[:at] + rng.choice(marks) + text[at + rng.choice([0, 0, 1, 9]) :]
            cells.append(text)
        got = found(*cells)
        assert all(isinstance(source, str) and source for source in got.cells)
        assert all(isinstance(text, str) for text in [*got.missing.values(), *got.notes])


@pytest.mark.parametrize(
    "source",
    [
        "(" * 5000,
        "x = " + "-" * 50_000 + "1",
        "x = " + "1+" * 50_000 + "1",
        "x" + ".a" * 50_000,
        "lambda: " * 3000 + "1",
        "f(" * 90 + ")" * 90,
        "\n".join(" " * n + "if x:" for n in range(150)),
        "x = 1\n" * 60_000,
        "x = '" + "y" * 300_000 + "'",
        "!" * 1000 + "\n" + "!x\n" * 300,
        "def win_share(a, b):\n    return 3\0",
        "\ud800",
        "def f(\n" * 3000,
    ],
)
def test_hostile_sources_are_only_unread(found, source):
    got = found(source, BEST)
    assert BEST in got.cells
