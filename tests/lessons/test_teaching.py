"""docs/teaching.md: plans for each lesson, and every idea taught, asked for and practised."""

import json
import re

import pytest

from course_lib import authoring
from course_lib.authoring.links import HEADING, pages_of
from course_lib.authoring.paths import core_of
from course_lib.classroom import quiz

TEXT = (authoring.ROOT / "docs" / "teaching.md").read_text(encoding="utf-8")
PAGES = pages_of(authoring.ROOT)
TAUGHT = re.compile(r"lesson (\d\d[a-z]?), ((?:'.+?'(?=[ ;|,])(?: and )?)+)")


def core_headings(number):
    """The headings of a lesson's core, as its notebook shows them."""
    path = authoring.ROOT / PAGES.lessons[number].path
    cells = core_of(json.loads(path.read_text(encoding="utf-8"))["cells"])
    return HEADING.findall("\n".join(c["source"] for c in cells if c["cell_type"] == "markdown"))


@pytest.mark.parametrize("idea", quiz.IDEAS)
def test_every_idea_is_taught_in_a_core_asked_for_and_practised(idea):
    (row,) = [line for line in TEXT.splitlines() if line.startswith(f"| {idea} |")]
    _, taught, practised = (cell.strip() for cell in row.strip("|").split("|"))
    found = TAUGHT.findall(f"{taught} |")
    assert found
    for number, headings in found:
        for heading in headings.strip("'").split("' and '"):
            assert heading in core_headings(number), heading
    (exercise,) = re.findall(r"exercise (\d\d)", practised)
    assert exercise in PAGES.exercises
    kinds = {item["kind"] for item in quiz.every_item() if item["idea"] == idea}
    assert len(kinds) >= 2


@pytest.mark.parametrize("number", PAGES.lessons)
def test_every_lesson_has_two_plans_and_says_what_its_pictures_are_for(number):
    part = TEXT.split(f"### Lesson {number}: ")[1].split("### Lesson ")[0]
    for words in ("50 minutes", "90 minutes", "What each picture is for", "misunderstanding"):
        assert words in part, words
    assert 120 <= len(part.split()) <= 600


@pytest.mark.parametrize("number", PAGES.lessons)
def test_a_deck_has_twenty_to_twenty_five_cells(number):
    path = authoring.ROOT / PAGES.lessons[number].path
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    marked = [c for c in cells if "slide" in c["metadata"].get("tags", [])]
    assert 20 <= len(marked) <= 25
