"""Small batches of exercise 01 for tests: notebooks in every state, and an engine without boxes."""

import json
from dataclasses import replace

from course_lib.authoring.exercises import Exercise, exercise_sources
from course_lib.grading.box import Limits
from course_lib.grading.judge import Result
from course_lib.grading.submissions import Submission
from course_lib.grading.work import Graded, Setup

SEED = 8_675_309
SLOW = Limits(seconds=300, cpu_seconds=300)
SETUP = Setup("ex01", SEED, SLOW)
WITHOUT = replace(SETUP, unsafe=True)  # for engines that run nothing
TASKS = ("ex01.best_of_n", "ex01.win_share", "ex01.expected_best", "ex01.cheapest_n")


def notebook(*cells):
    """Bytes of a notebook with these code cells."""
    rows = [
        {
            "cell_type": "code",
            "source": text,
            "metadata": {},
            "outputs": [],
            "execution_count": None,
        }
        for text in cells
    ]
    document = {"cells": rows, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(document).encode()


def cells_of(solved):
    """The code cells of exercise 01."""
    source = Exercise(exercise_sources(["ex01"])[0])
    return [text for kind, text in source.notebook_cells(solved) if kind == "code"]


def handed_in(student, data, **more):
    problem = "" if data is not None else "there is no notebook in this folder."
    return Submission(
        student=student,
        shown=student.title(),
        name="ex01.ipynb",
        data=data,
        problem=problem,
        **more,
    )


def a_class():
    """Right, partly right, the same file again, stubs, no notebook, no file, and a wrong answer."""
    solved, stubs = cells_of(True), cells_of(False)
    half = [*solved[: len(solved) // 2], *stubs[len(stubs) // 2 :]]
    wrong = [*solved, "def win_share(a, b):\n    return 0.25"]
    return [
        handed_in("anna", notebook(*solved)),
        handed_in("berta", notebook(*half)),
        handed_in("clara", notebook(*solved)),
        handed_in("dora", notebook(*stubs)),
        handed_in("emil", b"\x00 no notebook"),
        handed_in("frida", None),
        handed_in("gert", notebook(*wrong)),
        handed_in("hanna", notebook(*half, "os = 1")),
        handed_in("ida", b""),
    ]


def graded_by_length(job):
    """What the engine without boxes gives: points by the length of the file, the same each time."""
    size = len(job.data or b"")
    results = [Result(task, float(size % 4) / 2, 3.0, "partly", f"{size} bytes") for task in TASKS]
    return Graded(results, job.problem, ["by length"], {"question": size})
