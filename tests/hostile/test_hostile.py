"""Hostile and unlucky submissions, a small file each: what it earns stands in its first line.

Each is a cell behind right answers to ex01. ``nothing``: no task counts. ``others``: all but
``best_of_n``, which the cell answers wrongly. ``all``: everything, since nothing was touched. ``at
most``: who changes Python under their own feet may lose more.
"""

import json
import os
import tempfile
import time
from pathlib import Path

import pytest

from course_lib.authoring.exercises import Exercise, exercise_sources
from course_lib.grading.answers import cells_to_run
from course_lib.grading.box import Limits, Sandbox, sandbox_problem
from course_lib.grading.judge import graded
from course_lib.grading.notebooks import read_notebook
from course_lib.grading.plan import plan_of, without_checks

pytestmark = [
    pytest.mark.skipif(bool(sandbox_problem()), reason=sandbox_problem()),
    pytest.mark.slow,
]
CASES = sorted((Path(__file__).parent / "cases").glob("*.txt"))
LIMITS = Limits(seconds=8, cpu_seconds=60, memory_mb=400, output_mb=2)
ATTACKED = "best_of_n"


@pytest.fixture(scope="module")
def right_cells():
    source = Exercise(exercise_sources(["ex01"])[0])
    cells = [text for kind, text in source.notebook_cells(True) if kind == "code"]
    return [without_checks(text) for text in cells if "assets" not in text]


@pytest.fixture(scope="module")
def plan():
    return plan_of("ex01", 20260501)


@pytest.fixture(scope="module")
def sandbox(plan):
    with Sandbox() as running:
        assert running.plan(plan.given) == []
        yield running


@pytest.fixture(autouse=True)
def canary(monkeypatch):
    """A file and a secret of this machine that no box may see."""
    monkeypatch.setenv("COURSE_SECRET_TOKEN", "hidden")
    path = Path(tempfile.gettempdir()) / "course-hostile-canary"
    path.write_text("untouched")
    yield
    assert path.read_text() == "untouched"
    path.unlink()


def notebook(cells):
    cells = [{"cell_type": "code", "source": text, "metadata": {}, "outputs": []} for text in cells]
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()


def results(plan, sandbox, cells, limits=LIMITS):
    """By task. All cells are run as they are: what reading would leave out tries the box, too."""
    return {r.task.split(".")[1]: r for r in graded(plan, sandbox, cells, limits)}


def others_alive(sandbox):
    """Processes of boxes that are still there: the parent's grandchildren."""
    alive = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            status = Path(f"/proc/{name}/status").read_text()
            fields = Path(f"/proc/{name}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        uid = int(status.split("Uid:")[1].split()[0])
        if uid == sandbox.uid != os.getuid() and fields[0] != "Z":
            alive.append(int(name))
    return alive


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_it_earns_what_it_should(path, plan, sandbox, right_cells):
    head, _, cell = path.read_text(encoding="utf-8").partition("\n# %%\n")
    earns = head.split("\n")[0].removeprefix("# earns: ")
    at_most, earns = earns.startswith("at most "), earns.removeprefix("at most ")
    before = len(others_alive(sandbox))
    found = results(plan, sandbox, [*right_cells, cell])
    points = {name: r.points for name, r in found.items()}
    whole = {name: probed.task.points for name, probed in plan.tasks.items()}
    expected = {
        "all": whole,
        "others": whole | {ATTACKED: 0.0},
        "nothing": dict.fromkeys(whole, 0.0),
    }[earns]
    said = {name: (r.outcome, r.message) for name, r in found.items()}
    assert all(points[name] <= most for name, most in expected.items()), said
    assert at_most or points == expected, said
    for _ in range(600):  # what was killed takes a moment to go
        if len(others_alive(sandbox)) <= before:
            break
        time.sleep(0.1)
    assert len(others_alive(sandbox)) <= before

    if any(r.outcome == "stopped" for r in found.values()):
        return  # it would be stopped again, and that takes its time
    # as a notebook that is handed in: what no answer rests on is left out, so it earns no less
    kept = cells_to_run(plan, read_notebook(notebook([*right_cells, cell])))
    handed_in = results(plan, sandbox, kept.cells)
    assert all(r.points >= points[name] for name, r in handed_in.items())
    if earns != "nothing" and not at_most:
        assert {name: r.points for name, r in handed_in.items()} == expected


def test_there_are_enough_of_them_and_each_kind():
    earned = [path.read_text().split("\n")[0].removeprefix("# earns: ") for path in CASES]
    assert len(CASES) >= 60
    assert {text.removeprefix("at most ") for text in earned} == {"all", "others", "nothing"}


def test_after_all_of_them_an_innocent_one_is_whole(plan, sandbox, right_cells):
    found = results(plan, sandbox, right_cells, Limits(seconds=120))
    assert {r.outcome for r in found.values()} == {"right"}
