"""Predictions that count: what a lesson asks before an answer, it answers once, and closed."""

import json
import re

import pytest

from course_lib import authoring
from course_lib.authoring.links import number_of
from course_lib.authoring.paths import core_of

NOTEBOOKS = authoring.ROOT / "notebooks"
LESSONS = [source.stem for source in authoring.lesson_sources()]
ASKED = re.compile(r"""quiz\.predict\(\s*["']([^"']+)["']""")
ANSWERED = re.compile(r"""(?:\.guessed|show\.guess)\(\s*["']([^"']+)["']""")


@pytest.fixture(params=LESSONS)
def lesson(request):
    return request.param


@pytest.fixture
def cells(lesson):
    return json.loads((NOTEBOOKS / f"{lesson}.ipynb").read_text(encoding="utf-8"))["cells"]


def named(cells, pattern):
    """(place of the cell, name) of each match in code cells."""
    return [
        (place, name)
        for place, cell in enumerate(cells)
        if cell["cell_type"] == "code"
        for name in pattern.findall("".join(cell["source"]))
    ]


def tags(cell):
    return cell["metadata"].get("tags", [])


def test_each_question_is_answered_once_by_a_later_cell_that_is_closed(lesson, cells):
    asked, answered = named(cells, ASKED), named(cells, ANSWERED)
    names = [name for _, name in asked]
    assert len(names) == len(set(names)) and sorted(name for _, name in answered) == sorted(names)
    for place, name in answered:
        assert name.startswith(f"{number_of(lesson)}-")
        assert place > dict((n, p) for p, n in asked)[name], f"{name} is answered before"
        assert "answer" in tags(cells[place]), name


def test_a_question_of_the_core_is_answered_in_the_core(cells):
    core = core_of(cells)
    asked = {name for _, name in named(core, ASKED)}
    assert asked == {name for _, name in named(core, ANSWERED)}


def test_a_closed_output_begins_with_a_line_that_says_nothing(cells):
    """JupyterLab writes the first line of a closed output in its place."""
    for cell in cells:
        if "answer" in tags(cell):
            assert cell["metadata"]["jupyter"]["outputs_hidden"] and cell["metadata"]["collapsed"]
            first = cell["outputs"][0]
            html = "".join(first.get("data", {}).get("text/html", ""))
            assert first["output_type"] == "stream" or html.startswith(" \n<"), "build it again"


def test_no_guess_of_an_author_is_left_in_a_notebook(cells):
    for cell in cells:
        for output in cell.get("outputs", []):
            text = "".join(output.get("data", {}).get("text/plain", ""))
            assert "Your guess was" not in text and "You guessed" not in text


def test_lessons_ask_for_a_prediction_in_their_core(lesson, cells):
    assert number_of(lesson) == "00" or named(core_of(cells), ASKED)
