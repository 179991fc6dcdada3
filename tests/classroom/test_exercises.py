"""The checks of the exercises: proven, kind, and nothing of a solution in what a student gets."""

import functools
import json
import re
import subprocess
import sys

import numpy as np
import pytest

from course_lib import authoring
from course_lib.authoring import exercises as ex
from course_lib.authoring import proofs
from course_lib.base import CourseError
from course_lib.classroom import checks, record
from course_lib.classroom.checks import registry, reporting, running

SOURCES = ex.exercise_sources()
NAMES = [source.stem for source in SOURCES]


@pytest.fixture(params=SOURCES, ids=NAMES)
def source(request):
    return request.param


@functools.cache
def proven(source):
    return proofs.prove(source)


# ---- proof of the checks -----------------------------------------------------------------------


FIRST_IS_QUICK = [
    pytest.param(source, id=source.stem, marks=[pytest.mark.slow] if k else [])
    for k, source in enumerate(SOURCES)
]


@pytest.mark.parametrize("source", FIRST_IS_QUICK)
def test_every_wrong_solution_is_rejected_and_every_right_one_accepted(source):
    for row in proven(source):
        assert row["killed"] == row["mutants"] >= 6, row["problems"]
        assert row["accepted"] == row["alternatives"] >= 3, row["problems"]
        assert row["stub_fails"], row["problems"]


@pytest.mark.slow
def test_nine_in_ten_wrong_solutions_are_told_what_is_wrong():
    rows = [row for source in SOURCES for row in proven(source)]
    assert sum(row["right_message"] for row in rows) >= 0.9 * sum(row["mutants"] for row in rows)


def test_tasks_say_points_minutes_and_difficulty_and_exist_in_the_notebook(source):
    exercise = ex.Exercise(source)
    tasks = exercise.tasks()
    assert 3 <= len(tasks) <= 6
    text = "\n".join(s for _, s in exercise.notebook_cells(False))
    for name, task in tasks.items():
        assert f"check.{name}(" in text
        said = f"*{task.points:g} points · about {task.minutes} minutes · {task.difficulty}*"
        assert said in text
        assert len({*task.hints}) == 3


def test_hints_and_messages_do_not_hold_the_solution(source):
    exercise = ex.Exercise(source)
    for cell in exercise.of("task"):
        lines = [line for line in solution_lines(cell.source) if len(line) > 45]
        for hint in exercise.tasks()[cell.metadata["task"]].hints:
            in_full = any(line in hint for line in lines)
            assert not in_full, "the third hint nearly says it; it is not the code"


# ---- what a student gets -----------------------------------------------------------------------


def solution_lines(source):
    """The lines between # SOLUTION and # STUB, stripped, long enough to be recognised."""
    inside, found = False, []
    for line in source.split("\n"):
        mark = line.strip()
        inside = mark == "# SOLUTION" or (inside and mark != "# STUB")
        if inside and mark != "# SOLUTION" and len(mark) > 14:
            found.append(mark)
    return found


def test_nothing_of_a_solution_reaches_a_student(source):
    exercise = ex.Exercise(source)
    notebook = (authoring.ROOT / "exercises" / f"{source.stem}.ipynb").read_text(encoding="utf-8")
    checks_file = authoring.ROOT / "course_lib" / "classroom" / "checks" / f"{exercise.name}.py"
    module = checks_file.read_text(encoding="utf-8")
    cells = json.loads(notebook)["cells"]
    plain = "\n".join(cell["source"] for cell in cells)
    for cell in exercise.of("task"):
        for line in solution_lines(cell.source):
            assert line not in plain, line
            assert json.dumps(line)[1:-1] not in notebook, line
            assert line not in module, line
    for file in (authoring.ROOT / "exercises" / "proofs" / exercise.name).glob("*.py"):
        text = file.read_text(encoding="utf-8")
        for function in re.findall(r"^def (\w+)", text, re.MULTILINE):
            assert f"def {function}(" not in plain
            assert f"def {function}(" not in module
    assert "# SOLUTION" not in notebook and "# STUB" not in notebook
    for cell in cells:
        assert not cell.get("outputs")
        tags = cell["metadata"].get("tags", [])
        folded = {"cellView": "form", "jupyter": {"source_hidden": True}}
        assert cell["metadata"] in ({}, {"tags": tags}, {"tags": ["setup"]} | folded)
        assert set(tags) <= {"setup", "contents", "navigation"}


def test_code_fits_the_column(source):
    """A longer line is cut in JupyterLab at 1,280 pixels."""
    _, text = ex.student_notebook(source, authoring.ROOT)
    for cell in json.loads(text)["cells"]:
        if cell["cell_type"] == "code" and "setup" not in cell["metadata"].get("tags", []):
            assert max(map(len, cell["source"].split("\n"))) <= ex.COLUMNS, cell["source"]


def test_the_package_holds_no_sources_of_exercises():
    import tomllib

    project = tomllib.loads((authoring.ROOT / "pyproject.toml").read_text())
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["packages"] == ["course_lib"]
    for path in (authoring.ROOT / "course_lib").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"^\s*# SOLUTION$", text, re.MULTILINE), path


def test_notebooks_and_checks_are_as_their_sources(source):
    assert ex.differences([source], authoring.ROOT) == []


def test_solved_notebooks_do_not_go_where_students_look(tmp_path):
    with pytest.raises(CourseError, match="runs/solved"):
        ex.build_solved(SOURCES[:1], authoring.ROOT / "exercises", authoring.ROOT)
    (path,) = ex.build_solved(SOURCES[:1], tmp_path, authoring.ROOT)
    text = "\n".join(cell["source"] for cell in json.loads(path.read_text())["cells"])
    first_task = ex.Exercise(SOURCES[0]).of("task")[0]
    assert solution_lines(first_task.source)[0] in text


# ---- secret probes -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(s, id=s.stem, marks=() if s in SOURCES[:1] else pytest.mark.slow)
        for s in SOURCES
    ],
)
def test_an_answer_hard_coded_from_one_cohorts_inputs_fails_in_the_other(source):
    for name, proof in proofs.proofs_of(source.stem[:4]).items():
        if not callable(proof.reference):
            continue
        table = {}
        for args in proof.drawn(101):
            table[repr(checks.plain_value(args))] = checks.Trial(proof.reference).run(*args)

        def hard_coded(*args, table=table):
            return table.get(repr(checks.plain_value(args)), next(iter(table.values())))

        assert proof.share_right(hard_coded, 101) == 1, name
        assert proof.share_right(hard_coded, 202) < 0.9, name


def test_probes_follow_from_the_seed_alone(source):
    def drawn(proof, seed):
        return repr(checks.plain_value(proof.drawn(seed)))

    for proof in proofs.proofs_of(source.stem[:4]).values():
        if proof.inputs:
            assert drawn(proof, 5) == drawn(proof, 5) != drawn(proof, 6)


# ---- the machinery -----------------------------------------------------------------------------


def ran(task, value):
    return task.outcome(value)


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


def test_a_check_gives_partial_credit_and_names_the_first_fault(double):
    found = ran(double, lambda xs: [2.0] if len(xs) == 1 else [0.0, 0.0])
    assert (found.points, found.passed) == (1, False) and "not right" in found.message
    assert ran(double, lambda xs: list(xs)).message == "this is the input."
    assert ran(double, lambda xs: [2 * x for x in xs]).passed
    assert ran(double, lambda xs: np.array(xs, dtype=np.float32) * 2).passed


def test_a_check_explains_crashes_shapes_and_changed_inputs(double):
    assert "ZeroDivisionError" in ran(double, lambda xs: 1 / 0).message
    assert "shape (1, 1)" in ran(double, lambda xs: [[2.0]]).message

    def spoils(xs):
        xs[0] = 2 * xs[0]
        return xs

    assert "changes its input" in ran(double, spoils).message


def test_a_missing_return_on_one_way_is_not_called_an_empty_stub(double):
    found = ran(double, lambda xs: [2.0] if len(xs) == 1 else None)
    assert found.written and found.points == 1 and "returns nothing" in found.message
    import torch

    # a slip that torch answers with NotImplementedError
    found = ran(double, lambda xs: torch.tensor(xs) > 0 & torch.tensor(xs))
    assert found.written and "stopped with" in found.message


def test_a_function_that_never_ends_is_stopped_and_told(double, monkeypatch):
    monkeypatch.setattr("course_lib.classroom.checks.calling.SECONDS", 0.3)

    def endless(xs):
        while True:
            try:
                sum(xs)
            except Exception:
                pass

    found = ran(double, endless)
    assert found.written and "loop that never stops" in found.message
    assert ran(double, lambda xs: [2 * x for x in xs]).passed, "the timer is off again"


def test_printing_instead_of_returning_is_not_called_an_empty_stub(double):
    def prints(xs):
        doubled = [2 * x for x in xs]  # noqa: F841

    assert ran(double, prints).written and "end in a return" in ran(double, prints).message
    assert "stopped with StopIteration (line 1" in ran(double, lambda xs: next(iter([]))).message


def bodies(*lines):
    """One function of ``xs`` for each body given as lines of code."""
    found = []
    for body in lines:
        namespace = {}
        text = "\n    ".join(["def answer(xs):", *body.split("\n")])
        exec(compile(text, "answer", "exec"), namespace)
        found.append(pytest.param(namespace["answer"], id=body))
    return found


STUBS = bodies(
    "...",
    "pass",
    "return",
    "return None",
    "return ...",
    '"""What it returns."""',
    '"""What it returns."""\n...',
    '"""What it returns."""\n...  # replace this line',
    '"""What it returns."""\npass',
    '"""What it returns."""\npass\n...\n...\npass\npass\n...',
    '"""What it returns."""\n...\nreturn None',
    "# a remark\n...\n# another one\nreturn",
)


@pytest.mark.parametrize("stub", STUBS)
def test_every_form_of_a_stub_has_no_body(double, stub):
    assert not checks.has_body(stub) and not checks.has_body(functools.wraps(stub)(lambda: 1 / 0))
    found = ran(double, stub)
    assert not found.written and "returns nothing yet" in found.message


BEGUN = bodies(
    "best = xs",
    "best = 1",
    "xs",
    "len(xs)",
    "print(xs)",
    "xs[0]",
    "-xs[0]",
    "xs += [1]",
    "import math",
    "for x in xs: pass",
    "while not xs: pass",
    "if xs: pass",
    "if xs: return None",
    "with open(xs): pass",
    "def inner(): pass",
    "def inner(): return xs",
    "[x for x in xs]",
    "return (lambda: None)()",
    "del xs",
    "assert xs",
    "yield",
    "return 5",
    '"""What it returns."""\nxs = 0\nreturn None',
)


@pytest.mark.parametrize("function", BEGUN)
def test_what_calls_computes_or_assigns_has_a_body(function):
    assert checks.has_body(function)


@pytest.mark.parametrize("function", [lambda xs: None, lambda: ..., len, "text", 3])
def test_empty_lambdas_and_what_is_not_written_in_python_have_no_body(function):
    assert not checks.has_body(function)


@pytest.mark.parametrize("stub", [lambda xs: None, lambda xs: ..., None, ...])
def test_a_stub_is_told_kindly(double, stub):
    found = ran(double, stub)
    assert not found.written and not found.passed and found.points == 0
    with pytest.raises(checks.CheckFailed, match="Fill in the cell above") as failed:
        double(stub)
    assert failed.value._render_traceback_()[0].startswith("double:")


def test_a_failed_check_says_input_and_output_but_not_the_answer(double):
    with pytest.raises(checks.CheckFailed) as failed:
        double(lambda xs: [7.0])
    text = str(failed.value)
    assert "smallest input that shows it" in text and "gave [7.0]" in text
    assert "2.0" not in text
    assert "hint(1)" in text


def test_a_failed_check_shows_a_call_that_can_be_typed_in():
    import torch

    trial = checks.Trial(lambda x, k, row: 0)
    text = trial.call_text((torch.tensor([[1.0, 2.0]]), (1, 2), np.arange(2)))
    assert text.endswith("(x=torch.tensor([[1.0, 2.0]]), k=(1, 2), row=np.array([0, 1]))")
    assert checks.in_a_line((torch.tensor([1 / 3]), "a")) == "([0.3333], 'a')"


@pytest.mark.parametrize(
    "value, words",
    [
        ([[1, 2], [3]], "2 rows of lengths 2, 1"),
        ([[1], 2], "2 rows of lengths 1, none"),
        ([[1, 2], [3, 4]], "shape (2, 2)"),
        ([], "shape (0,)"),
        (zip([1]), "list() makes a list"),
        ({1}, "type set"),
        (True, "one truth value"),
        (np.float32(1), "one number"),
        ("a", "one text"),
        ({"b": 1, "a": 2}, "the keys a, b"),
    ],
)
def test_shapes_in_words(value, words):
    assert words in checks.shape_in_words(value)


def test_fractions_are_numbers_and_names_keep_their_case(double):
    from fractions import Fraction

    assert ran(double, lambda xs: [Fraction(2) * int(x) for x in xs]).passed
    for text in ("w is", "lr is", "σ of"):
        assert checks.as_sentence(text) == text
    assert checks.as_sentence("a name") == "A name"
    assert checks.as_sentence("this is") == "This is"


def test_one_of_several_results_is_tried_alone(double):
    trial = checks.Trial(lambda x: (x, 2 * x))
    trial.one_of((3,), 1, ("first", "second")).same((3,), 6)
    for value, said in (
        (lambda x: x, "two things: first, second"),
        (lambda x: (x, None), "second is still None"),
        (lambda x: (1, 2, 3), "length 3"),
    ):
        with pytest.raises(checks.Wrong, match=said):
            checks.Trial(value).one_of((3,), 1, ("first", "second"))


def test_gradients_reach_the_reader_and_a_cut_is_named():
    import torch

    x = torch.tensor([2.0])
    assert checks.Trial(lambda x: x**2).gradients((x,), (0,))[0].item() == 4
    for cut in (
        lambda x: (x**2).detach(),
        lambda x: float(x**2),
        lambda x: torch.tensor((x**2).tolist()),
    ):
        with pytest.raises(checks.Wrong, match="no gradient"):
            checks.Trial(cut).gradients((x,), (0,))
    with pytest.raises(checks.Wrong, match="leaves torch"):
        checks.Trial(lambda x: x.numpy() ** 2).gradients((x,), (0,))


def test_cells_that_use_a_task_ask_for_it(double, monkeypatch):
    monkeypatch.setattr(registry, "OUTCOMES", {})
    with pytest.raises(checks.CheckFailed, match="uses your double: finish it first"):
        checks.need(double)
    checks.keep(double.outcome(lambda xs: [0.0]))
    with pytest.raises(checks.CheckFailed):
        checks.need(double)
    checks.keep(double.outcome(lambda xs: [2 * x for x in xs]))
    checks.need(double)


def test_the_builder_gates_what_rests_on_a_task_and_nothing_else():
    needs = {"f": ["f"], "g": ["g"]}
    free = "a = 1\nfor T in (1, 2):\n    print(T)"
    gate = "check.need(check.f, check.g)"
    assert ex._gated(free, needs) == free
    gated = ex._gated("b = f(a)\nfor T in g(b):\n    print(T)", needs)
    assert gated.startswith(f"{gate}\n\nb = f(a)")
    assert ex._gated("for T in (3,):\n    print(T)", needs).startswith("for T")
    assert ex._gated("print(b)", needs).startswith(gate)


def test_where_the_notebook_is_not_a_file_the_checks_of_this_process_count(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.delenv(registry.RUNNING, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(registry, "OUTCOMES", {})
    monkeypatch.setattr(reporting, "OUTCOMES", registry.OUTCOMES)
    task = checks.tasks("ex01")["win_share"]
    checks.keep(task.outcome(lambda a, b: float((a > b).double().mean())))
    checks.report("ex01")
    said = capsys.readouterr().out
    assert "not in the working folder" in said
    assert "1 of 3" not in said.split("win_share")[0]
    assert "begun    ex01.win_share" in said
    assert "has not run here yet" in said


def test_what_holds_here_and_not_in_the_saved_notebook_is_said(monkeypatch):
    task = checks.tasks("ex01")["win_share"]
    found = task.outcome(lambda a, b: float((a > b).double().mean()))
    monkeypatch.setattr(reporting, "OUTCOMES", {task.id: found})
    row = {"task": task.id, "points": 0, "most": 3}
    said = reporting.lost([row, {"task": "ex01.best_of_n", "points": 0, "most": 3}])
    assert f"win_share had {found.points:g} points" in said and "best_of_n" not in said
    assert "Save it" in said
    assert reporting.lost([{**row, "points": found.points}]) == ""


def notebook(path, *sources, kernel="python3"):
    """A notebook file of code cells."""
    cells = [
        {
            "cell_type": "code",
            "id": f"c{k}",
            "metadata": {},
            "execution_count": None,
            "outputs": [],
            "source": text,
        }
        for k, text in enumerate(sources)
    ]
    kernelspec = {"name": kernel, "display_name": kernel, "language": "python"}
    whole = {
        "cells": cells,
        "metadata": {"kernelspec": kernelspec},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    path.write_text(json.dumps(whole))
    return path


def test_the_notebook_is_found_by_name_and_known_by_what_it_imports(tmp_path):
    text = "from course_lib.classroom.checks import ex02 as check"
    for name in ("ex02_n.ipynb", "ex02_n-Copy1.ipynb", "my own.ipynb"):
        notebook(tmp_path / name, text)
    assert running.find_notebook("ex02", tmp_path).name == "ex02_n.ipynb", "not the copy"
    assert running.exercise_of(tmp_path / "my own.ipynb") == "ex02"
    notebook(tmp_path / "ex01_x.ipynb", "print(1)")
    (tmp_path / "ex01_broken.ipynb").write_text('{"cells": [')
    for name, words in (
        ("ex01_x.ipynb", "imports no checks"),
        ("ex01_broken.ipynb", "cannot be read as a notebook"),
    ):
        with pytest.raises(CourseError, match=words):
            running.standing(str(tmp_path / name))
    with pytest.raises(CourseError, match="no exercise"):
        running.find_notebook("ex0*", tmp_path)


def test_a_standing_is_remembered_and_a_spoilt_progress_file_is_left_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "progress.json"))
    rows = [
        {"task": "ex01.win_share", "points": 2, "most": 3, "written": True},
        {"task": "ex01.best_of_n", "points": 0, "most": 3, "written": False},
    ]
    running.remember(rows)
    points = {task: kept["points"] for task, kept in record.load_tasks().items()}
    assert points == {"ex01.win_share": 2}
    (tmp_path / "progress.json").write_text("{")
    running.remember(rows)
    assert (tmp_path / "progress.json").read_text() == "{"


@pytest.mark.slow
@pytest.mark.parametrize(
    "trouble", ["import os; os._exit(1)", "import time; time.sleep(200)", "def f(:"]
)
def test_what_was_checked_counts_when_a_later_cell_stops_python(trouble, tmp_path, monkeypatch):
    """And the kernel's name in the file, which may be another machine's, does not matter."""
    monkeypatch.setattr(running, "TIMEOUT", 25)
    right = (
        "check.win_share(lambda a, b: float(((a > b).double() + 0.5 * (a == b).double()).mean()))"
    )
    path = notebook(
        tmp_path / "mine.ipynb",
        "from course_lib.classroom.checks import ex01 as check",
        right,
        trouble,
        "check.best_of_n(best_of_n)",
        kernel="my-conda-env",
    )
    rows = {row["task"]: row for row in running.standing(str(path))}
    assert rows["ex01.win_share"]["points"] == 3
    assert rows["ex01.best_of_n"]["message"] == running.MISSING
    assert running.text_of(list(rows.values())).count("its check did not run".capitalize()) == 3


def test_under_nbgrader_a_half_right_answer_is_a_number_of_points(double, monkeypatch, capsys):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    assert double(lambda xs: [2.0]) == 1 and "1 of 2 points" in capsys.readouterr().out
    assert double(lambda xs: [2 * x for x in xs]) is None
    with pytest.raises(checks.CheckFailed):
        double(lambda xs: [0.0])

    def warns(xs):
        print("a warning", file=sys.stderr)
        return [2 * x for x in xs]

    assert double(warns) is None and capsys.readouterr().err == ""


@pytest.mark.parametrize("name", [registry.RUNNING, "NBGRADER_EXECUTION"])
def test_the_last_cell_is_silent_where_the_notebook_is_run_for_another_reason(
    name, monkeypatch, capsys
):
    monkeypatch.setenv(name, "x")
    checks.report("ex01")
    assert capsys.readouterr().out == ""


def test_each_failed_try_offers_a_stronger_hint(double):
    for stub in (None, lambda xs: None):
        with pytest.raises(checks.CheckFailed, match=r"hint\(1\)"):
            double(stub)
    for level in (1, 2, 3, 3):
        with pytest.raises(checks.CheckFailed, match=rf"hint\({level}\)"):
            double(lambda xs: [0.0])


def test_points_must_add_up():
    @checks.task(
        "ex99",
        points=3,
        minutes=1,
        difficulty="easy",
        idea="doubling",
        read="nowhere",
        hints=("a", "b", "c"),
    )
    def short(t):
        with t.part(1, "only one"):
            pass

    with pytest.raises(CourseError, match="worth 1 points, the task 3"):
        short.outcome(lambda: 1)


def test_progress_keeps_the_best_try(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "progress.json"))
    record.record_task("ex01.best_of_n", 2, 3)
    record.record_task("ex01.best_of_n", 1, 3)
    record.record("01-steps", "abcde", 1.0)
    assert record.load_tasks()["ex01.best_of_n"]["points"] == 2
    assert "01-steps" in record.load_progress()


# ---- running notebooks -------------------------------------------------------------------------


@pytest.mark.slow
def test_a_students_notebook_fails_exactly_at_its_checks(source, tmp_path, monkeypatch):
    """Untouched, each check fails kindly, and so does each cell that uses what is not written yet.

    Every other cell runs.
    """
    import nbformat
    from nbclient import NotebookClient

    monkeypatch.setenv(registry.RUNNING, "1")
    notebook = nbformat.read(authoring.ROOT / "exercises" / f"{source.stem}.ipynb", as_version=4)
    NotebookClient(
        notebook,
        timeout=600,
        kernel_name="python3",
        allow_errors=True,
        resources={"metadata": {"path": str(tmp_path)}},
    ).execute()
    tasks = checks.tasks(source.stem[:4])
    a_check = re.compile(r"check\.(need|" + "|".join(tasks) + r")\(")
    for cell in notebook.cells:
        if cell.cell_type == "code":
            errors = [out for out in cell.outputs if out.output_type == "error"]
            expected = ["CheckFailed"] if a_check.match(cell.source) else []
            assert [error.ename for error in errors] == expected, (cell.source, errors)
    path = authoring.ROOT / "exercises" / f"{source.stem}.ipynb"
    assert not any(row["written"] or row["points"] for row in running.standing(str(path)))


@pytest.mark.slow
def test_solved_notebooks_get_every_point(source, tmp_path):
    (path,) = ex.build_solved([source], tmp_path, authoring.ROOT)
    rows = running.standing(str(path))
    assert all(row["points"] == row["most"] for row in rows), rows
    assert running.text_of(rows).endswith("Everything is done.")


@pytest.mark.slow
def test_the_command_proves():
    command = [sys.executable, "-m", "course_lib", "prove", "ex01"]
    assert subprocess.run(command, capture_output=True, text=True).returncode == 0


@pytest.mark.slow
def test_small_changes_to_a_solution_are_noticed():
    """Mistakes nobody wrote by hand (``benchmarks/mutants.py``): here those of exercise 01."""
    done = subprocess.run(
        [sys.executable, authoring.ROOT / "benchmarks" / "mutants.py", "--quick", "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout)
    assert found["mutants"] > 30
    for name, aim in found["aims"].items():
        assert found["ratios"][name] >= aim, found["passed"]
